/**
 * A member of the cluster, and the list of them: sorted by name, each name once. A member that is down is
 * still a member; only an operator removes one.
 */
import { createHash } from 'node:crypto'
import { LABEL_CHARACTERS_MAX, MEMBERS_MAX, REGIONS_MAX } from './limits.ts'
import { normaliseMemberName } from './member-name.ts'
import { TopologyError } from './topology-error.ts'

export interface Member {
  /** The normalised public URL, see `normaliseMemberName`. */
  readonly name: string
  /** 1 to 63 of `a-z0-9-`. */
  readonly region: string
  /** 0 to 63 of `a-z0-9-`; empty: the zone is not known, and all such members of a region share one. */
  readonly zone: string
}

/** A member as an operator names it. */
export interface MemberLike {
  readonly name: string
  /** Default `default`. */
  readonly region?: string
  /** Default empty. */
  readonly zone?: string
}

/** The region of a member that names none. */
export const REGION_DEFAULT = 'default'
const LABEL = /^[a-z0-9-]*$/

/**
 * A copy in order of names, with the defaults filled in and the names normalised. Throws TopologyError:
 * TOPOLOGY_BAD_NAME, TOPOLOGY_BAD_MEMBER for a region or zone that is none, TOPOLOGY_BAD_MEMBERS for an empty
 * list, a name twice, more than MEMBERS_MAX or REGIONS_MAX.
 */
export function sortMembers(members: readonly MemberLike[]): readonly Member[] {
  if (members.length === 0)
    throw new TopologyError('TOPOLOGY_BAD_MEMBERS', 'a cluster has at least one member')
  if (members.length > MEMBERS_MAX) {
    const message = `a cluster has at most ${MEMBERS_MAX} members, not ${members.length}`
    throw new TopologyError('TOPOLOGY_BAD_MEMBERS', message)
  }
  const sorted = members.map(memberFrom).sort((a, b) => (a.name < b.name ? -1 : 1))
  for (let i = 1; i < sorted.length; i++) {
    if (sorted[i]!.name !== sorted[i - 1]!.name) continue
    throw new TopologyError('TOPOLOGY_BAD_MEMBERS', `${sorted[i]!.name} is listed twice`)
  }
  const regions = new Set(sorted.map(({ region }) => region)).size
  if (regions > REGIONS_MAX) {
    const message = `a cluster has at most ${REGIONS_MAX} regions, not ${regions}`
    throw new TopologyError('TOPOLOGY_BAD_MEMBERS', message)
  }
  return Object.freeze(sorted)
}

/**
 * What nodes compare to see that they were given the same list: 16 hex digits over names, regions and zones,
 * in whatever order they are listed. Throws as `sortMembers`.
 */
export function membersHash(members: readonly MemberLike[]): string {
  const hash = createHash('sha256')
  for (const member of sortMembers(members)) hash.update(memberBytes(member))
  return hash.digest('hex').slice(0, 16)
}

/** One entry of the form in docs/CLUSTER_LAYOUT.md: three texts, each behind the byte that says how long. */
export function memberBytes({ name, region, zone }: Member): Uint8Array {
  return Buffer.concat([name, region, zone].flatMap((text) => [Buffer.of(text.length), Buffer.from(text)]))
}

function memberFrom({ name, region = REGION_DEFAULT, zone = '' }: MemberLike): Member {
  const normalised = normaliseMemberName(name)
  if (!isLabel(region) || region === '') throw notALabel(normalised, 'region', region, 1)
  if (!isLabel(zone)) throw notALabel(normalised, 'zone', zone, 0)
  return Object.freeze({ name: normalised, region, zone })
}

function isLabel(text: string): boolean {
  return text.length <= LABEL_CHARACTERS_MAX && LABEL.test(text)
}

function notALabel(name: string, what: string, text: string, least: number): TopologyError {
  const allowed = `${least} to ${LABEL_CHARACTERS_MAX} of a-z, 0-9 and -`
  const message = `${name} has the ${what} ${JSON.stringify(text.slice(0, 80))}; it is ${allowed}`
  return new TopologyError('TOPOLOGY_BAD_MEMBER', message)
}
