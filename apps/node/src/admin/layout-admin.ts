/**
 * The layout of the cluster as its operator sees it, and changes it: docs/ADMIN.md. A change is decided by
 * the members, and goes on by itself; here it is proposed, and told.
 */
import { latestOf, PROPOSAL, type Proposal, type Table } from '@minivault/cluster'
import { type Layout, type MemberLike, type MovePlan, nextLayout, planMoves } from '@minivault/topology'
import type { Member as ClusterMember } from '../cluster/member.ts'
import type { MemberHealth } from '../cluster/member-health.ts'
import { ADMIN_DIAL_LOOK_MS, ADMIN_DIAL_MS_MAX } from '../limits.ts'
import type { PeerLinks } from '../peers/peer-links.ts'
import type { Time } from '../time.ts'
import { AdminError } from './admin-error.ts'
import type { AddedMember, LayoutRequest } from './layout-request.ts'

export interface LayoutAdminParts {
  readonly member: ClusterMember
  readonly health: MemberHealth
  readonly links: PeerLinks
  readonly nodeId: string
  /** Of each partition, by its number. */
  readonly bytes: () => readonly number[]
  readonly time: Time
}

export interface LayoutReply {
  /** Of the reply by HTTP. */
  readonly status: number
  readonly document: object
}

const OK = 200
const ACCEPTED = 202

export class LayoutAdmin {
  readonly #parts: LayoutAdminParts

  constructor(parts: LayoutAdminParts) {
    this.#parts = parts
  }

  /** Throws AdminError NO_QUORUM: this node knows of no layout. */
  describe(): object {
    const { member, health } = this.#parts
    const { state } = this.#layouts()
    const { table, next } = state
    const status = member.core!.status()
    return {
      clusterId: member.belonging!.clusterId,
      ...describeTable(table as Layout, (name) => health.standingOf(name)),
      phase: next === null ? 'settled' : 'joint',
      next: next === null ? null : describeTable(next as Layout, (name) => health.standingOf(name)),
      awaited: status.awaited.map((number) => state.roster[number]),
      silent: health.change.silent().map(({ name, ms }) => ({ name, seconds: secondsOf(ms) })),
      changingSeconds: secondsOf(health.change.ms),
      partitionsLeft: status.partitionsLeft,
    }
  }

  /** Rejects with AdminError and TopologyError: nothing was done. */
  async change({ add, remove, dryRun }: LayoutRequest): Promise<LayoutReply> {
    this.#checkIsServing()
    const current = this.#settledLayout()
    const next = nextLayout(current, changed(current, add, remove))
    const plan = this.#describe(planMoves(current, next))
    if (dryRun) return { status: OK, document: plan }
    await Promise.all(add.map(({ name }) => this.#checkIsThere(name)))
    const proposal = await this.#propose(next)
    if (proposal === PROPOSAL.decided) return { status: ACCEPTED, document: plan }
    throw refusalOf(proposal)
  }

  /** Goes on without those who are awaited. Throws AdminError where too few of the others are ready. */
  settle(): LayoutReply {
    const { member } = this.#parts
    const { state } = this.#layouts()
    const { awaited } = member.core!.status()
    if (state.next === null) throw new AdminError('LAYOUT_NOT_NEXT', 'the layout is not changing')
    if (member.core!.settleLayout()) return { status: ACCEPTED, document: { epoch: state.next.epoch } }
    const names = awaited.map((number) => state.roster[number]).join(', ')
    throw new AdminError(
      'LAYOUT_CHANGING',
      `too few of the new replicas are ready to go on without ${names}: a majority is needed`,
    )
  }

  #layouts() {
    const { layouts, core } = this.#parts.member
    if (layouts !== null && core !== null) return layouts
    throw new AdminError('NO_QUORUM', this.#parts.health.whyNotServing() ?? 'this node is no member yet')
  }

  #checkIsServing(): void {
    const why = this.#parts.health.whyNotServing()
    if (why !== null) throw new AdminError('NO_QUORUM', why)
  }

  #settledLayout(): Layout {
    const { table, next } = this.#layouts().state
    if (next === null) return table as Layout
    const words = `layout ${next.epoch} is on its way: wait until it is settled`
    throw new AdminError('LAYOUT_CHANGING', words)
  }

