/**
 * The store: opens a data folder, closes it, and is the door for people (`get`, `set`, `delete`, …) above the
 * engine's hot door, which it forwards. Tokens below zero are its own.
 */

import { HybridLogicalClock, successor, Version } from '@minivault/clock'
import { cloneBytes, hashKey, KeyHash } from '@minivault/codec'
import { type Durability, nodeScheduler } from '@minivault/wal'
import { Engine } from './engine.ts'
import type { FolderLock } from './folder-lock.ts'
import type { Found } from './found.ts'
import { APPLY, closedError, NO_TOKEN, type StoreListener } from './hot-door.ts'
import { type MergeReport, Merger } from './merger.ts'
import { Mutation, SPACE, type ValueType } from './mutation.ts'
import { nodeNow } from './node-ports.ts'
import { type OpenedFolder, openFolder } from './opened-folder.ts'
import { fromLog, type StorageError } from './storage-error.ts'
import { type DurabilityName, LEVEL_OF_NAME, type StoreOptions } from './store-options.ts'
import { collectStats, type StoreStats } from './store-stats.ts'

export interface SetOptions {
  durability?: DurabilityName
  type?: ValueType
  /** Wall milliseconds since 1970. */
  expiresAtMs?: number
}

export interface Entry {
  value: Uint8Array
  version: string
  type: ValueType
}

type Waiter = (found: Found | null, error: StorageError | null) => void

const encoder = new TextEncoder()

export class Store {
  readonly engine: Engine
  readonly nodeId: string
  readonly writerId: number
  readonly clock: HybridLogicalClock
  readonly #lock: FolderLock | null
  readonly #durability: Durability
  readonly #hash: typeof hashKey
  readonly #merger: Merger
  readonly #waiters = new Map<number, Waiter>()
  readonly #mutation = new Mutation()
  readonly #keyHash = new KeyHash()
  readonly #version = new Version()
  #nextToken = -1
  #closing: Promise<void> | null = null

  /**
   * Opens the folder, or makes it. Throws STORAGE_FOLDER, STORAGE_LOCKED, STORAGE_FORMAT, STORAGE_CORRUPT,
   * STORAGE_OPTION, STORAGE_DISK_FULL, STORAGE_IO.
   */
  static async open(options: StoreOptions): Promise<Store> {
    let store: Store | null = null
    const opened = await openFolder(options, () => store?.engine.progress())
    try {
      store = new Store(options, opened)
      return store
    } catch (error) {
      throw await opened.abandon(error)
    }
  }

  private constructor(options: StoreOptions, opened: OpenedFolder) {
    const now = options.now ?? nodeNow
    this.#lock = opened.lock
    this.nodeId = opened.nodeId
    this.#hash = options.hash ?? hashKey
    this.#durability = LEVEL_OF_NAME[options.durability ?? 'fsync']
    this.engine = new Engine({
      ...opened,
      compression: options.compression ?? 'zstd',
      hash: this.#hash,
      now,
      listener: this.#listenerAround(options.listener),
    })
    this.writerId = opened.writerId
    const writer = new Uint8Array(4)
    new DataView(writer.buffer).setUint32(0, this.writerId, true)
    this.putMeta('writer', writer)
    const bound = this.getMeta('clock-bound')
    this.clock = new HybridLogicalClock({
      writerId: this.writerId,
      now,
      ...(options.maxOffsetMs === undefined ? {} : { maxOffsetMs: options.maxOffsetMs }),
      boundMs: bound === undefined ? 0 : new DataView(bound.buffer, bound.byteOffset, 8).getFloat64(0, true),
      persistBound: (boundMs) => {
        const value = new Uint8Array(8)
        new DataView(value.buffer).setFloat64(0, boundMs, true)
        this.putMeta('clock-bound', value)
      },
    })
    this.clock.observe(this.engine.highestBallot)
    this.#merger = new Merger(
      this.engine,
      options.scheduler ?? nodeScheduler,
      options.segmentBytes,
      options.logger,
    )
    if (options.autoMerge !== false) this.#merger.watch()
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
  get found(): Found {
    return this.engine.found
  }
  get previous(): Found {
    return this.engine.previous
  }
  /** Bytes of large values whose files are being read. */
  get readingBytes(): number {
    return this.engine.readingBytes
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
    return this.#ask(key, (found) => (found.exists ? found.copyValue() : undefined))
  }

