/**
 * The store: opens a data folder, closes it, and is the door for people (`get`, `set`, `delete`, …) above the
 * engine's hot door, which it forwards.
 */

import type { HybridLogicalClock, Version } from '@minivault/clock'
import { cloneBytes, hashKey, type KeyHash } from '@minivault/codec'
import { type Durability, nodeScheduler } from '@minivault/wal'
import { badOption, mustBeFunctionIfAny, mustBeObject, mustBePath } from './bad-option.ts'
import type { BatchOperation, ReadyBatch } from './batch-operations.ts'
import type { StagedValue } from './blob/large-values.ts'
import type { ByteSource } from './blob/staging.ts'
import { Engine } from './engine.ts'
import type { FolderLock } from './folder-lock.ts'
import type { Foresight } from './foresight.ts'
import type { Found } from './found.ts'
import { closedError } from './hot-door.ts'
import { Maintenance } from './maintenance.ts'
import type { MergeReport } from './merge-run.ts'
import { Metadata, startClock } from './metadata.ts'
import type { Mutation } from './mutation.ts'
import { nodeElapsedMs, nodeNow } from './node-ports.ts'
import { type OpenedFolder, openFolder } from './opened-folder.ts'
import { copiedEntry, copiedValue, type Entry, Reads } from './reads.ts'
import { IndexScanSource } from './scan/index-view.ts'
import { ReadPace } from './scan/read-pace.ts'
import type { Scan } from './scan/scan.ts'
import type { ScanOptions } from './scan/scan-range.ts'
import { Scans } from './scan/scans.ts'
import type { SnapshotOptions, SnapshotReport } from './snapshot.ts'
import { fromLog, type StorageError } from './storage-error.ts'
import { LEVEL_OF_NAME, type StoreOptions } from './store-options.ts'
import { collectStats, type StoreStats } from './store-stats.ts'
import { StreamDoor } from './stream-door.ts'
import type { StreamRange, ValueStream } from './value-stream.ts'
import type { VerifyOptions, VerifyReport } from './verify.ts'
import { Waiters } from './waiters.ts'
import {
  bytesOf,
  type DeleteOptions,
  type IncrementOptions,
  type SetOptions,
  type TouchOptions,
  type WriteOptions,
} from './write-options.ts'
import { Writes } from './writes.ts'

export class Store {
  readonly engine: Engine
  readonly nodeId: string
  readonly writerId: number
  readonly clock: HybridLogicalClock
  /** Wall milliseconds, by which values expire. */
  readonly now: () => number
  readonly #lock: FolderLock | null
  readonly #maintenance: Maintenance
  readonly #metadata: Metadata
  readonly #reads: Reads
  readonly #writes: Writes
  /** Values in pieces, pushed and pulled. */
  readonly streams: StreamDoor
  readonly #scans: Scans
  #closing: Promise<void> | null = null

  /**
   * Opens the folder, or makes it. Throws STORAGE_FOLDER, STORAGE_LOCKED, STORAGE_FORMAT, STORAGE_CORRUPT,
   * STORAGE_OPTION, STORAGE_DISK_FULL, STORAGE_IO.
   */
  static async open(options: StoreOptions): Promise<Store> {
    let store: Store | null = null
    const opened = await openFolder(options, () => {
      if (store === null) return
      store.engine.progress()
      store.#maintenance.progress()
    })
    try {
      store = new Store(options, opened)
      return store
    } catch (error) {
      throw await opened.abandon(error)
    }
  }

  private constructor(options: StoreOptions, opened: OpenedFolder) {
    const now = options.now ?? nodeNow
    this.now = now
    const hash = options.hash ?? hashKey
    const waiters = new Waiters()
    this.#lock = opened.lock
    this.nodeId = opened.nodeId
    this.writerId = opened.writerId
    this.engine = new Engine({
      ...opened,
      compression: options.compression ?? 'zstd',
      hash,
      now,
      listener: waiters.listener(options.listener),
    })
    const { engine } = this
    this.#metadata = new Metadata(engine, hash, waiters)
    this.clock = startClock(this.#metadata, opened.writerId, now, options.maxOffsetMs)
    this.clock.observe(engine.highestBallot)
    const durability = LEVEL_OF_NAME[options.durability ?? 'fsync']
    const scheduler = options.scheduler ?? nodeScheduler
    this.streams = new StreamDoor(engine, scheduler)
    engine.large.streams = this.streams
    this.#scans = new Scans(
      new IndexScanSource({ engine, waiters, hash, now, pace: new ReadPace(nodeElapsedMs) }),
      now,
      scheduler,
    )
    this.#reads = new Reads(engine, hash, waiters)
    this.#writes = new Writes({ engine, clock: this.clock, waiters, hash, now, durability })
    this.#maintenance = new Maintenance(engine, options, opened, this.#scans)
  }

