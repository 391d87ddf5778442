/**
 * The way into a cluster, on real links: `FirstStart` asks the others whose cluster they are in; what comes
 * of it is written down and told.
 */
import {
  FirstStart,
  firstState,
  type LayoutState,
  type Membership,
  type StartMessage,
  type StartStatus,
} from '@minivault/cluster'
import { createLayout, membersHash } from '@minivault/topology'
import type { ClusterSettings } from '../settings/cluster-settings.ts'

/** What a member goes by from now on. */
export interface Belonging {
  readonly clusterId: string
  readonly began: Membership
  readonly state: LayoutState
}

export interface FirstStepsParts {
  readonly settings: ClusterSettings
  /** As it is on disk; null: nothing. */
  readonly clusterId: string | null
  readonly written: LayoutState | null
  readonly random: () => number
  readonly newId: () => string
  /** By which we go now; asked for when there is an id. */
  readonly state: () => LayoutState
  readonly hasHeardOf: (name: string) => boolean
  readonly send: (name: string, message: StartMessage<LayoutState>) => void
  /** Calls back when it is durable. */
  readonly write: (clusterId: string, then: () => void) => void
}

export class FirstSteps {
  readonly #start: FirstStart<LayoutState>
  readonly #parts: FirstStepsParts

  constructor(parts: FirstStepsParts) {
    this.#parts = parts
    const { settings, clusterId, random, newId, state, hasHeardOf, send, write } = parts
    const { name, members, foundsAlone } = settings
    this.#start = new FirstStart({
      name,
      members,
      membersHash: membersHash(members.map((member) => ({ name: member }))),
      clusterId,
      foundsAlone,
      silentMax: silentMaxOf(members),
      asking: Math.floor(random() * 2 ** 48),
      layout: state,
      hasHeardOf,
      newId,
      send,
      write,
    })
  }

  get status(): StartStatus<LayoutState> {
    return this.#start.status
  }

  onTick(): void {
    this.#start.onTick()
  }

  onMessage(from: string, message: StartMessage<LayoutState>): void {
    this.#start.onMessage(from, message)
  }

  /** Null: not a member yet. */
  get belonging(): Belonging | null {
    const { status } = this.#start
    if (status.kind !== 'member') return null
    const { clusterId, began, layout } = status
    return { clusterId, began, state: this.#parts.written ?? layout ?? stateOf(this.#parts.settings) }
  }
}

/** The layout of a cluster that begins with these members. */
function stateOf({ members }: ClusterSettings): LayoutState {
  return firstState(createLayout(members.map((name) => ({ name }))))
}

/**
 * Whoever ever came into a vote has introduced itself to a majority of those who hold a partition with it,
 * and that is all others but so many.
 */
function silentMaxOf(members: readonly string[]): number {
  const replicas = Math.min(REPLICAS, members.length)
  return replicas - Math.floor(replicas / 2) - 1
}

const REPLICAS = 3

const SAME_ADDRESSES = 'give CLUSTER_NODES and -public-url of all nodes the same addresses'
const STOP_ONE = 'stop the nodes of one, and empty their data folders if these are to join the other'

/** In one line, for the log and for health; null: it is a member. */
export function wordsOf(status: StartStatus<LayoutState>): string | null {
  switch (status.kind) {
    case 'asking':
      return `waiting for ${status.silent.join(', ')}: not heard yet (-bootstrap yes begins without them)`
    case 'waitingFor':
      return `waiting for ${status.founder} to begin the cluster`
    case 'listsDiffer':
      return `${status.member} was started with another list of members: ${SAME_ADDRESSES}`
    case 'twoClusters':
      return `the members belong to two clusters (${status.ids.join(', ')}): ${STOP_ONE}`
    case 'member':
      return null
  }
}
