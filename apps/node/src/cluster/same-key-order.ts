/**
 * Operations of one connection on one key take effect in the order in which they came, as on a single node:
 * a client that sends DEL and SET without waiting in between must not find the key deleted. Reads go
 * together, a write goes alone; what has to wait waits here, before the core knows of it. Of other
 * connections, and of other keys, nobody waits.
 *
 * Without a map: a place for each pair of connection and key, by their hash. Two pairs in one place wait for
 * each other without need.
 */
import { SAME_KEY_PLACES } from '../limits.ts'

const WRITING = -1

/** In which place it goes, and whether others may go with it. */
export interface Ordered {
  readonly place: number
  readonly isRead: boolean
}

export class SameKeyOrder<T extends Ordered> {
  readonly #begin: (one: T) => void
  /** Reads under way; WRITING. */
  readonly #underWay = new Int32Array(SAME_KEY_PLACES)
  readonly #waiting = new Map<number, T[]>()

  /** @param begin is called when its turn comes, which may be at once */
  constructor(begin: (one: T) => void) {
    this.#begin = begin
  }

  static place(connection: number, hash: number): number {
    return (Math.imul(connection ^ 0x9e3779b9, 0x85ebca6b) ^ hash) & (SAME_KEY_PLACES - 1)
  }

  enter(one: T): void {
    const { place, isRead } = one
    const underWay = this.#underWay[place]!
    const goesAlong = underWay === 0 || (isRead && underWay !== WRITING)
    if (goesAlong && !this.#isAwaited(place)) return this.#go(one)
    const queue = this.#waiting.get(place)
    if (queue === undefined) this.#waiting.set(place, [one])
    else queue.push(one)
  }

  #isAwaited(place: number): boolean {
    return this.#waiting.size > 0 && this.#waiting.has(place)
  }

  #go(one: T): void {
    this.#underWay[one.place] = one.isRead ? this.#underWay[one.place]! + 1 : WRITING
    this.#begin(one)
  }

  /** It is over: those that waited for it go on. */
  leave({ place, isRead }: T): void {
    this.#underWay[place] = isRead ? this.#underWay[place]! - 1 : 0
    if (this.#isAwaited(place)) this.#goOn(place)
  }

  #goOn(place: number): void {
    const queue = this.#waiting.get(place)!
    // What begins may be over at once, and come back here: the queue is looked at anew each time.
    while (queue.length > 0) {
      const underWay = this.#underWay[place]!
      if (underWay !== 0 && (underWay === WRITING || !queue[0]!.isRead)) return
      this.#go(queue.shift()!)
    }
    if (this.#waiting.get(place) === queue) this.#waiting.delete(place)
  }
}
