/** Which cluster a node is a member of, as its operator says. */
import { sortMembers, TopologyError } from '@minivault/topology'
import { CLUSTER_NODES } from './flags.ts'
import type { Texts } from './settings.ts'
import { UsageError } from './usage-error.ts'

export interface ClusterSettings {
  /** Our member name: the normalised public URL. */
  readonly name: string
  /** Names of all members, ours among them, in their order. */
  readonly members: readonly string[]
  /** Batches for one member that are unanswered at once. */
  readonly workers: number
  /** Those that are silent are new, too, says the operator. */
  readonly foundsAlone: boolean
}

/** Null: no other nodes are named. */
export function readCluster(clusterNodes: string, text: Texts): ClusterSettings | null {
  const others = clusterNodes.split(',').filter((part) => part.trim() !== '')
  if (others.length === 0) return null
  const publicUrl = text('public-url')
  if (publicUrl === '') {
    throw new UsageError(
      `${CLUSTER_NODES} needs -public-url: the address under which those nodes reach this one (host:port)`,
    )
  }
  const name = nameOf('-public-url', publicUrl)
  const names = others.map((other) => nameOf(CLUSTER_NODES, other.trim()))
  const twice = names.find((other, index) => names.indexOf(other) !== index)
  if (twice !== undefined) throw new UsageError(`${CLUSTER_NODES} lists ${twice} twice: leave one out`)
  const members = [...new Set([name, ...names])]
  if (members.length === 1) {
    throw new UsageError(`${CLUSTER_NODES} lists only this node itself: name the others, or leave it out`)
  }
  return {
    name,
    members: sorted(members),
    workers: Number(text('workers')),
    foundsAlone: text('bootstrap') === 'yes',
  }
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
