/** What a core finds in the log of its disk: read once at the start, kept up to date with every entry. */
import {
  DURABILITY,
  type Durability,
  type Floor,
  type Glance,
  type HeldRecord,
  higher,
  type Key,
  type Mark,
  type Outline,
  type Pledge,
  type ReplicaStore,
  type Standing,
  type Version,
  ZERO,
} from '@minivault/cluster'
import { Glances } from '@minivault/cluster/testing'
import type { Disk, Entry } from './disk.ts'

const NOTHING: Standing = { record: null, promised: ZERO, position: 0, durability: DURABILITY.fsync }

/** What a floor stands for from now on. */
export type OnCovered = (key: Key, record: HeldRecord) => void

export class ReplicaLog implements ReplicaStore {
  highestBallot = ZERO
  readonly #disk: Disk
  readonly #onCovered: OnCovered
  readonly #standings = new Map<string, Standing>()
  readonly #keys = new Map<string, Key>()
  readonly #marks: Mark[] = []
  readonly #glances = new Glances()

  constructor(disk: Disk, onCovered: OnCovered) {
    this.#disk = disk
    this.#onCovered = onCovered
    disk.entries.forEach((entry, index) => {
      this.#apply(entry, index + 1)
    })
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
    return this.#standings.get(key.id) ?? NOTHING
  }

  hold(key: Key, record: HeldRecord, durability: Durability): number {
    return this.#append({ kind: 'record', key, record, durability })
  }

  pledge(key: Key, pledge: Pledge): number {
    return this.#append({ kind: 'pledge', key, pledge })
  }

  release(key: Key): void {
    const { record } = this.read(key)
    if (record !== null) this.#onCovered(key, record)
    this.#append({ kind: 'release', key })
  }

  drop(partition: number): void {
    this.#append({ kind: 'drop', partition })
  }

  note(mark: Mark): number {
    if (mark.kind === 'floor') this.#cover(mark)
    return this.#append({ kind: 'mark', mark })
  }

  marks(): Iterable<Mark> {
    return this.#marks
  }

  promisedUpTo(partition: number): Version {
    let highest = ZERO
    for (const [id, { record, promised }] of this.#standings) {
      if (this.#keys.get(id)!.partition !== partition) continue
      highest = higher(highest, higher(promised, record?.ballot ?? ZERO))
    }
    return highest
  }

  *keysIn(partition: number, leaf: number): Iterable<Key> {
    for (const { key } of this.outlines()) {
      if (key.partition === partition && key.leaf === leaf) yield key
    }
  }

  *outlines(): Iterable<Outline> {
    for (const key of this.#keys.values()) {
      const { record } = this.read(key)
      if (record === null) continue
      const { ballot, value, expiresAtMs } = record
      yield { key, ballot, isTombstone: value === null, expiresAtMs }
    }
  }

  /** A disk syncs by itself. */
  want(): void {}

  durableUpTo(durability: Durability): number {
    return this.#disk.durableUpTo(durability)
  }

  /** The highest ballot that stands for what is absent. */
  floorOf({ partition, leaf }: Key): Version {
    let floor = ZERO
    for (const mark of this.#marks) {
      if (mark.kind !== 'floor' || mark.partition !== partition || mark.leaf !== leaf) continue
      floor = higher(floor, mark.upTo)
    }
    return floor
  }

  #promiseIn(partition: number): Version {
    let promise = ZERO
    for (const mark of this.#marks) {
      const isOfAll = mark.kind === 'promise' && mark.partition === partition
      if (isOfAll) promise = higher(promise, mark.ballot)
    }
    return promise
  }

  #drop(partition: number, position: number): void {
    for (const key of this.#keys.values()) {
      if (key.partition === partition) this.#standings.set(key.id, { ...NOTHING, position })
    }
  }

  /** But for a floor that was raised before there was a vote here: what came without one stays. */
  #cover({ partition, leaf, upTo, expiredBeforeMs }: Floor): void {
    const promise = this.#promiseIn(partition)
    if (!promise.isZero() && higher(promise, upTo) === promise) return
    for (const key of this.keysIn(partition, leaf)) {
      const record = this.read(key).record!
      const isDead = record.value === null || (record.expiresAtMs > 0 && record.expiresAtMs < expiredBeforeMs)
      if (isDead && higher(record.ballot, upTo) === upTo) this.#onCovered(key, record)
    }
  }

  #append(entry: Entry): number {
    const position = this.#disk.append(entry)
    this.#apply(entry, position)
    return position
  }

  #apply(entry: Entry, position: number): void {
    if (entry.kind === 'mark') {
      this.#marks.push(entry.mark)
      return
    }
    if (entry.kind === 'drop') return this.#drop(entry.partition, position)
    const { id } = entry.key
    const { record, promised, durability } = this.read(entry.key)
    this.#keys.set(id, entry.key)
    if (entry.kind === 'record') {
      this.#standings.set(id, { record: entry.record, promised, position, durability: entry.durability })
      this.highestBallot = higher(this.highestBallot, entry.record.ballot)
    } else if (entry.kind === 'pledge') {
      this.#standings.set(id, { record, promised: entry.pledge.ballot, position, durability })
      this.highestBallot = higher(this.highestBallot, entry.pledge.ballot)
    } else this.#standings.set(id, { ...NOTHING, position })
  }
}
