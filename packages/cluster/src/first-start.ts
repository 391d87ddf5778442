/**
 * Which cluster a member belongs to, before it is one: it has an id written down, takes that of others, or
 * founds one with them. Until then it does not vote.
 *
 *   somebody has an id    wait until their layout has us, then take both. We may have been there before, and
 *                         forgotten it: we join, and vote when we have compared
 *   nobody has            when all others have said so, the one with the smallest name makes one, and writes
 *                         it down before it says so. It votes: there was nothing to forget
 *   somebody is silent    wait, for it may have one; the operator may say that it has not
 *   two ids               stop: these are two clusters, and only the operator knows which is right
 *
 * Who has an id asks on: whoever of its cluster answers tells the layout that it goes by. So a member that
 * was away while all others were replaced hears of it from those that it does not know.
 */
import { MEMBERSHIP, type Membership } from './marks.ts'

/** What is to be known of a layout here. */
export interface LayoutView {
  /** Names, of both layouts while one follows the other. */
  readonly members: readonly string[]
  /** The higher one counts. */
  readonly phase: number
  /** So many of the members may be silent, and one of the others still knows whoever ever voted. */
  readonly silentMax: number
}

/** `Layout`: whatever tells a member which layout its cluster goes by; it is passed on as it is. */
export interface FirstStartParts<Layout> {
  /** Ours. */
  readonly name: string
  /** Names of all in the list that we were given. */
  readonly members: readonly string[]
  /** Of that list: `membersHash` of @minivault/topology. */
  readonly membersHash: string
  /** What is on disk; null: nothing. */
  readonly clusterId: string | null
  /** The operator says that those who are silent are new, too. */
  readonly foundsAlone: boolean
  readonly viewOf: (layout: Layout) => LayoutView
  /** Told apart from all that we ever asked. */
  readonly asking: number
  /** By which we go; asked for when we have an id. */
  readonly layout: () => Layout
  /** Whether a member of that name ever introduced itself to us (`NodeCore.hasHeardOf`). */
  readonly hasHeardOf: (name: string) => boolean
  readonly newId: () => string
  readonly send: (member: string, message: StartMessage<Layout>) => void
  /** Writes down what we are to belong to; calls back when that is durable. */
  readonly write: (belonging: Belonging<Layout>, then: () => void) => void
  /** Another of our cluster goes by this layout; it may be an earlier one than ours. */
  readonly onLayout: (member: string, layout: Layout) => void
}

export interface Belonging<Layout> {
  readonly clusterId: string
  /** For `NodeCoreParts.began`, if its folder was empty. */
  readonly began: Membership
  /** Null: our own. */
  readonly layout: Layout | null
}

export interface StartQuestion {
  readonly kind: 'whose'
  readonly asking: number
  readonly clusterId: string | null
}

export interface StartAnswer<Layout> {
  readonly kind: 'theirs'
  /** Of the question. */
  readonly asking: number
  readonly clusterId: string | null
  readonly membersHash: string
  /** Null: no id. */
  readonly layout: Layout | null
  readonly hasHeardOfYou: boolean
}

export type StartMessage<Layout> = StartQuestion | StartAnswer<Layout>

/** How far it is. */
export type StartStatus<Layout> =
  | { readonly kind: 'asking'; readonly silent: readonly string[] }
  | { readonly kind: 'waitingFor'; readonly founder: string }
  | { readonly kind: 'listsDiffer'; readonly member: string }
  | { readonly kind: 'twoClusters'; readonly ids: readonly string[] }
  /** They are in one cluster, whose layout does not have us. */
  | { readonly kind: 'notInLayout'; readonly members: readonly string[] }
  | ({ readonly kind: 'member' } & Belonging<Layout>)

/** For so many ticks the silent ones are waited for, where that is all that keeps us. */
const PATIENCE_TICKS = 8
/** Where only an operator can change it, they are asked less often. */
const IDLE_TICKS = 4
/** Who belongs to a cluster asks those on its list that are none of its members no longer than this. */
const LISTED_TICKS = 40
/** So many that we do not know are asked with one tick. */
const STRANGERS_MAX = 16

export class FirstStart<Layout> {
  readonly #parts: FirstStartParts<Layout>
  #others: readonly string[]
  /** The last one of each. */
  readonly #answers = new Map<string, StartAnswer<Layout>>()
  #status: StartStatus<Layout>
  #clusterId: string | null
  #isWriting = false
  #ticks = 0
  /** Those to be asked with the next tick. */
  readonly #strangers = new Set<string>()

  constructor(parts: FirstStartParts<Layout>) {
    this.#parts = parts
    this.#others = parts.members.filter((member) => member !== parts.name)
    this.#clusterId = parts.clusterId
    this.#status = { kind: 'asking', silent: this.#others }
    const { clusterId } = parts
    if (clusterId !== null) this.#belong({ clusterId, began: MEMBERSHIP.voting, layout: null })
    else this.#look()
  }

  get status(): StartStatus<Layout> {
    return this.#status
  }

