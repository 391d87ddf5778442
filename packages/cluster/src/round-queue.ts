/** One round on a key at a time: two of one coordinator would only refuse each other. */
import type { Key } from './ports.ts'

interface Startable {
  start(): void
}

export class RoundQueue {
  /** By key: those that wait behind the one under way. */
  readonly #waiting = new Map<string, Startable[]>()
  readonly #waitingMax: number
  readonly #later: (task: () => void) => void

  constructor(waitingMax: number, later: (task: () => void) => void) {
    this.#waitingMax = waitingMax
    this.#later = later
  }

  /** Starts it now or when its turn comes. False: too many wait. */
  enter(key: Key, round: Startable): boolean {
    const waiting = this.#waiting.get(key.id)
    if (waiting === undefined) {
      this.#waiting.set(key.id, [])
      round.start()
      return true
    }
    if (waiting.length >= this.#waitingMax) return false
    waiting.push(round)
    return true
  }

  /** Does not wait any more. */
  withdraw(key: Key, round: Startable): void {
    const waiting = this.#waiting.get(key.id)!
    waiting.splice(waiting.indexOf(round), 1)
  }

  /** The one under way has ended. */
  leave(key: Key): void {
    const next = this.#waiting.get(key.id)?.shift()
    if (next === undefined) this.#waiting.delete(key.id)
    else this.#later(() => next.start())
  }
}
