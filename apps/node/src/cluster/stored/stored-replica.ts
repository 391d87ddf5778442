/**
 * The log of one replica as the core sees it, on a store: records in the user's space, promises in space 1,
 * marks in the space of metadata (docs/DATA_FILE.md, part 2).
 *
 * What a find shows is made anew from the record each time, and never changed.
 */
import { successor, Version } from '@minivault/clock'
import {
  DURABILITY,
  type Durability,
  type Glance,
  type HeldRecord,
  higher,
  type Key,
  type LayoutState,
  type Mark,
  type Membership,
  type Outline,
  type Pledge,
  type ReplicaStore,
  type Standing,
  type TableForm,
  ZERO,
} from '@minivault/cluster'
import type { KeyHash } from '@minivault/codec'
import {
  APPLY,
  Mutation,
  nodeBoot,
  RecordDoor,
  type RecordsOwner,
  SPACE,
  StorageError,
  type Store,
} from '@minivault/storage'
import { PARTITIONS } from '@minivault/topology'
import { LET_GO_A_TICK } from '../../limits.ts'
import { LargeValue } from '../large/large-value.ts'
import type { ValueFiles } from '../large/value-files.ts'
import { LAYOUTS_KEY, type MemberKey } from '../member-key.ts'
import { DroppedKeys } from './dropped-keys.ts'
import { startOf } from './folder-start.ts'
import { Glances } from './glances.ts'
import { HighestBallots } from './highest-ballots.ts'
import { KeyLeaves } from './key-leaves.ts'
import { aim, placeOf, spaceOf } from './key-place.ts'
import { Released } from './released.ts'
import { walkRecords, walkRest } from './store-walk.ts'
import { StoredMarks } from './stored-marks.ts'
import { StoredValues } from './stored-values.ts'

export interface StoredReplicaParts {
  readonly store: Store
  readonly tables: TableForm
  /** Of large values; without it they stay only as long as a record names them. */
  readonly files?: ValueFiles
  /** Of the machine; see `nodeBoot`. */
  readonly boot?: string
}

const NOTHING: Standing = { record: null, promised: ZERO, position: 0, durability: DURABILITY.fsync }

interface Waiting {
  readonly position: number
  readonly then: () => void
}

export class StoredReplica implements ReplicaStore, RecordsOwner {
  /** Told when the log is durable further than before. */
  onDurable: (() => void) | null = null
  readonly highestBallot = new Version()
  /** As found at the open; null: none was written down. */
  readonly layoutState: LayoutState | null
  readonly clusterId: string | null
  /** Of a folder that belongs to a cluster; what a new one begins as, its first start finds out. */
  readonly began: Membership
  readonly #store: Store
  readonly #values: StoredValues
  readonly #glances: Glances
  readonly #records: RecordDoor
  readonly #stored: StoredMarks
  readonly #marks: Mark[] = []
  readonly #leaves = new KeyLeaves()
  readonly #dropped: DroppedKeys
  readonly #released = new Released()
  /** Of records and promises. */
  readonly #highest = new HighestBallots()
  /** By partition: no promise, no second lookup. */
  readonly #hasPromises = new Uint8Array(PARTITIONS)
  readonly #mutation = new Mutation()
  readonly #pledge = new Mutation()
  /** The lowest that a record was ever asked for. */
  #level: Durability
  #waiting: Waiting[] = []

