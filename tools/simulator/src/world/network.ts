/**
 * The network between members: slow, lossy, out of order, cut in two. The luck of a message is that of its
 * way, of what it is about, and of how many like it there were. What was lost of an offer may come much later
 * all the same, as a hint.
 */
import { CAUSE, MESSAGE, type Message, type Offer } from '@minivault/cluster'
import type { Setup } from '../plan/plan.ts'
import { mix, unit } from '../random.ts'
import type { Happening } from './happening.ts'
import type { Timeline } from './timeline.ts'

const DELAY_MS_MIN = 0.2
const DUPLICATE_MS_MAX = 400
const HINT_MS_MIN = 50
const HINT_MS_MAX = 1500
/** Links are numbered from × so many + to. */
const MEMBERS_MAX = 16

/** Who hears what arrives. False: nobody is there. */
export type Deliver = (from: number, to: number, message: Message) => boolean

export interface Cut {
  readonly side: readonly number[]
  readonly isOneWay: boolean
}

export class Network {
  readonly #timeline: Timeline
  readonly #seed: number
  readonly #setup: Setup
  readonly #deliver: Deliver
  /** How often the like of a message was sent, by what it is about. */
  readonly #counts = new Map<number, number>()
  /** By the last 32 bits of its exchange: what a question is about, and so its answers. */
  readonly #questions = new Map<number, number>()
  readonly #cuts = new Set<Cut>()
  #isCalm = false
  /** Of all that was delivered, in order. */
  digest = 0

  constructor(timeline: Timeline, seed: number, setup: Setup, deliver: Deliver) {
    this.#timeline = timeline
    this.#seed = seed
    this.#setup = setup
    this.#deliver = deliver
  }

  cut(cut: Cut): void {
    this.#cuts.add(cut)
  }

  heal(cut: Cut): void {
    this.#cuts.delete(cut)
  }

  get isCalm(): boolean {
    return this.#isCalm
  }

  /** From now on nothing is lost or doubled. */
  calm(): void {
    this.#isCalm = true
  }

  send(from: number, to: number, message: Message): void {
    const luck = this.#luck(from * MEMBERS_MAX + to, message)
    const { delayMs, lossShare, duplicateShare } = this.#setup
    const isLost = !this.#isCalm && (this.isCut(from, to) || unit(luck, 1) < lossShare)
    const delay = DELAY_MS_MIN + unit(luck, 2) * unit(luck, 3) * delayMs + this.#farMs(from, to)
    if (isLost) {
      this.hint(from, to, message, luck)
      return
    }
    this.#timeline.add(delay, new Delivery(this, from, to, message, luck))
    if (this.#isCalm || unit(luck, 4) >= duplicateShare) return
    const later = delay + unit(luck, 5) * unit(luck, 6) * DUPLICATE_MS_MAX
    this.#timeline.add(later, new Delivery(this, from, to, message, luck))
  }

  #farMs(from: number, to: number): number {
    const { regions, farDelayMs = 0 } = this.#setup
    return regions === undefined || regions[from] === regions[to] ? 0 : farDelayMs
  }

  /**
   * Of a message: by its way, what it is about, and how many such there were. So that what has nothing to do
   * with an item of the plan has the same luck without it.
   */
  #luck(link: number, message: Message): number {
    const { exchange, kind } = message
    const about = this.#questions.get(exchange | 0) ?? this.#about(message)
    // All 32 bits: a Map finds small integers faster than other numbers.
    const subject = mix(link, kind, about) | 0
    const count = this.#counts.get(subject) ?? 0
    this.#counts.set(subject, count + 1)
    return mix(this.#seed, subject, count)
  }

  #about(message: Message): number {
    const { kind, exchange } = message
    let about = kind as number
    if (kind === MESSAGE.read) about = mix(kind, message.key.low)
    else if (kind === MESSAGE.prepare) about = mix(kind, message.request.middle, message.request.low)
    else if (kind === MESSAGE.offer) {
      const { request } = message.record
      about = mix(kind + 16 * message.cause, request.middle, request.low)
    } else return about
    if (exchange !== 0) this.#questions.set(exchange | 0, about)
    return about
  }

  /** It is there, unless the way is cut or nobody listens. */
  arrive(from: number, to: number, message: Message, luck: number): boolean {
    if (this.isCut(from, to) || !this.#deliver(from, to, message)) return false
    this.digest = mix(this.digest, luck, message.kind, Math.round(this.#timeline.nowMs * 100))
    return true
  }

  hint(from: number, to: number, message: Message, luck: number): void {
    if (message.kind !== MESSAGE.offer || message.cause === CAUSE.hint) return
    if (unit(luck, 7) >= this.#setup.hintShare) return
    // An answer to it means nothing to anybody.
    const hint: Offer = { ...message, cause: CAUSE.hint, exchange: 0 }
    const afterMs = HINT_MS_MIN + unit(luck, 8) * HINT_MS_MAX
    this.#timeline.add(afterMs, new Delivery(this, from, to, hint, luck))
  }

  isCut(from: number, to: number): boolean {
    for (const { side, isOneWay } of this.#cuts) {
      if (side.includes(from) && !side.includes(to)) return true
      if (!isOneWay && side.includes(to) && !side.includes(from)) return true
    }
    return false
  }
}

class Delivery implements Happening {
  readonly #network: Network
  readonly #from: number
  readonly #to: number
  readonly #message: Message
  readonly #luck: number

  constructor(network: Network, from: number, to: number, message: Message, luck: number) {
    this.#network = network
    this.#from = from
    this.#to = to
    this.#message = message
    this.#luck = luck
  }

  happen(): void {
    if (this.#network.arrive(this.#from, this.#to, this.#message, this.#luck)) return
    this.#network.hint(this.#from, this.#to, this.#message, this.#luck)
  }
}
