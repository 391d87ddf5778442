/** Which cluster a node is a member of, as its operator says. */
import { UsageError } from '@minivault/command-line'
import { type Member, type MemberLike, sortMembers, TopologyError } from '@minivault/topology'
import { CLUSTER_NODES } from './flags.ts'
import type { Texts } from './settings.ts'

/** Where the members of a new cluster come from. */
export type FoundersSource =
  /** All of them, ours among them, in the order of their names. */
  | { readonly kind: 'list'; readonly members: readonly MemberLike[] }
  /** Told while running, by the master at that URL: `Clustered.begin`. */
  | { readonly kind: 'master'; readonly url: string }

export interface ClusterSettings {
  /** Our member name: the normalised public URL. */
  readonly name: string
  readonly region: string
  /** Empty: not known. */
  readonly zone: string
  /** Where a layout is on disk it alone counts. */
  readonly founders: FoundersSource
  /** Batches for one member that are unanswered at once. */
  readonly workers: number
  /** Those that are silent are new, too, says the operator. */
  readonly foundsAlone: boolean
}

/** Null: no other nodes are named. */
export function readCluster(clusterNodes: string, text: Texts): ClusterSettings | null {
  const others = clusterNodes.split(',').filter((part) => part.trim() !== '')
  if (text('master') !== '') return readMaster(others.length === 0, text)
  if (others.length === 0) return withoutCluster(text)
  const publicUrl = text('public-url')
  if (publicUrl === '') {
    throw new UsageError(
      `${CLUSTER_NODES} needs -public-url: the address under which those nodes reach this one (host:port)`,
    )
  }
  // A list has no zones, and one region, which all in it have to be given.
  if (text('zone') !== '') throw new UsageError(`-zone: ${CLUSTER_NODES} has no zones for its nodes`)
  const name = nameOf('-public-url', publicUrl)
  const { region } = placeOf(name, text)
  const names = others.map((other) => nameOf(CLUSTER_NODES, other.trim()))
  const twice = names.find((other, index) => names.indexOf(other) !== index)
  if (twice !== undefined) throw new UsageError(`${CLUSTER_NODES} lists ${twice} twice: leave one out`)
  const members = [...new Set([name, ...names])]
  if (members.length === 1) {
    throw new UsageError(`${CLUSTER_NODES} lists only this node itself: name the others, or leave it out`)
  }
  const founders = {
    kind: 'list',
    members: sorted(members).map((member) => ({ name: member, region })),
  } as const
  return { name, region, zone: '', founders, ...howOf(text) }
}

function readMaster(isAlone: boolean, text: Texts): ClusterSettings {
  if (!isAlone) {
    throw new UsageError(`-master and ${CLUSTER_NODES} both say who the others are: leave one out`)
  }
  const publicUrl = text('public-url')
  if (publicUrl === '') {
    throw new UsageError('-master needs -public-url: the address under which the others reach this worker')
  }
  if (!text('protocols').split(',').includes('http')) {
    throw new UsageError('-master needs http among -protocols: the master asks the worker by HTTP')
  }
  const name = nameOf('-public-url', publicUrl)
  return {
    ...placeOf(name, text),
    founders: { kind: 'master', url: masterUrlOf(text('master')) },
    ...howOf(text),
  }
}

/** Scheme, host and port alone. */
function masterUrlOf(given: string): string {
  const url = URL.canParse(given) ? new URL(given) : null
  const isOne =
    url !== null && /^https?:$/.test(url.protocol) && `${url.pathname}${url.search}${url.hash}` === '/'
  if (isOne && url.username === '' && url.password === '') return url.origin
  throw new UsageError(`-master takes the address of a master, such as http://master:8080, not "${given}"`)
}

function howOf(text: Texts): Pick<ClusterSettings, 'workers' | 'foundsAlone'> {
  return { workers: Number(text('workers')), foundsAlone: text('bootstrap') === 'yes' }
}

function withoutCluster(text: Texts): null {
  const given = (['region', 'zone'] as const).find((flag) => text(flag) !== '')
  if (given === undefined) return null
  throw new UsageError(
    `-${given} says where a node of a cluster stands: add -master URL, or ${CLUSTER_NODES}`,
  )
}

/** Region and zone, checked, with their defaults. */
function placeOf(name: string, text: Texts): Member {
  const member = { name, ...(text('region') === '' ? {} : { region: text('region') }), zone: text('zone') }
  return checked('-region, -zone', () => sortMembers([member])[0]!)
}

function nameOf(source: string, text: string): string {
  return checked(source, () => sortMembers([{ name: text }])[0]!.name)
}

function sorted(members: readonly string[]): string[] {
  return checked(CLUSTER_NODES, () => sortMembers(members.map((name) => ({ name }))).map(({ name }) => name))
}

function checked<T>(source: string, read: () => T): T {
  try {
    return read()
  } catch (error) {
    if (error instanceof TopologyError) throw new UsageError(`${source}: ${error.message}`)
    throw error
  }
}
