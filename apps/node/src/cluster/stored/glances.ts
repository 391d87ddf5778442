/** The order of what stands under a key, told by the index alone, and in one object that is used again. */
import { type Glance, Version, ZERO } from '@minivault/cluster'
import { type RecordDoor, SPACE } from '@minivault/storage'
import type { MemberKey } from '../member-key.ts'
import { placeOf, type RecordSpace, spaceOf } from './key-place.ts'
import type { Released } from './released.ts'

export class Glances {
  readonly #records: RecordDoor
  readonly #released: Released
  /** By partition. */
  readonly #hasPromises: Uint8Array
  readonly #held = { ballot: new Version() }
  readonly #glance = { record: null as Glance['record'], promised: ZERO, position: 0 }

  constructor(records: RecordDoor, released: Released, hasPromises: Uint8Array) {
    this.#records = records
    this.#released = released
    this.#hasPromises = hasPromises
  }

  at(key: MemberKey): Glance {
    const records = this.#records
    const glance = this.#glance
    glance.promised = ZERO
    glance.position = 0
    glance.record = null
    if (this.#find(key, SPACE.user) && !this.#isReleased(key)) {
      this.#held.ballot.copy(records.ballot)
      glance.record = this.#held
      glance.position = records.place
    }
    if (this.#hasPromises[key.partition] === 0 || !this.#find(key, SPACE.promise)) return glance
    glance.position = Math.max(glance.position, records.place)
    if (!records.isTombstone) glance.promised = records.ballot
    return glance
  }

  #find(key: MemberKey, space: RecordSpace): boolean {
    const place = placeOf(key, space)
    return this.#records.glance(spaceOf(key, space), place.bytes, 0, place.bytes.length, place)
  }

  #isReleased(key: MemberKey): boolean {
    return !this.#released.isEmpty && this.#released.has(key, this.#records.ballot)
  }
}
