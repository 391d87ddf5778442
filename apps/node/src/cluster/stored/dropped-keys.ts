/**
 * Keys of partitions that were dropped. Nothing stands under them any more; what the index still has of it is
 * let go of a little at a time, for it may have to read the disk to know the keys.
 */
import { type RecordDoor, SPACE } from '@minivault/storage'
import type { MemberKey } from '../member-key.ts'
import { isLayouts } from './key-place.ts'

export class DroppedKeys {
  readonly #records: RecordDoor
  readonly #left: Iterator<MemberKey>[] = []

  constructor(records: RecordDoor) {
    this.#records = records
  }

  add(keys: Iterable<MemberKey>): void {
    this.#left.push(keys[Symbol.iterator]())
  }

  letGo(count: number): void {
    for (let n = 0; n < count && this.#left.length > 0; n++) {
      const next = this.#left[0]!.next()
      if (next.done) this.#left.shift()
      else if (!isLayouts(next.value)) this.#forget(next.value)
    }
  }

  #forget(key: MemberKey): void {
    const { bytes } = key
    this.#records.forget(SPACE.user, bytes, 0, bytes.length, key)
    this.#records.forget(SPACE.promise, bytes, 0, bytes.length, key)
  }
}
