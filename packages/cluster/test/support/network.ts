/**
 * Messages on their way, and timers, in the order of their time. What is lost or held up on a link is said
 * by hand, for all messages or for kinds of them.
 */
import { CAUSE, MESSAGE, type Message } from '../../src/index.ts'

/** One hop. */
const HOP_MS = 1

export interface Flight {
  readonly from: number
  readonly to: number
  readonly message: Message
}

interface Happening {
  readonly atMs: number
  readonly isTimer: boolean
  readonly happen: () => void
}

/** Null: all. */
interface Link {
  readonly from: number | null
  readonly to: number | null
}

interface Rule extends Link {
  readonly kind: string | null
  readonly does: Fate
}

type Fate = 'lose' | 'hold'

export class ScriptedNetwork {
  nowMs: number
  readonly #arrive: (flight: Flight) => void
  #happenings: Happening[] = []
  #rules: Rule[] = []
  #held: Flight[] = []

  constructor(nowMs: number, arrive: (flight: Flight) => void) {
    this.nowMs = nowMs
    this.#arrive = arrive
  }

  addRule(rule: Rule): void {
    this.#rules.unshift(rule)
  }

  /** Everything gets through from now on; what is held up stays so. */
  heal(): void {
    this.#rules = []
  }

  /** What was held up there goes on its way. */
  releaseHeld(link: Link): void {
    const released = this.#held.filter((flight) => isOn(link, flight))
    this.#held = this.#held.filter((flight) => !isOn(link, flight))
    for (const flight of released) this.#fly(flight)
  }

  /** What became of it: null, it is on its way. */
  send(flight: Flight): Fate | null {
    const kind = kindOf(flight.message)
    const isMeant = (rule: Rule) => isOn(rule, flight) && (rule.kind ?? kind) === kind
    const fate = this.#rules.find(isMeant)?.does ?? null
    if (fate === 'hold') this.#held.push(flight)
    if (fate === null) this.#fly(flight)
    return fate
  }

  setTimer(afterMs: number, happen: () => void): void {
    this.#add({ atMs: this.nowMs + afterMs, isTimer: true, happen })
  }

  /** Until nothing is on its way. Timers that come due meanwhile go off. */
  settle(): void {
    while (this.#happenings.some(({ isTimer }) => !isTimer)) this.#next()
  }

  /** So much time passes. */
  pass(ms: number): void {
    const untilMs = this.nowMs + ms
    while (this.#happenings.length > 0 && this.#happenings[0]!.atMs <= untilMs) this.#next()
    this.nowMs = untilMs
    this.settle()
  }

  #fly(flight: Flight): void {
    this.#add({ atMs: this.nowMs + HOP_MS, isTimer: false, happen: () => this.#arrive(flight) })
  }

  #add(happening: Happening): void {
    const after = this.#happenings.findIndex(({ atMs }) => atMs > happening.atMs)
    this.#happenings.splice(after < 0 ? this.#happenings.length : after, 0, happening)
  }

  #next(): void {
    const { atMs, happen } = this.#happenings.shift()!
    this.nowMs = Math.max(this.nowMs, atMs)
    happen()
  }
}

function isOn(link: Link, { from, to }: Flight): boolean {
  return (link.from ?? from) === from && (link.to ?? to) === to
}

const CAUSES: Readonly<Record<number, string>> = {
  [CAUSE.plain]: 'plain',
  [CAUSE.accept]: 'accept',
  [CAUSE.writeBack]: 'write-back',
  [CAUSE.hint]: 'hint',
  [CAUSE.repair]: 'repair',
}

const KINDS: Readonly<Record<number, string>> = {
  [MESSAGE.offered]: 'answer',
  [MESSAGE.prepare]: 'prepare',
  [MESSAGE.promised]: 'promise',
  [MESSAGE.read]: 'read',
  [MESSAGE.state]: 'state',
  [MESSAGE.introduce]: 'introduction',
  [MESSAGE.roots]: 'compare',
  [MESSAGE.leaves]: 'compare leaves',
  [MESSAGE.fetch]: 'fetch',
  [MESSAGE.fence]: 'fence',
  [MESSAGE.fenced]: 'fenced',
  [MESSAGE.release]: 'release',
  [MESSAGE.hello]: 'hello',
}

/** As a scenario calls it. */
export function kindOf(message: Message): string {
  return message.kind === MESSAGE.offer ? CAUSES[message.cause]! : (KINDS[message.kind] ?? 'other')
}

const QUESTIONS: readonly number[] = [
  MESSAGE.offer,
  MESSAGE.prepare,
  MESSAGE.read,
  MESSAGE.introduce,
  MESSAGE.roots,
  MESSAGE.leaves,
  MESSAGE.fetch,
  MESSAGE.fence,
  MESSAGE.release,
]

/** Whether it is a question. */
export function isQuestion({ kind }: Message): boolean {
  return QUESTIONS.includes(kind)
}
