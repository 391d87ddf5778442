/** The log of one replica in memory: what is written, up to where it is synced, and a power cut. */
import {
  DURABILITY,
  type Durability,
  type Glance,
  type HeldRecord,
  isAbove,
  type Key,
  type Mark,
  type Outline,
  type Pledge,
  type ReplicaStore,
  type Standing,
  type Version,
  ZERO,
} from '../index.ts'
import { Glances } from './glances.ts'

type Entry =
  | { readonly key: Key; readonly record: HeldRecord; readonly durability: Durability }
  | { readonly key: Key; readonly pledge: Pledge }
  | { readonly key: Key; readonly isRelease: true }
  | { readonly dropped: number }
  | { readonly mark: Mark }

/** The one key of most tests. */
export const KEY: Key = { id: 'k', high: 1, low: 1, partition: 0, leaf: 0 }

const NOTHING: Standing = { record: null, promised: ZERO, position: 0, durability: DURABILITY.fsync }

export class MemoryLog implements ReplicaStore {
  readonly #entries: Entry[] = []
  readonly #glances = new Glances()
  #synced = 0

  get end(): number {
    return this.#entries.length
  }

  /** The value is really gone: who goes on with it has asked for too little. */
  find(key: Key): Standing {
    const standing = this.read(key)
    const { record } = standing
    if (record === null || record.value === null) return standing
    return { ...standing, record: { ...record, value: undefined } }
  }

  glance(key: Key): Glance {
    return this.#glances.of(this.read(key))
  }

  read(key: Key): Standing {
    let standing = NOTHING
    for (const [index, entry] of this.#entries.entries()) {
      if ('key' in entry && entry.key.id === key.id) standing = after(standing, entry, index + 1)
      if ('dropped' in entry && entry.dropped === key.partition)
        standing = { ...NOTHING, position: index + 1 }
    }
    return standing
  }

  hold(key: Key, record: HeldRecord, durability: Durability): number {
    return this.#append({ key, record, durability })
  }

  pledge(key: Key, pledge: Pledge): number {
    return this.#append({ key, pledge })
  }

  release(key: Key): void {
    this.#append({ key, isRelease: true })
  }

  drop(partition: number): void {
    this.#append({ dropped: partition })
  }

  outlines(): Iterable<Outline> {
    return [...this.#keys()].map((key) => outlineOf(key, this.read(key).record!))
  }

  #keys(): Iterable<Key> {
    const byId = new Map<string, Key>()
    for (const entry of this.#entries) if ('key' in entry) byId.set(entry.key.id, entry.key)
    return [...byId.values()].filter((key) => this.find(key).record !== null)
  }

  keysIn(partition: number, leaf: number): Iterable<Key> {
    return [...this.#keys()].filter((key) => key.partition === partition && key.leaf === leaf)
  }

  note(mark: Mark): number {
    return this.#append({ mark })
  }

  marks(): Iterable<Mark> {
    return this.#entries.flatMap((entry) => ('mark' in entry ? [entry.mark] : []))
  }

  promisedUpTo(partition: number): Version {
    return this.#highest((key) => key.partition === partition)
  }

  want(): void {}

  durableUpTo(durability: Durability): number {
    return durability === DURABILITY.fsync ? this.#synced : this.end
  }

  get highestBallot(): Version {
    return this.#highest(() => true)
  }

  #highest(counts: (key: Key) => boolean): Version {
    let highest = ZERO
    for (const entry of this.#entries) {
      if (!('key' in entry) || !counts(entry.key)) continue
      const ballot = 'record' in entry ? entry.record.ballot : 'pledge' in entry ? entry.pledge.ballot : ZERO
      if (isAbove(ballot, highest)) highest = ballot
    }
    return highest
  }

  sync(upTo: number = this.end): void {
    this.#synced = Math.max(this.#synced, upTo)
  }

  /** What is not synced is gone. */
  powerCut(): void {
    this.#entries.length = this.#synced
  }

  /** All that came after is gone, though it was acknowledged. */
  loseAfter(end: number): void {
    this.#entries.length = end
    this.#synced = end
  }

  #append(entry: Entry): number {
    return this.#entries.push(entry)
  }
}

function after(
  { record, promised, durability }: Standing,
  entry: Extract<Entry, { key: Key }>,
  position: number,
): Standing {
  if ('record' in entry) return { record: entry.record, promised, position, durability: entry.durability }
  if ('pledge' in entry) return { record, promised: entry.pledge.ballot, position, durability }
  return { ...NOTHING, position }
}

function outlineOf(key: Key, { ballot, value, expiresAtMs }: HeldRecord): Outline {
  return { key, ballot, isTombstone: value === null, expiresAtMs }
}
