/**
 * The way into a cluster, on real links: `FirstStart` asks the others whose cluster they are in; what comes
 * of it is written down and told.
 */
import {
  FirstStart,
  firstState,
  type LayoutState,
  type LayoutView,
  latestOf,
  type Membership,
  phaseOf,
  type StartMessage,
  type StartStatus,
} from '@minivault/cluster'
import {
  createLayout,
  type Layout,
  type LayoutOptions,
  type MemberLike,
  membersHash,
} from '@minivault/topology'
import type { ClusterSettings } from '../settings/cluster-settings.ts'

/** What a new cluster begins with. */
export interface Founding extends LayoutOptions {
  readonly members: readonly MemberLike[]
}

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
  readonly write: (belonging: Belonging, then: () => void) => void
  /** By which another of our cluster goes. */
  readonly onLayout: (name: string, state: LayoutState) => void
}

/** How far it is. */
export type StepsStatus = StartStatus<LayoutState> | { readonly kind: 'untold' }

export class FirstSteps {
  /** Of those that we were told of, for others to compare with. */
  membersHash = NO_HASH
  readonly #parts: FirstStepsParts
  /** Null: nobody has said yet whom to ask. */
  #start: FirstStart<LayoutState> | null = null
  #founding: Founding | null = null

  constructor(parts: FirstStepsParts) {
    this.#parts = parts
    const { clusterId, written, settings } = parts
    const { founders } = settings
    if (founders.kind === 'list') this.begin({ members: founders.members })
    else if (clusterId !== null && written !== null) this.#ask([])
  }

  /** What only the first start of a cluster needs; the first word counts. */
  begin(founding: Founding): void {
    if (this.#start !== null) return
    this.#founding = founding
    this.membersHash = membersHash(founding.members)
    this.#ask(founding.members.map(({ name }) => name))
  }

  #ask(listed: readonly string[]): void {
    const { settings, clusterId, written, random, newId, state, hasHeardOf, send, write, onLayout } =
      this.#parts
    const known = written === null ? [] : viewOf(written).members
    this.#start = new FirstStart({
      name: settings.name,
      members: [...new Set([...listed, ...known])],
      membersHash: this.membersHash,
      clusterId,
      foundsAlone: settings.foundsAlone,
      viewOf,
      asking: Math.floor(random() * 2 ** 48),
      layout: state,
      hasHeardOf,
      newId,
      send,
      write: (belonging, then) => write(this.#belongingOf(belonging), then),
      onLayout,
    })
  }

  get status(): StepsStatus {
    return this.#start === null ? { kind: 'untold' } : this.#start.status
  }

  onTick(): void {
    this.#start?.onTick()
  }

  /** Of our cluster, and not in our layout. */
  onStranger(name: string): void {
    this.#start?.onStranger(name)
  }

  onMessage(from: string, message: StartMessage<LayoutState>): void {
    this.#start?.onMessage(from, message)
  }

  /** Null: not a member yet. */
  get belonging(): Belonging | null {
    const { status } = this
    return status.kind === 'member' ? this.#belongingOf(status) : null
  }

  #belongingOf({
    clusterId,
    began,
    layout,
  }: Omit<Belonging, 'state'> & { layout: LayoutState | null }): Belonging {
    return { clusterId, began, state: this.#parts.written ?? layout ?? firstOf(this.#founding!) }
  }
}

/** The layout of a cluster that begins like this. */
function firstOf({ members, ...options }: Founding): LayoutState {
  return firstState(createLayout(members, options))
}

/**
 * Whoever ever came into a vote has introduced itself to a majority of those who hold a partition with it, in
 * one region, and that is all others of it but so many.
 */
export function viewOf(state: LayoutState): LayoutView {
  const tables = [state.table as Layout, latestOf(state) as Layout]
  const members = [...new Set(tables.flatMap((table) => table.members.map(({ name }) => name)))].sort()
  const spares = tables.flatMap((table) => {
    const regions = new Set(table.members.map(({ region }) => region))
    return [...regions].map((region) => {
      const voters = table.votersOf(0, region).length
      return voters - Math.floor(voters / 2) - 1
    })
  })
  return { members, phase: phaseOf(state), silentMax: Math.min(...spares) }
}

/** Of those who were told of none. */
export const NO_HASH = '0'.repeat(16)

const SAME_ADDRESSES = 'give CLUSTER_NODES and -public-url of all nodes the same addresses'
const STOP_ONE = 'stop the nodes of one, and empty their data folders if these are to join the other'

/** In one line, for the log and for health; null: it is a member. */
export function wordsOf(name: string, status: StepsStatus): string | null {
  switch (status.kind) {
    case 'untold':
      return 'waiting for the master to name the members of this cluster'
    case 'notInLayout':
      return strangerWords(name, status.members)
    case 'asking':
      if (status.silent.length === 0) return 'taking over the layout of the others'
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

export function strangerWords(name: string, members: readonly string[]): string {
  return (
    `${name} is not a member of this cluster (${members.join(', ')}): give -public-url as one of them, ` +
    'or have it added (POST /-/admin/layout; a master does)'
  )
}
