/** Questions to the replicas of one key, and who hears their answers: each replica once. */
import type { Electorate } from './electorate.ts'
import { type Life, lifeIn } from './marks.ts'
import type { RepairReply, Reply } from './messages.ts'

/** Who asked. It closes the exchange when it has heard enough. */
export interface Asker {
  onReply(position: number, reply: Reply | RepairReply): void
  onTimer(stage: number): void
}

export interface ExchangeParts {
  readonly number: number
  readonly electorate: Electorate
  readonly epoch: number
  readonly asker: Asker
  readonly sinceMs: number
  readonly hearsAll: boolean
  /** What was answered there has to go together with what is answered here. */
  readonly follows: Exchange | null
}

interface Known {
  readonly member: number
  readonly lives: readonly Life[]
  readonly before: Known | null
}

export class Exchange {
  /** Under which answers and timers come back; used once. */
  readonly number: number
  readonly electorate: Electorate
  /** The phase of the layout that all of it goes by. */
  readonly epoch: number
  /** Whoever comes to an end may leave the rest of the answers to another. */
  asker: Asker
  /** The rest of its answers is late, for whatever reason: nobody waits for them. */
  isTrailing = false
  /** Positions of those that were not asked at once. */
  askedLate = 0
  readonly sinceMs: number
  /** Whether those are heard, too, who may have forgotten something. */
  readonly hearsAll: boolean
  #heard = 0
  /** Positions of those that were heard and know of no life but the first: nearly always all of them. */
  #unaware = 0
  /** Which lives the others knew; and all that were heard in the exchange that this one follows. */
  #known: Known | null
  /** Answers of two lives do not go together: no more are heard, and the asker runs out of patience. */
  #isTorn = false

  constructor({ number, electorate, epoch, asker, sinceMs, hearsAll, follows }: ExchangeParts) {
    this.number = number
    this.electorate = electorate
    this.epoch = epoch
    this.asker = asker
    this.sinceMs = sinceMs
    this.hearsAll = hearsAll
    this.#known = follows === null ? null : follows.#allKnown()
  }

  #allKnown(): Known | null {
    let known = this.#known
    for (const [position, member] of this.electorate.members.entries()) {
      if ((this.#unaware & (1 << position)) !== 0) known = { member, lives: NO_LIVES, before: known }
    }
    return known
  }

  /** The position of a member that is heard for the first time; else -1. */
  hear(member: number, lives: readonly Life[] = NO_LIVES): number {
    const position = this.electorate.positionOf(member)
    if (position < 0 || this.#isTorn || (this.#heard & (1 << position)) !== 0) return -1
    if (this.#contradicts(member, lives)) {
      this.#isTorn = true
      return -1
    }
    this.#heard |= 1 << position
    if (lives.length === 0) this.#unaware |= 1 << position
    else this.#known = { member, lives, before: this.#known }
    return position
  }

  /** Whether one of two answers is of a life that the other knows to be over. */
  #contradicts(member: number, lives: readonly Life[]): boolean {
    for (let known = this.#known; known !== null; known = known.before) {
      const { member: other, lives: others } = known
      if (others === lives || (others.length === 0 && lives.length === 0)) continue
      if (lifeIn(lives, other) !== lifeIn(others, other)) return true
      if (lifeIn(lives, member) !== lifeIn(others, member)) return true
    }
    return lives.length > 0 && this.#contradictsUnaware(member, lives)
  }

  #contradictsUnaware(member: number, lives: readonly Life[]): boolean {
    if (this.#unaware === 0) return false
    if (lifeIn(lives, member) !== 0) return true
    for (const { member: other, life } of lives) {
      const position = this.electorate.positionOf(other)
      if (life !== 0 && position >= 0 && (this.#unaware & (1 << position)) !== 0) return true
    }
    return false
  }
}

const NO_LIVES: readonly Life[] = []