  constructor({ store, tables, files, boot = nodeBoot() }: StoredReplicaParts) {
    this.#store = store
    this.#records = new RecordDoor(store.engine)
    this.#dropped = new DroppedKeys(this.#records)
    this.#values = new StoredValues(this.#records, tables, files ?? null)
    this.#glances = new Glances(this.#records, this.#released, this.#hasPromises)
    this.#stored = new StoredMarks(this.#records, tables)
    this.#pledge.durability = DURABILITY.fsync
    this.highestBallot.copy(store.highestBallot)
    this.#open()
    this.clusterId = this.#stored.clusterId
    const lastOpen = this.#stored.lastOpen
    this.#level = lastOpen.level
    this.began = Math.max(startOf(store, lastOpen, boot), this.#stored.began) as Membership
    this.#stored.writeBoot(boot)
    let layoutState: LayoutState | null = null
    for (const mark of this.#marks) if (mark.kind === 'layout') layoutState = mark.state
    this.layoutState = layoutState
    this.#records.owner = this
  }

  find(key: Key): Standing {
    return this.#standing(key as MemberKey, false)
  }

  glance(key: Key): Glance {
    return this.#glances.at(key as MemberKey)
  }

  read(key: Key): Standing {
    return this.#standing(key as MemberKey, true)
  }

  hold(key: Key, record: HeldRecord, durability: Durability): number {
    const { value } = record
    if (value === undefined) throw new Error('a record without its value was to be held')
    const own = key as MemberKey
    const mutation = this.#mutation
    aim(mutation, own, SPACE.user)
    mutation.ballot.copy(record.ballot)
    mutation.version.copy(record.version)
    mutation.requestId.copy(record.request)
    mutation.isAbsence = record.version.isZero()
    mutation.expiresAtMs = record.expiresAtMs
    mutation.durability = durability
    this.#values.fill(mutation, value, own.bytes.length === 0)
    if (durability < this.#level) this.#lower(durability)
    if (value instanceof LargeValue) this.#applyLarge(mutation, value)
    else this.#apply(mutation, placeOf(own, SPACE.user))
    const wasReleased = !this.#released.isEmpty && this.#released.forget(own)
    if (this.#records.wasAbsent || wasReleased) this.#leaves.add(own)
    this.#highest.meet(own.partition, record.ballot)
    return this.#records.place
  }

  pledge(key: Key, { ballot, request, attempt }: Pledge): number {
    const own = key as MemberKey
    const mutation = this.#pledge
    aim(mutation, own, SPACE.promise)
    mutation.tombstone = false
    mutation.ballot.copy(ballot)
    mutation.requestId.copy(request)
    mutation.attempt = attempt
    this.#apply(mutation, placeOf(own, SPACE.promise))
    this.#hasPromises[own.partition] = 1
    this.#highest.meet(own.partition, ballot)
    return this.#records.place
  }

  /** A promise goes with it, by a tombstone of its own: nothing would be left to let go of it later. */
  release(key: Key): void {
    const own = key as MemberKey
    if (!this.#look(own, false)) return
    this.#released.add(own, new Version().copy(this.#records.found.ballot))
    this.#leaves.remove(own)
    if (!this.#mayBePromised(own) || !this.#lookForPromise(own) || this.#records.found.tombstone) return
    const mutation = this.#pledge
    aim(mutation, own, SPACE.promise)
    mutation.tombstone = true
    mutation.requestId.clear()
    mutation.attempt = 0
    successor(this.#records.found.ballot, 0, mutation.ballot)
    this.#apply(mutation, placeOf(own, SPACE.promise))
  }

  /** What comes from now on lies in a segment above all that is gone. */
  drop(partition: number): void {
    const below = this.#stored.writeDropped(partition)
    this.#records.drop(partition, below)
    this.#dropped.add(this.#leaves.drop(partition))
    // The next open finds it again, and drops it again.
    if (LAYOUTS_KEY.partition === partition) this.release(LAYOUTS_KEY)
  }

  note(mark: Mark): number {
    return this.#stored.note(mark)
  }

  marks(): Iterable<Mark> {
    return this.#marks
  }

  promisedUpTo(partition: number): Version {
    return this.#highest.of(partition)
  }

  keysIn(partition: number, leaf: number): Iterable<Key> {
    return this.#leaves.keysIn(partition, leaf)
  }

  *outlines(): Iterable<Outline> {
    this.#leaves.clear()
    const ofLayouts = this.find(LAYOUTS_KEY).record
    if (ofLayouts !== null) {
      const { ballot, value, expiresAtMs } = ofLayouts
      this.#leaves.add(LAYOUTS_KEY)
      yield { key: LAYOUTS_KEY, ballot, isTombstone: value === null, expiresAtMs }
    }
    for (const outline of walkRecords(this.#records)) {
      const { key, ballot } = outline
      this.#leaves.add(key)
      this.#highest.meet(key.partition, ballot)
      yield outline
    }
  }

  durableUpTo(durability: Durability): number {
    return this.#records.reached(durability)
  }

  want(durability: Durability): void {
    this.#records.demand(durability)
  }

  // --- for the owner

  onTick(): void {
    this.#dropped.letGo(LET_GO_A_TICK)
  }

  /** The folder does not belong to a cluster yet. */
  get isNew(): boolean {
    return this.clusterId === null
  }

  /** Whether `find` and `read` will not have to wait for the disk. */
  isWarm(key: Key): boolean {
    const own = key as MemberKey
    const { bytes } = own
    if (bytes.length === 0) return true
    if (!this.#records.isInMemory(SPACE.user, bytes, 0, bytes.length, key)) return false
    return !this.#mayBePromised(own) || this.#records.isInMemory(SPACE.promise, bytes, 0, bytes.length, key)
  }

  /** Brings into memory what stands under the key. */
  warm(key: Key, then: () => void): void {
    const { bytes } = key as MemberKey
    this.#records.fetch(SPACE.user, bytes, key, () => {
      this.#records.fetch(SPACE.promise, bytes, key, then)
    })
  }

  /** Keys of a partition that are held, those of tombstones too. */
  countIn(partition: number): number {
    return this.#leaves.countIn(partition)
  }

  /** Before the cluster's id; and `voting`, once what follows of it is written behind that. */
  writeBegan(began: Membership): void {
    this.#stored.writeBegan(began)
  }

  /** @param then it is durable */
  writeClusterId(id: string, then: () => void): void {
    this.#waiting.push({ position: this.#stored.writeClusterId(id), then })
    this.onReached()
  }

  // --- looking

  #mayBePromised({ partition }: MemberKey): boolean {
    return this.#hasPromises[partition] === 1
  }

  #standing(key: MemberKey, wantsValue: boolean): Standing {
    const isThere = this.#look(key, wantsValue)
    const mayBePromised = this.#mayBePromised(key)
    if (!isThere && !mayBePromised) return NOTHING
    const { place, durability } = this.#records
    const record = isThere ? this.#recordOf(key, wantsValue) : null
    if (!mayBePromised) return { record, promised: ZERO, position: place, durability }
    const recordPlace = isThere ? place : 0
    const ofRecord = isThere ? durability : DURABILITY.fsync
    if (!this.#lookForPromise(key)) {
      return isThere ? { record, promised: ZERO, position: place, durability } : NOTHING
    }
    const { found, place: promisePlace } = this.#records
    const promised = found.tombstone ? ZERO : new Version().copy(found.ballot)
    return { record, promised, position: Math.max(recordPlace, promisePlace), durability: ofRecord }
  }

  #look(key: MemberKey, wantsValue: boolean): boolean {
    const place = placeOf(key, SPACE.user)
    const space = spaceOf(key, SPACE.user)
    const { bytes } = place
    const isThere = wantsValue
      ? this.#records.read(space, bytes, 0, bytes.length, place)
      : this.#records.look(space, bytes, 0, bytes.length, place)
    return isThere && !this.#isReleased(key, this.#records.found.ballot)
  }

  #isReleased(key: MemberKey, ballot: Version): boolean {
    return !this.#released.isEmpty && this.#released.has(key, ballot)
  }

  #lookForPromise(key: MemberKey): boolean {
    const place = placeOf(key, SPACE.promise)
    return this.#records.look(spaceOf(key, SPACE.promise), place.bytes, 0, place.bytes.length, place)
  }

  #recordOf(key: MemberKey, wantsValue: boolean): HeldRecord {
    const { found } = this.#records
    const ballot = new Version().copy(found.ballot)
    const version = sharedOf(found.version, ballot)
    const request = sharedOf(found.requestId, version)
    const value = found.tombstone ? null : wantsValue ? this.#values.read(key.bytes.length === 0) : undefined
    return { ballot, version, request, value, expiresAtMs: found.expiresAtMs, sum: null }
  }

  // --- writing

  /** Before the first record of this level is spoken of, the folder says so. Waits for the disk, once. */
  #lower(level: Durability): void {
    this.#stored.writeLevel(level)
    this.#store.engine.log.syncNow()
    this.#level = level
  }

