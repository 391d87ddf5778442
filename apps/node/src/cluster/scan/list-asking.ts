/** Asks other members for their lists, and waits a little for each. */
import { encodeList, type KeyList } from '@minivault/cluster'
import { SCAN_PATIENCE_MS } from '../../limits.ts'
import type { Time } from '../../time.ts'
import type { ListQuery } from './own-list.ts'

interface Asked {
  readonly member: number
  readonly resolve: (list: KeyList | null) => void
  readonly timer: unknown
}

export class ListAsking {
  readonly #time: Time
  readonly #send: (member: number, bytes: Uint8Array) => void
  readonly #asked = new Map<number, Asked>()
  /** Anywhere: an answer to the life before a restart answers no question of this one. */
  #number: number

  /** @param random 0 ≤ random < 1 */
  constructor(time: Time, random: number, send: (member: number, bytes: Uint8Array) => void) {
    this.#time = time
    this.#number = Math.floor(random * 2 ** 48)
    this.#send = send
  }

  /** Null: no answer in time. */
  ask(member: number, query: ListQuery): Promise<KeyList | null> {
    this.#number += 1
    const number = this.#number
    return new Promise((resolve) => {
      const timer = this.#time.every(SCAN_PATIENCE_MS, () => this.#end(number, null))
      this.#asked.set(number, { member, resolve, timer })
      this.#send(member, encodeList({ kind: 'which', number, ...query }))
    })
  }

  hear(member: number, list: KeyList): void {
    if (this.#asked.get(list.number)?.member === member) this.#end(list.number, list)
  }

  /** Nobody is waited for any more. */
  close(): void {
    for (const number of [...this.#asked.keys()]) this.#end(number, null)
  }

  #end(number: number, list: KeyList | null): void {
    const asked = this.#asked.get(number)
    if (asked === undefined) return
    this.#asked.delete(number)
    this.#time.cancel(asked.timer)
    asked.resolve(list)
  }
}