  /** Every so often; also when we belong to a cluster, until all have been heard. */
  onTick(): void {
    const { asking, send } = this.#parts
    this.#ticks += 1
    if (this.#status.kind === 'notInLayout' && this.#ticks % IDLE_TICKS !== 0) return
    const asked = this.#clusterId === null ? this.#others : this.#unheard()
    for (const member of asked) send(member, { kind: 'whose', asking, clusterId: this.#clusterId })
    this.#look()
  }

  /** Of those that we know, and what strangers there are. */
  #unheard(): Iterable<string> {
    const strangers = [...this.#strangers]
    this.#strangers.clear()
    const unheard = this.#others.filter((member) => !this.#answers.has(member))
    if (unheard.length === 0 || this.#ticks <= LISTED_TICKS) return new Set([...unheard, ...strangers])
    const { members } = this.#parts.viewOf(this.#parts.layout())
    return new Set([...unheard.filter((member) => members.includes(member)), ...strangers])
  }

  /** Of our cluster, and not known here: it is asked which one it goes by. */
  onStranger(name: string): void {
    if (this.#strangers.size < STRANGERS_MAX) this.#strangers.add(name)
  }

  onMessage(from: string, message: StartMessage<Layout>): void {
    if (message.kind === 'whose') {
      this.#answer(from, message)
      this.#compareIds(message.clusterId)
    } else if (message.asking === this.#parts.asking) this.#hear(from, message)
  }

  #hear(from: string, answer: StartAnswer<Layout>): void {
    const { clusterId, layout } = answer
    // Who has an id has a layout.
    if (clusterId !== null && layout === null) return
    const isOurs = clusterId !== null && clusterId === this.#clusterId
    if (isOurs && layout !== null) this.#parts.onLayout(from, layout)
    if (!this.#others.includes(from)) return
    this.#answers.set(from, answer)
    this.#compareIds(clusterId)
    this.#look()
  }

  #answer(from: string, { asking }: StartQuestion): void {
    const { membersHash, layout, hasHeardOf, send } = this.#parts
    const clusterId = this.#clusterId
    const ours = clusterId === null ? null : layout()
    const hasHeardOfYou = clusterId !== null && hasHeardOf(from)
    send(from, { kind: 'theirs', asking, clusterId, membersHash, layout: ours, hasHeardOfYou })
  }

  #compareIds(other: string | null): void {
    if (this.#clusterId === null || other === null || other === this.#clusterId) return
    this.#status = { kind: 'twoClusters', ids: [this.#clusterId, other].sort() }
  }

  // --- without an id

  #look(): void {
    if (this.#clusterId !== null || this.#isWriting) return
    const answers = [...this.#answers.values()]
    const ids = new Set(answers.flatMap(({ clusterId }) => (clusterId === null ? [] : [clusterId])))
    if (ids.size > 1) this.#status = { kind: 'twoClusters', ids: [...ids].sort() }
    else if (ids.size === 1) this.#take(answers)
    else this.#found(this.#silentOf(this.#parts.members))
  }

  #take(answers: readonly StartAnswer<Layout>[]): void {
    const { name, viewOf } = this.#parts
    const { clusterId, layout, members, silentMax } = newestOf(answers, viewOf)
    this.#askAlso(members)
    if (!members.includes(name)) {
      this.#status = { kind: 'notInLayout', members }
      return
    }
    // Who is on our list alone knows nothing of this cluster.
    const silent = this.#silentOf(members)
    this.#status = { kind: 'asking', silent }
    if (silent.length > 0 && this.#ticks < PATIENCE_TICKS) return
    const isKnown = answers.some(({ hasHeardOfYou }) => hasHeardOfYou)
    const isNew = !isKnown && silent.length <= silentMax
    this.#write({ clusterId, began: isNew ? MEMBERSHIP.arriving : MEMBERSHIP.joining, layout })
  }

  /** Any of them may have heard of us. */
  #askAlso(members: readonly string[]): void {
    const others = members.filter((member) => member !== this.#parts.name)
    if (others.every((member) => this.#others.includes(member))) return
    this.#others = [...new Set([...this.#others, ...others])]
    this.#ticks = 0
  }

  #silentOf(members: readonly string[]): string[] {
    return members.filter((member) => member !== this.#parts.name && !this.#answers.has(member))
  }

  #found(silent: readonly string[]): void {
    const { name, members, membersHash, foundsAlone } = this.#parts
    for (const [member, answer] of this.#answers) {
      if (answer.membersHash === membersHash) continue
      this.#status = { kind: 'listsDiffer', member }
      return
    }
    const founder = [...members].sort()[0]!
    if (silent.length > 0 && !(foundsAlone && this.#ticks >= PATIENCE_TICKS)) {
      this.#status = { kind: 'asking', silent }
    } else if (name === founder || foundsAlone) this.#write(this.#newCluster())
    else this.#status = { kind: 'waitingFor', founder }
  }

  #newCluster(): Belonging<Layout> {
    return { clusterId: this.#parts.newId(), began: MEMBERSHIP.voting, layout: null }
  }

  #write(belonging: Belonging<Layout>): void {
    this.#isWriting = true
    this.#parts.write(belonging, () => this.#belong(belonging))
  }

  #belong(belonging: Belonging<Layout>): void {
    this.#clusterId = belonging.clusterId
    this.#status = { kind: 'member', ...belonging }
  }
}

function newestOf<Layout>(
  answers: readonly StartAnswer<Layout>[],
  viewOf: (layout: Layout) => LayoutView,
): LayoutView & { readonly clusterId: string; readonly layout: Layout } {
  const known = answers.flatMap(({ clusterId, layout }) => {
    return clusterId === null || layout === null ? [] : [{ clusterId, layout, ...viewOf(layout) }]
  })
  return known.reduce((newest, other) => (other.phase > newest.phase ? other : newest))
}