  #apply(mutation: Mutation, hash: KeyHash): void {
    if (this.#records.apply(mutation, hash) === APPLY.stale) throw belowWhatStands()
  }

  #applyLarge(mutation: Mutation, value: LargeValue): void {
    if (!value.isHere) throw new Error('a large value was to be held whose file is not here')
    if (this.#records.applyBlob(mutation, value.blob) === APPLY.stale) throw belowWhatStands()
    this.#values.held(value)
  }

  // --- RecordsOwner

  mayRelease(hash: KeyHash, ballot: Version, space: number): boolean {
    // A tombstone of a promise says nothing that its absence does not.
    return space === SPACE.promise || (space === SPACE.user && this.#released.has(hash, ballot))
  }

  onLeft(hash: KeyHash, ballot: Version): void {
    this.#released.left(hash, ballot)
  }

  onReached(): void {
    if (this.#waiting.length > 0) {
      const durable = this.#records.reached(DURABILITY.fsync)
      const over = this.#waiting.filter(({ position }) => position <= durable)
      this.#waiting = this.#waiting.filter(({ position }) => position > durable)
      for (const { then } of over) then()
    }
    this.onDurable?.()
  }

  // --- the open

  #open(): void {
    walkRest(this.#records, {
      onPromise: ({ partition }, ballot) => {
        this.#hasPromises[partition] = 1
        this.highestBallot.copy(higher(this.highestBallot, ballot))
        this.#highest.meet(partition, ballot)
      },
      onName: (name) => {
        const mark = this.#stored.decode(name)
        if (mark !== null) this.#marks.push(mark)
      },
    })
    if (this.#lookForPromise(LAYOUTS_KEY)) this.#hasPromises[LAYOUTS_KEY.partition] = 1
    const { record, promised } = this.find(LAYOUTS_KEY)
    const ballot = higher(record?.ballot ?? ZERO, promised)
    this.highestBallot.copy(higher(this.highestBallot, ballot))
    this.#highest.meet(LAYOUTS_KEY.partition, ballot)
  }
}

function belowWhatStands(): StorageError {
  return new StorageError('STORAGE_CORRUPT', 'a record was to be written below what stands there')
}

/** Where they are equal, one object is enough: nobody changes it. */
function sharedOf(version: Version, other: Version): Version {
  const { high, middle, low } = version
  if (high === other.high && middle === other.middle && low === other.low) return other
  return new Version().copy(version)
}