  async getEntry(key: string | Uint8Array): Promise<Entry | undefined> {
    return this.#ask(key, (found) =>
      found.exists
        ? { value: found.copyValue(), version: found.version.toString(), type: found.valueType }
        : undefined,
    )
  }

  async has(key: string | Uint8Array): Promise<boolean> {
    return this.#ask(key, (found) => found.exists)
  }

  /**
   * The value itself, where it lies: valid until the next call into the store. Reads the disk at once where
   * it must.
   */
  view(key: string | Uint8Array): Uint8Array | undefined {
    const found = this.#readSync(SPACE.user, key)
    return found.exists ? found.value.subarray(found.valueStart, found.valueEnd) : undefined
  }

  getSync(key: string | Uint8Array): Uint8Array | undefined {
    const found = this.#readSync(SPACE.user, key)
    return found.exists ? found.copyValue() : undefined
  }

  /**
   * Copies as much of the value as fits into `target`; returns the value's whole length, -1 when there is
   * none.
   */
  getInto(key: string | Uint8Array, target: Uint8Array): number {
    const { exists, value, valueStart, valueEnd } = this.#readSync(SPACE.user, key)
    if (!exists) return -1
    target.set(value.subarray(valueStart, Math.min(valueEnd, valueStart + target.length)))
    return valueEnd - valueStart
  }

  /** Resolves when the write has reached its durability level. */
  async set(
    key: string | Uint8Array,
    value: string | Uint8Array,
    options: SetOptions = {},
  ): Promise<{ version: string }> {
    const bytes = typeof value === 'string' ? encoder.encode(value) : value
    const version = await this.#write(key, bytes, false, options)
    return { version }
  }

  /** False, and nothing written: there was no value. */
  async delete(key: string | Uint8Array, options: { durability?: DurabilityName } = {}): Promise<boolean> {
    const own = typeof key === 'string' ? key : cloneBytes(key, 0, key.length)
    const exists = await this.has(own)
    if (exists) await this.#write(own, new Uint8Array(0), true, options)
    return exists
  }

  /** Merges every sealed segment with dead bytes in it, and small ones into one. */
  merge(): Promise<MergeReport> {
    if (this.engine.closed || this.#closing) return Promise.reject(closedError())
    return this.#merger.merge()
  }

  /** Resolves when all that was written before is durable. */
  async sync(): Promise<void> {
    if (this.engine.closed) throw closedError()
    await this.#idle()
    try {
      await this.engine.log.sync()
    } catch (error) {
      throw this.engine.error ?? fromLog(error)
    }
  }

  stats(): StoreStats {
    return collectStats(this.engine, this.#merger)
  }

  /** Durable on return. For rare facts: it waits for the disk. */
  putMeta(name: string, value: Uint8Array): void {
    const mutation = new Mutation()
    mutation.space = SPACE.meta
    mutation.key = encoder.encode(name)
    mutation.keyEnd = mutation.key.length
    this.#hash(mutation.key, 0, mutation.keyEnd, mutation.hash)
    const before = this.engine.readSync(SPACE.meta, mutation.key, 0, mutation.keyEnd, mutation.hash)
    successor(before.ballot, 0, mutation.ballot)
    mutation.value = value
    mutation.valueEnd = value.length
    this.engine.apply(mutation, NO_TOKEN)
    try {
      this.engine.log.syncNow()
    } catch (error) {
      throw this.engine.error ?? fromLog(error)
    }
  }

  getMeta(name: string): Uint8Array | undefined {
    const found = this.#readSync(SPACE.meta, name)
    return found.exists ? found.copyValue() : undefined
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
    await this.#merger.stop()
    await this.#idle()
    try {
      if (engine.log.error === null) this.clock.seal()
      engine.closed = true
      await engine.log.close()
      engine.progress()
    } catch (error) {
      engine.progress()
      throw engine.error ?? fromLog(error)
    } finally {
      engine.closed = true
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

  async #write(
    key: string | Uint8Array,
    value: Uint8Array,
    tombstone: boolean,
    options: SetOptions,
  ): Promise<string> {
    const { engine } = this
    if (engine.closed) throw closedError()
    const mutation = this.#mutation
    this.#takeKey(key)
    mutation.tombstone = tombstone
    // Before the clock: persisting its bound is a write, too.
    if (engine.isOwn(mutation.key)) mutation.key = cloneBytes(mutation.key, 0, mutation.keyEnd)
    mutation.value = engine.isOwn(value) ? cloneBytes(value, 0, value.length) : value
    mutation.valueStart = 0
    mutation.valueEnd = value.length
    mutation.valueType = options.type ?? 0
    mutation.expiresAtMs = options.expiresAtMs ?? 0
    mutation.durability =
      options.durability === undefined ? this.#durability : LEVEL_OF_NAME[options.durability]
    const ballot = this.clock.next(this.#version)
    mutation.ballot.copy(ballot)
    const token = this.#token()
    if (engine.apply(mutation, token) === APPLY.stale) {
      // A ballot from a clock ahead of ours: this key goes on right above it.
      successor(engine.previous.ballot, this.writerId, mutation.ballot)
      engine.apply(mutation, token)
    }
    const version = mutation.ballot.toString()
    if (!engine.waiting) return version
    return new Promise((resolve, reject) => {
      this.#waiters.set(token, (_, error) => (error ? reject(error) : resolve(version)))
    })
  }

  #ask<T>(key: string | Uint8Array, pick: (found: Found) => T): Promise<T> | T {
    const mutation = this.#mutation
    this.#takeKey(key)
    const token = this.#token()
    if (this.engine.read(mutation.key, mutation.keyStart, mutation.keyEnd, mutation.hash, token)) {
      return pick(this.engine.found)
    }
    return new Promise((resolve, reject) => {
      this.#waiters.set(token, (found, error) => (found === null ? reject(error) : resolve(pick(found))))
    })
  }

  #readSync(space: number, key: string | Uint8Array): Found {
    const bytes = typeof key === 'string' ? encoder.encode(key) : key
    const hash = this.#hash(bytes, 0, bytes.length, this.#keyHash)
    return this.engine.readSync(space, bytes, 0, bytes.length, hash)
  }

  #takeKey(key: string | Uint8Array): void {
    const mutation = this.#mutation
    mutation.key = typeof key === 'string' ? encoder.encode(key) : key
    mutation.keyStart = 0
    mutation.keyEnd = mutation.key.length
    this.#hash(mutation.key, 0, mutation.keyEnd, mutation.hash)
  }

  #token(): number {
    const token = this.#nextToken
    this.#nextToken = token <= NO_TOKEN + 1 ? -1 : token - 1
    return token
  }

  #listenerAround(listener: StoreListener | undefined): StoreListener {
    const settle = (token: number, found: Found | null, error: StorageError | null) => {
      const waiter = this.#waiters.get(token)
      this.#waiters.delete(token)
      waiter?.(found, error)
    }
    return {
      onApplied: (token, error) => {
        if (token < 0) settle(token, null, error)
        else listener?.onApplied(token, error)
      },
      onRead: (token, found, error) => {
        if (token < 0) settle(token, found, error)
        else listener?.onRead(token, found, error)
      },
    }
  }
}
