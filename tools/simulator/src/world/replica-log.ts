/** What a core finds in the log of its disk: read once at the start, kept up to date with every entry. */
import {
  DURABILITY,
  type Durability,
  type HeldRecord,
  isAbove,
  type Key,
  type Pledge,
  type ReplicaStore,
  type Standing,
  ZERO,
} from '@minivault/cluster'
import type { Disk, Entry } from './disk.ts'

const NOTHING: Standing = { record: null, promised: ZERO, position: 0, durability: DURABILITY.fsync }

export class ReplicaLog implements ReplicaStore {
  highestBallot = ZERO
  readonly #disk: Disk
  readonly #standings = new Map<string, Standing>()
  readonly #keys = new Map<string, Key>()

  constructor(disk: Disk) {
    this.#disk = disk
    disk.entries.forEach((entry, index) => {
      this.#apply(entry, index + 1)
    })
  }

  find(key: Key): Standing {
    return this.#standings.get(key.id) ?? NOTHING
  }

  hold(key: Key, record: HeldRecord, durability: Durability): number {
    return this.#append({ kind: 'record', key, record, durability })
  }

  pledge(key: Key, pledge: Pledge): number {
    return this.#append({ kind: 'pledge', key, pledge })
  }

  release(key: Key): void {
    this.#append({ kind: 'release', key })
  }

  *keysIn(partition: number, leaf: number): Iterable<Key> {
    for (const key of this.keys()) if (key.partition === partition && key.leaf === leaf) yield key
  }

  *keys(): Iterable<Key> {
    for (const key of this.#keys.values()) if (this.find(key).record !== null) yield key
  }

  durableUpTo(durability: Durability): number {
    return this.#disk.durableUpTo(durability)
  }

  #append(entry: Entry): number {
    const position = this.#disk.append(entry)
    this.#apply(entry, position)
    return position
  }

  #apply(entry: Entry, position: number): void {
    const { record, promised, durability } = this.find(entry.key)
    this.#keys.set(entry.key.id, entry.key)
    if (entry.kind === 'record') {
      const standing = { record: entry.record, promised, position, durability: entry.durability }
      this.#standings.set(entry.key.id, standing)
      this.#meet(entry.record.ballot)
    } else if (entry.kind === 'pledge') {
      this.#standings.set(entry.key.id, { record, promised: entry.pledge.ballot, position, durability })
      this.#meet(entry.pledge.ballot)
    } else this.#standings.set(entry.key.id, { ...NOTHING, position })
  }

  #meet(ballot: typeof ZERO): void {
    if (isAbove(ballot, this.highestBallot)) this.highestBallot = ballot
  }
}