  /** A name that nobody answers to would be waited for. */
  async #checkIsThere(name: string): Promise<void> {
    const { links, time, nodeId, member } = this.#parts
    const link = links.linkTo(name)
    const endMs = time.elapsedMs() + ADMIN_DIAL_MS_MAX
    while (!link.status.isConnected && time.elapsedMs() < endMs) await time.sleep(ADMIN_DIAL_LOOK_MS)
    const { isConnected, lastError, nodeId: there } = link.status
    if (!isConnected) {
      const why = lastError === '' ? 'no answer' : lastError
      throw new AdminError('BAD_REQUEST', `${name} cannot be reached (${why}): start it first`)
    }
    const others = latestOf(member.layouts!.state).members.map((one) => one.name)
    const same = others.find((other) => other !== name && links.find(other)?.status.nodeId === there)
    const twin = there === nodeId ? 'this node' : same
    if (twin !== undefined) throw new AdminError('BAD_REQUEST', `${name} is another address of ${twin}`)
  }

  #propose(next: Table): Promise<Proposal> {
    return new Promise((resolve) => this.#parts.member.core!.changeLayout(next, resolve))
  }

  #describe({ fromEpoch, toEpoch, copies, partitions, members }: MovePlan) {
    const bytes = this.#parts.bytes()
    const gained = new Map<string, number>()
    for (const { partition, gains } of partitions) {
      for (const { member } of gains) gained.set(member, (gained.get(member) ?? 0) + bytes[partition]!)
    }
    return {
      epoch: fromEpoch,
      toEpoch,
      copies,
      bytes: [...gained.values()].reduce((sum, some) => sum + some, 0),
      members: members.map((moves) => ({ ...moves, bytes: gained.get(moves.member) ?? 0 })),
    }
  }
}

function secondsOf(ms: number | null): number | null {
  return ms === null ? null : Math.floor(ms / 1000)
}

function describeTable(
  { epoch, mode, home, replicas, members, table }: Layout,
  standingOf: (name: string) => { isHeard: boolean; votes: boolean },
) {
  const counts = new Uint32Array(members.length)
  for (const place of table) counts[place]! += 1
  return {
    epoch,
    mode,
    home,
    replicas,
    members: members.map(({ name, region, zone }, place) => {
      return { name, region, zone, partitions: counts[place]!, ...standingOf(name) }
    }),
  }
}

function changed(current: Layout, add: readonly AddedMember[], remove: readonly string[]): MemberLike[] {
  const names = current.members.map(({ name }) => name)
  const unknown = remove.find((name) => !names.includes(name))
  if (unknown !== undefined) {
    throw new AdminError('BAD_REQUEST', `${unknown} is not a member: the members are ${names.join(', ')}`)
  }
  const known = add.find(({ name }) => names.includes(name))
  if (known !== undefined) throw new AdminError('BAD_REQUEST', `${known.name} is a member already`)
  const stay = current.members.filter(({ name }) => !remove.includes(name))
  return [
    ...stay,
    ...add.map(({ name, region, zone = '' }) => {
      return { name, region: region ?? onlyRegionOf(current, name), zone }
    }),
  ]
}

/** A region that nobody has named would be a new one, with replicas of everything. */
function onlyRegionOf({ members }: Layout, name: string): string {
  const regions = [...new Set(members.map(({ region }) => region))]
  if (regions.length === 1) return regions[0]!
  throw new AdminError('BAD_REQUEST', `${name} needs a "region", such as ${regions.join(', ')}`)
}

function refusalOf(proposal: Exclude<Proposal, typeof PROPOSAL.decided>): AdminError {
  if (proposal === PROPOSAL.notNext) {
    return new AdminError('LAYOUT_CHANGING', 'the layout is changing already: wait until it is settled')
  }
  if (proposal === PROPOSAL.otherDecided) {
    return new AdminError('LAYOUT_NOT_NEXT', 'another change was decided at this moment: look, and ask again')
  }
  const words = 'too few replicas answered: it may have been decided; the same may be asked again'
  return new AdminError('NO_QUORUM', words)
}
