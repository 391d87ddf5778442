/**
 * Writes and deletes at one member, so many a second whatever their answers take, each key written once: what
 * has to be there afterwards, and what must not.
 */
import { setTimeout as sleep } from 'node:timers/promises'
import { ERROR, FRAME_OPCODE, type FrameRequest } from '@minivault/protocol'
import { FrameCaller } from './frame-caller.ts'

const STEP_MS = 10
const PATIENCE_MS = 10_000
const DELETED_WITHIN_MS = 2000
/** One key in so many is deleted when its write was acknowledged. */
const DELETED_EVERY = 10
/** Keys read at once when they are looked at. */
const UNDERWAY = 128
const VALUE_BYTES = 200

/** Answers leave in the order of the questions: those that may take long have a connection of their own. */
interface Callers {
  readonly sets: FrameCaller
  readonly deletes: FrameCaller
}

export class PacedWrites {
  readonly #prefix: string
  readonly #portOf: () => number
  readonly #perSecond: number
  readonly #there: number[] = []
  readonly #deleted: number[] = []
  readonly #times: number[] = []
  #failed = 0
  readonly #failures = new Map<string, number>()
  #next = 0

  constructor(prefix: string, portOf: () => number, perSecond: number) {
    this.#prefix = prefix
    this.#portOf = portOf
    this.#perSecond = perSecond
  }

  get deleted(): number {
    return this.#deleted.length
  }

  /** Writes that were not acknowledged. */
  get failed(): number {
    return this.#failed
  }

  /** Why they were not, and how many for each reason. */
  get failures(): string {
    return [...this.#failures].map(([why, count]) => `${count} ${why}`).join(', ')
  }

  get count(): number {
    return this.#next
  }

  /** Milliseconds: half of the writes since it was asked last, and 99 of 100, took at most so long. */
  times(): { p50: number; p99: number } {
    const times = this.#times.splice(0).sort((a, b) => a - b)
    const at = (share: number) => times[Math.min(times.length - 1, Math.floor(times.length * share))] ?? 0
    return { p50: at(0.5), p99: at(0.99) }
  }

  /** For so long, and until all of them are answered. */
  async during(forMs: number): Promise<void> {
    const callers = { sets: new FrameCaller(this.#portOf), deletes: new FrameCaller(this.#portOf) }
    const startedMs = performance.now()
    const begun = this.#next
    const underWay: Promise<void>[] = []
    for (let ms = 0; ms < forMs; ms = performance.now() - startedMs) {
      const due = begun + (Math.min(ms, forMs) * this.#perSecond) / 1000
      while (this.#next < due) underWay.push(this.#write(callers, this.#next++))
      await sleep(STEP_MS)
    }
    await Promise.all(underWay)
    callers.sets.close()
    callers.deletes.close()
  }

  async #write({ sets, deletes }: Callers, n: number): Promise<void> {
    const key = this.#keyOf(n)
    const startedMs = performance.now()
    const set = await sets.call({ opcode: FRAME_OPCODE.set, key, value: this.#valueOf(n) }, PATIENCE_MS)
    this.#times.push(performance.now() - startedMs)
    if (set?.reply.error !== ERROR.NONE) this.#fail(set?.reply.error)
    else if (n % DELETED_EVERY !== 0) this.#there.push(n)
    else {
      // It is decided in the home region, which may be away: then nobody knows, and nothing is asked of it.
      const fill = (request: FrameRequest) => (request.deadlineMs = DELETED_WITHIN_MS)
      const gone = await deletes.call({ opcode: FRAME_OPCODE.delete, key, fill }, PATIENCE_MS)
      if (gone?.reply.error === ERROR.NONE) this.#deleted.push(n)
    }
  }

  #fail(error: number | undefined): void {
    const why = error === undefined ? 'without an answer' : `refused with error ${error}`
    this.#failed += 1
    this.#failures.set(why, (this.#failures.get(why) ?? 0) + 1)
  }

  /** What is wrong with them at a member of another region. */
  async missingAt(port: number): Promise<{ lost: number; resurrected: number }> {
    const caller = new FrameCaller(() => port)
    let lost = 0
    let resurrected = 0
    const look = async (n: number, isThere: boolean) => {
      const called = await caller.call({ opcode: FRAME_OPCODE.get, key: this.#keyOf(n) }, PATIENCE_MS)
      if (isThere && !(called?.reply.error === ERROR.NONE && called.value.equals(this.#valueOf(n)))) lost += 1
      if (!isThere && called?.reply.error !== ERROR.KEY_NOT_FOUND) resurrected += 1
    }
    const all = [...this.#there.map((n) => [n, true]), ...this.#deleted.map((n) => [n, false])] as const
    let next = 0
    const worker = async () => {
      while (next < all.length) {
        const [n, isThere] = all[next++] as [number, boolean]
        await look(n, isThere)
      }
    }
    await Promise.all(Array.from({ length: UNDERWAY }, worker))
    caller.close()
    return { lost, resurrected }
  }

  #keyOf(n: number): Buffer {
    return Buffer.from(`${this.#prefix} ${n}`)
  }

  #valueOf(n: number): Buffer {
    return Buffer.from(`${this.#prefix} value ${n} `.padEnd(VALUE_BYTES, String(n)))
  }
}
