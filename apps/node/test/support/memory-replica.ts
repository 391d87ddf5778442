/** What one member of a trio holds, in a map; durable at once. */
import {
  DURABILITY,
  type Durability,
  type Glance,
  type HeldRecord,
  type Key,
  type Mark,
  type Outline,
  type Pledge,
  type ReplicaStore,
  type Standing,
  type Version,
  ZERO,
} from '@minivault/cluster'

interface Held {
  readonly key: Key
  standing: Standing
}

const NOTHING: Standing = { record: null, promised: ZERO, position: 0, durability: DURABILITY.fsync }

export class MemoryReplica implements ReplicaStore {
  readonly highestBallot = ZERO
  readonly #held = new Map<string, Held>()
  readonly #marks: Mark[] = []
  #end = 0

  find(key: Key): Standing {
    return this.#held.get(key.id)?.standing ?? NOTHING
  }

  glance(key: Key): Glance {
    return this.find(key)
  }

  read(key: Key): Standing {
    return this.find(key)
  }

  hold(key: Key, record: HeldRecord, durability: Durability): number {
    this.#end += 1
    const { promised } = this.find(key)
    this.#held.set(key.id, { key, standing: { record, promised, position: this.#end, durability } })
    return this.#end
  }

  pledge(key: Key, { ballot }: Pledge): number {
    this.#end += 1
    const { record, durability } = this.find(key)
    const standing = { record, promised: ballot, position: this.#end, durability }
    this.#held.set(key.id, { key, standing })
    return this.#end
  }

  release(key: Key): void {
    this.#held.delete(key.id)
  }

  drop(partition: number): void {
    for (const { key } of [...this.#held.values()]) if (key.partition === partition) this.#held.delete(key.id)
  }

  note(mark: Mark): number {
    this.#marks.push(mark)
    return this.#end
  }

  marks(): Iterable<Mark> {
    return this.#marks
  }

  promisedUpTo(): Version {
    return ZERO
  }

  keysIn(partition: number, leaf: number): Iterable<Key> {
    return [...this.#held.values()]
      .map(({ key }) => key)
      .filter((key) => key.partition === partition && key.leaf === leaf)
  }

  *keys(): Iterable<Key> {
    for (const { key } of this.#held.values()) yield key
  }

  /** It begins empty. */
  outlines(): Iterable<Outline> {
    return []
  }

  want(): void {}

  durableUpTo(): number {
    return this.#end
  }
}
