/** The log of a replica that costs next to nothing: a Map, durable at once. */
import {
  DURABILITY,
  type Durability,
  type Glance,
  type HeldRecord,
  type Key,
  type Pledge,
  type ReplicaStore,
  type Standing,
  ZERO,
} from '@minivault/cluster'

const NOTHING: Standing = { record: null, promised: ZERO, position: 0, durability: DURABILITY.fsync }

export class MapStore implements ReplicaStore {
  readonly highestBallot = ZERO
  readonly #standings = new Map<string, Standing>()
  #position = 0

  find(key: Key): Standing {
    return this.#standings.get(key.id) ?? NOTHING
  }

  /** Its values are references: there is nothing to leave out. */
  glance(key: Key): Glance {
    return this.find(key)
  }

  read(key: Key): Standing {
    return this.find(key)
  }

  hold(key: Key, record: HeldRecord, durability: Durability): number {
    const { promised } = this.find(key)
    return this.#write(key, { record, promised, position: 0, durability })
  }

  pledge(key: Key, { ballot }: Pledge): number {
    const { record, durability } = this.find(key)
    return this.#write(key, { record, promised: ballot, position: 0, durability })
  }

  durableUpTo(): number {
    return this.#position
  }

  note(): number {
    return ++this.#position
  }

  want(): void {}

  release(): void {}

  drop(): void {}

  marks() {
    return []
  }

  promisedUpTo() {
    return ZERO
  }

  keysIn() {
    return []
  }

  outlines() {
    return []
  }

  #write(key: Key, { record, promised, durability }: Standing): number {
    const position = ++this.#position
    this.#standings.set(key.id, { record, promised, position, durability })
    return position
  }
}