  // The hot door.
  apply(mutation: Mutation, token: number): 0 | 1 | 2 {
    return this.engine.apply(mutation, token)
  }
  read(key: Uint8Array, keyStart: number, keyEnd: number, hash: KeyHash, token: number): boolean {
    return this.engine.read(key, keyStart, keyEnd, hash, token)
  }
  locate(key: Uint8Array, keyStart: number, keyEnd: number, hash: KeyHash): Found {
    return this.engine.locate(key, keyStart, keyEnd, hash)
  }
  /** A batch under ballots that `apply` gives: see `BatchOperations.run`. */
  runBatch<T>(
    operations: readonly BatchOperation[],
    durability: Durability,
    apply: (batch: ReadyBatch) => Promise<T> | T,
  ): Promise<T> | T {
    return this.#writes.batches.run(operations, durability, apply)
  }
  /** `apply` with a value that was staged. Unless the outcome is `applied` it is still the caller's. */
  applyStaged(mutation: Mutation, staged: StagedValue, token: number): 0 | 1 | 2 {
    return this.engine.large.applyStaged(mutation, staged, token)
  }
  /** Of the read that was answered just now, where `StoreListener.wantsStream` said so. */
  takeStream(): ValueStream | null {
    return this.engine.large.takeStream()
  }
  foresee(foresight: Foresight): void {
    foresight.touch(this.engine.lookup)
  }
  get found(): Found {
    return this.engine.found
  }
  get previous(): Found {
    return this.engine.previous
  }
  get waiting(): boolean {
    return this.engine.waiting
  }
  get highestBallot(): Version {
    return this.engine.highestBallot
  }
  get error(): StorageError | null {
    return this.engine.error
  }
  set onRecord(hook: Engine['onRecord']) {
    this.engine.onRecord = hook
  }

  /** A copy of the value; undefined when there is none. Never blocks the event loop on the disk. */
  async get(key: string | Uint8Array): Promise<Uint8Array | undefined> {
    return this.#reads.ask(key, copiedValue)
  }

