/**
 * The engine's way with values that get a file of their own: staged first, applied when the file is durable.
 *
 * Until then the key shows what it had. At every level the file is synced before its record is appended: the
 * record may become durable by somebody else's fsync, and must not then hide an older value behind bytes that
 * never arrived. If a higher ballot came while the file was written, `apply` completes all the same without a
 * record: the write took its place right before that one, where nobody could have read it.
 */

import { compareVersions } from '@minivault/clock'
import { type hashKey, KeyHash } from '@minivault/codec'
import type { Engine } from '../engine.ts'
import { APPLY, type ApplyOutcome, type EngineParts, type StoreListener } from '../hot-door.ts'
import type { Mutation } from '../mutation.ts'
import { copyMutation } from '../mutation-value.ts'
import { blobOf } from '../record-reader.ts'
import { fromLog } from '../storage-error.ts'
import type { StreamDoor } from '../stream-door.ts'
import type { ValueStream } from '../value-stream.ts'
import type { BlobValue } from './blob-name.ts'
import { isMissing } from './blob-reader.ts'

/** A whole value on its way in: short enough for the log, or in a durable file that nothing names yet. */
export type StagedValue = Uint8Array | BlobValue

export class LargeValues {
  readonly #engine: Engine
  readonly #hash: typeof hashKey
  readonly #listener: StoreListener
  readonly #writing = new Set<Promise<void>>()
  #opened: ValueStream | null = null
  /** Where streams are opened. */
  streams!: StreamDoor

  constructor(engine: Engine, { hash, listener }: EngineParts) {
    this.#engine = engine
    this.#hash = hash
    this.#listener = listener
  }

  /** The value's bytes are ours; the mutation's own are not read. `onApplied(token)` will follow. */
  apply(mutation: Mutation, value: Uint8Array, token: number): ApplyOutcome {
    const engine = this.#engine
    const own = copyMutation(mutation)
    this.#hash(own.key, own.keyStart, own.keyEnd, own.hash)
    engine.began()
    engine.waiting = true
    const write = this.#write(own, value, token)
      .then(
        (isWaiting) => {
          if (!isWaiting) engine.applied(token, null)
        },
        (error) => engine.applied(token, engine.error ?? fromLog(error)),
      )
      .finally(() => {
        this.#writing.delete(write)
        engine.ended()
      })
    this.#writing.add(write)
    return APPLY.applied
  }

  /** Resolves when every value that was applied before has its record, or has failed. */
  async settled(): Promise<void> {
    await Promise.all(this.#writing)
  }

  /** Whether `onApplied` will follow by itself. */
  async #write(mutation: Mutation, value: Uint8Array, token: number): Promise<boolean> {
    const blob = await this.stage(mutation.hash, value)
    let outcome: ApplyOutcome | null = null
    try {
      outcome = this.#engine.applyBlob(mutation, blob, token)
    } finally {
      if (outcome !== APPLY.applied) this.discard(blob)
    }
    return this.#engine.waiting
  }

  /**
   * A durable file with this value, which stays as it is until then. For a write that looks and decides when
   * the file is there (a condition); the caller applies or discards it.
   */
  async stage(hash: KeyHash, value: Uint8Array): Promise<BlobValue> {
    const writer = this.#engine.blobs.create(hash)
    try {
      await writer.append(value)
      return await writer.finish()
    } catch (error) {
      await writer.abort()
      throw error
    }
  }

  /**
   * `Engine.apply` with a value that was staged. Unless the outcome is `applied`, and after an error, a
   * staged file is still the caller's: to be applied again, with a higher ballot, or discarded.
   */
  applyStaged(mutation: Mutation, staged: StagedValue, token: number): ApplyOutcome {
    const engine = this.#engine
    if (staged instanceof Uint8Array) {
      mutation.value = staged
      mutation.valueStart = 0
      mutation.valueEnd = staged.length
      return engine.apply(mutation, token)
    }
    return engine.applyBlob(mutation, staged, token)
  }

  /** For a staged value that is not to be applied: its file goes. */
  discard(staged: StagedValue): void {
    if (!(staged instanceof Uint8Array)) this.#engine.blobs.remove(staged.name)
  }

  /**
   * Answers a read of this record (a copy that is ours), which `engine.found` describes: with a stream at
   * once, true; or with the whole value, false: `answered(token)` follows. The file of a record that was
   * overtaken may be gone by the time a slow read comes to it: then the key is read again.
   */
  answer(record: Uint8Array, token: number): boolean {
    if (this.#listener.wantsStream?.(token) !== true) {
      this.#read(record, token)
      return false
    }
    try {
      this.#opened = this.streams.open(this.#engine.found, {})
      return true
    } catch (error) {
      return this.#readNewer(record, token, error)
    }
  }

  /** Of the read that was answered just now; its taker reads or cancels it. */
  takeStream(): ValueStream | null {
    const opened = this.#opened
    this.#opened = null
    return opened
  }

  #read(record: Uint8Array, token: number): void {
    const engine = this.#engine
    const bytes = engine.reader.describe(engine.found, record, 0, record.length).rawBytes
    const blob = blobOf(engine.found)
    engine.began()
    engine.readingBytes += bytes
    engine.blobs
      .read(blob)
      .then(
        (value) => {
          const { found } = engine
          engine.reader.describe(found, record, 0, record.length)
          found.value = value
          found.valueEnd = value.length
          engine.answered(token, null)
        },
        (error) => this.#readAgain(record, token, error),
      )
      .finally(() => {
        engine.readingBytes -= bytes
        engine.ended()
      })
  }

  #readAgain(record: Uint8Array, token: number, error: unknown): void {
    const engine = this.#engine
    try {
      if (this.#readNewer(record, token, error)) engine.answered(token, null)
    } catch (failure) {
      engine.answered(token, fromLog(failure))
    }
  }

  /** As `Engine.read`, if this is why the file was missing. Else throws the error. */
  #readNewer(record: Uint8Array, token: number, error: unknown): boolean {
    const engine = this.#engine
    if (!isMissing((error as Error).cause)) throw fromLog(error)
    const { keyStart, keyEnd } = engine.reader.describe(engine.found, record, 0, record.length)
    const hash = this.#hash(record, keyStart, keyEnd, new KeyHash())
    const newest = engine.locate(record, keyStart, keyEnd, hash).ballot
    if (compareVersions(newest, engine.found.ballot) === 0) throw fromLog(error)
    return engine.read(record, keyStart, keyEnd, hash, token)
  }
}