  /** The values of these keys, in their order. Each is read for itself: writes may come in between. */
  async getMany(keys: readonly (string | Uint8Array)[]): Promise<(Uint8Array | undefined)[]> {
    if (this.engine.closed) throw closedError()
    if (!Array.isArray(keys)) badOption('keys', 'a list')
    return Promise.all(keys.map(async (key) => this.#reads.ask(key, copiedValue)))
  }

  async getEntry(key: string | Uint8Array): Promise<Entry | undefined> {
    return this.#reads.ask(key, copiedEntry)
  }

  async has(key: string | Uint8Array): Promise<boolean> {
    return this.#reads.describe(key, (found) => found.exists)
  }

  /**
   * The value itself, where it lies: valid until the next call into the store. Reads the disk at once where
   * it must.
   */
  view(key: string | Uint8Array): Uint8Array | undefined {
    const found = this.#reads.now(key)
    return found.exists ? found.value.subarray(found.valueStart, found.valueEnd) : undefined
  }

  getSync(key: string | Uint8Array): Uint8Array | undefined {
    return copiedValue(this.#reads.now(key))
  }

  /**
   * Copies as much of the value as fits into `target`; returns the value's whole length, -1 when there is
   * none.
   */
  getInto(key: string | Uint8Array, target: Uint8Array): number {
    const { exists, value, valueStart, valueEnd } = this.#reads.now(key)
    if (!exists) return -1
    target.set(value.subarray(valueStart, Math.min(valueEnd, valueStart + target.length)))
    return valueEnd - valueStart
  }

  /**
   * Resolves when the write has reached its durability level. Rejects with STORAGE_CONDITION, and the version
   * that is there in `error.version`, when `ifAbsent` or `ifVersion` is not met.
   */
  set(
    key: string | Uint8Array,
    value: string | Uint8Array,
    options: SetOptions = {},
  ): Promise<{ version: string }> {
    return this.#writes.set(key, value, options)
  }

  /** False, and nothing written: there was no value. STORAGE_CONDITION: `ifVersion` is not met. */
  delete(key: string | Uint8Array, options: DeleteOptions = {}): Promise<boolean> {
    return this.#writes.delete(key, options)
  }

  /**
   * Takes in a value from a stream or any source of bytes, in memory for a piece of it, and then sets it as
   * `set` does. `size` in bytes where it is known: the source must give exactly so many. Rejects with the
   * source's own error; nothing is left of the value then.
   */
  async setStream(
    key: string | Uint8Array,
    source: ByteSource,
    options: SetOptions & { size?: number } = {},
  ): Promise<{ version: string; size: number }> {
    const begun = this.#writes.begin(key, options)
    const staged = await this.streams.stage(begun.mutation.hash, source, options.size)
    const size = staged instanceof Uint8Array ? staged.length : staged.size
    return { ...(await this.#writes.setStaged(begun, staged)), size }
  }

  /**
   * The value, or the bytes of it from `start` to before `end`, as a stream; undefined when there is none.
   * Read it, or cancel it: it ends when nobody reads on for a minute, and when the store closes.
   */
  async getStream(key: string | Uint8Array, range: StreamRange = {}): Promise<ValueStream | undefined> {
    const bytes = bytesOf('key', key)
    const own = cloneBytes(bytes, 0, bytes.length)
    return this.streams.get((pick) => this.#reads.describe(own, pick), range)
  }

  /**
   * Gives the value another expiry; with neither `ttlMs` nor `expiresAtMs` it never ends. False: there is no
   * such key.
   */
  touch(key: string | Uint8Array, options: TouchOptions = {}): Promise<boolean> {
    return this.#writes.touch(key, options)
  }

  /**
   * Adds to the decimal number of a key, made from zero where there is none; resolves with the sum. Throws
   * STORAGE_NOT_A_NUMBER for another value, or past 64 bits.
   */
  increment(
    key: string | Uint8Array,
    by: number | bigint = 1,
    options: IncrementOptions = {},
  ): Promise<bigint> {
    return this.#writes.increment(key, by, options)
  }

  /**
   * Sets and deletes, all of them or none, also through a crash; of several on one key the last one stays.
   * They go into one block of the log: at most a quarter of a segment, and of the log's window, beside values
   * with files of their own. Throws STORAGE_BATCH, or what a `set` would.
   */
  async batch(
    operations: readonly BatchOperation[],
    options: WriteOptions = {},
  ): Promise<{ versions: string[] }> {
    return this.#writes.batch(operations, options)
  }

  /**
   * Resolves when the index is loaded. A store answers before that; its counts are complete, and merges
   * begin, from then on.
   */
  loaded(): Promise<void> {
    return this.#maintenance.loaded()
  }

  /**
   * The live entries of a range of keys, in the order of their bytes, as of this moment. Loop over it, or
   * `close()` it: it holds files of the store, for ten minutes at most. Throws STORAGE_SCAN,
   * STORAGE_SCANS_MAX, STORAGE_CLOSED.
   */
  scan(options?: ScanOptions): Scan {
    return this.#scans.open(options)
  }

  /** Merges every sealed segment with dead bytes in it, and small ones into one. */
  merge(): Promise<MergeReport> {
    return this.#maintenance.merge()
  }

  /** Resolves when all that was written before is durable. */
  async sync(): Promise<void> {
    if (this.engine.closed) throw closedError()
    await this.engine.large.settled()
    try {
      await this.engine.log.sync()
    } catch (error) {
      throw this.engine.error ?? fromLog(error)
    }
  }

  /**
   * Makes `directory` (missing or empty) a data folder of its own, with all that was written before: sealed
   * files under second names, copied where it lies on another device, or with `copy`. Open it, or copy it to
   * where it is to be opened. Throws STORAGE_FOLDER, STORAGE_DISK_FULL, STORAGE_IO; what is left then is no
   * data folder.
   */
  async snapshot(directory: string, options: SnapshotOptions = {}): Promise<SnapshotReport> {
    mustBePath('directory', directory)
    checkProgress(options)
    return this.#maintenance.snapshot(directory, options)
  }

  /**
   * Reads all that is on disk and names each bad place. Nothing is changed; the store goes on meanwhile.
   */
  async verify(options: VerifyOptions = {}): Promise<VerifyReport> {
    checkProgress(options)
    return this.#maintenance.verify(options)
  }

  stats(): StoreStats {
    return collectStats(this.engine, this.#maintenance)
  }

  /** A fact about this node. Durable on return; for rare facts: it waits for the disk. */
  putMeta(name: string, value: Uint8Array): void {
    this.#metadata.put(name, value)
  }

  getMeta(name: string): Uint8Array | undefined {
    return this.#metadata.get(name)
  }

  /** Waits for what is in flight, makes all durable, lets the folder go. Idempotent. */
  close(): Promise<void> {
    this.#closing ??= this.#close()
    return this.#closing
  }

  [Symbol.asyncDispose](): Promise<void> {
    return this.close()
  }

  async #close(): Promise<void> {
    const { engine } = this
    engine.isClosing = true
    this.#scans.close(closedError())
    await this.#maintenance.close()
    this.streams.close()
    await this.#idle()
    try {
      if (engine.log.error === null) this.clock.seal()
      engine.closed = true
      await engine.log.close()
    } catch (error) {
      throw engine.error ?? fromLog(error)
    } finally {
      engine.progress()
      engine.closed = true
      await engine.keys.close(engine.log.error === null)
      this.#lock?.release()
    }
  }

  #idle(): Promise<void> {
    const { engine } = this
    if (engine.inFlight === 0) return Promise.resolve()
    return new Promise((resolve) => {
      const before = engine.onIdle
      engine.onIdle = () => {
        engine.onIdle = null
        before?.()
        resolve()
      }
    })
  }
}

function checkProgress(options: SnapshotOptions | VerifyOptions): void {
  mustBeObject('options', options)
  mustBeFunctionIfAny('onProgress', options.onProgress)
}
