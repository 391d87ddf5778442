/**
 * Values in pieces: what is open in either direction, so that nothing stays open for ever. A stream that
 * nobody reads ends after STREAM_IDLE_MS_MAX, since it keeps a file from being removed; closing the store
 * ends all, and stops what is being taken in from a source that may never end.
 */

import type { KeyHash } from '@minivault/codec'
import type { Scheduler } from '@minivault/wal'
import type { BlobValue } from './blob/blob-name.ts'
import { isMissing } from './blob/blob-reader.ts'
import type { StagedValue } from './blob/large-values.ts'
import { PieceBuffers } from './blob/piece-buffers.ts'
import { type ByteSource, Staging } from './blob/staging.ts'
import { type IntakeListener, ValueIntake } from './blob/value-intake.ts'
import type { Engine } from './engine.ts'
import { Found } from './found.ts'
import { closedError, valueTooLarge } from './hot-door.ts'
import { INTAKE_BUFFERS_KEPT, INTAKE_BUFFERS_MAX, STREAM_IDLE_MS_MAX, VALUE_BYTES_MAX } from './limits.ts'
import { fromLog, StorageError } from './storage-error.ts'
import { checkRange, type StreamRange, ValueStream } from './value-stream.ts'

export class StreamDoor {
  readonly #engine: Engine
  readonly #scheduler: Scheduler
  readonly #streams = new Set<ValueStream>()
  readonly #stagings = new Set<Staging>()
  readonly #intakes = new Set<ValueIntake>()
  readonly #buffers: PieceBuffers
  #timer: unknown = null
  #isClosed = false

  constructor(engine: Engine, scheduler: Scheduler) {
    this.#engine = engine
    this.#scheduler = scheduler
    this.#buffers = new PieceBuffers(engine.blobs.pieceBytes, INTAKE_BUFFERS_MAX, INTAKE_BUFFERS_KEPT)
  }

  /**
   * `describe` asks `Engine.describe` for the key and hands what it found to `pick`, in the turn in which it
   * was found. Undefined: there is no value. Throws STORAGE_OPTION, STORAGE_CLOSED, STORAGE_CORRUPT.
   */
  async get(
    describe: <T>(pick: (found: Found) => T) => Promise<T> | T,
    range: StreamRange = {},
  ): Promise<ValueStream | undefined> {
    checkRange(range)
    let ballotBefore = ''
    for (;;) {
      let ballot = ''
      let failure: unknown
      const stream = await describe((found) => {
        if (!found.exists) return undefined
        ballot = found.ballot.toString()
        try {
          return this.open(found, range)
        } catch (error) {
          failure = error
          return undefined
        }
      })
      if (failure === undefined) return stream
      // A record that came slowly from the disk was overtaken, and its file is gone: look again.
      const isOvertaken = isMissing((failure as Error).cause) && ballot !== ballotBefore
      if (!isOvertaken) throw fromLog(failure)
      ballotBefore = ballot
    }
  }

  /**
   * `found` was described in this turn of the event loop. Throws STORAGE_CLOSED, and STORAGE_CORRUPT where
   * the file is not there.
   */
  open(found: Found, range: StreamRange): ValueStream {
    if (this.#isClosed) throw closedError()
    const stream = new ValueStream(this.#engine, found, range, (ended) => this.#streams.delete(ended))
    if (found.blob !== null) {
      this.#streams.add(stream)
      this.#timer ??= this.#scheduler.after(STREAM_IDLE_MS_MAX, () => this.#sweep())
    }
    return stream
  }

  /**
   * The value in a file that is named by nobody, or by a record that may be overtaken. Throws STORAGE_CLOSED,
   * and STORAGE_CORRUPT where the file is not there.
   */
  openBlob(blob: BlobValue, range: StreamRange = {}): ValueStream {
    const found = new Found()
    found.exists = true
    found.blob = blob
    return this.open(found, range)
  }

  /** Ends what was not read since the sweep before. */
  #sweep(): void {
    this.#timer = null
    for (const stream of this.#streams) {
      if (stream.takeTouched()) continue
      const seconds = STREAM_IDLE_MS_MAX / 1000
      stream.fail(new StorageError('STORAGE_STREAM_EXPIRED', `nobody read on for ${seconds} seconds`))
    }
    if (this.#streams.size > 0) {
      this.#timer = this.#scheduler.after(STREAM_IDLE_MS_MAX, () => this.#sweep())
    }
  }

  /**
   * Takes all of the source in, bounded in memory: the value is short, or in a durable file. The caller
   * applies it by `engine.large.applyStaged`, or discards it. Rejects with the source's own error, with
   * STORAGE_OPTION (no bytes, or not `size` of them), STORAGE_VALUE_TOO_LARGE, STORAGE_CLOSED,
   * STORAGE_DISK_FULL, STORAGE_IO; nothing is left behind then.
   */
  async stage(hash: KeyHash, source: ByteSource, size?: number): Promise<StagedValue> {
    if (this.#isClosed) throw closedError()
    const engine = this.#engine
    const staging = new Staging(engine, hash, source, size)
    this.#stagings.add(staging)
    try {
      return await staging.run()
    } finally {
      this.#stagings.delete(staging)
      // See `close`.
      if (this.#isClosed) engine.ended()
    }
  }

  /** For a value that was taken in and is not to be applied: its file goes. */
  discard(staged: StagedValue): void {
    this.#engine.large.discard(staged)
  }

  /** Values that are being pushed in. */
  get intakeCount(): number {
    return this.#intakes.size
  }

  /**
   * Takes in a value of more than BLOB_ABOVE_BYTES as it comes, pushed by its source. Throws STORAGE_CLOSED
   * and STORAGE_VALUE_TOO_LARGE.
   */
  takeIn(hash: KeyHash, size: number, listener: IntakeListener): ValueIntake {
    const engine = this.#engine
    if (this.#isClosed) throw closedError()
    if (engine.error !== null) throw engine.error
    if (size > VALUE_BYTES_MAX) throw valueTooLarge(size)
    const intake = new ValueIntake(engine, hash, size, this.#buffers, listener, (ended) =>
      this.#intakes.delete(ended),
    )
    this.#intakes.add(intake)
    return intake
  }

  /**
   * Ends all streams. What is being read, written or removed right now is in flight; a value that comes in
   * was not so far: a source may take for ever, and `sync` waits for what is in flight.
   */
  close(): void {
    this.#isClosed = true
    for (const staging of this.#stagings) {
      this.#engine.began()
      staging.stop(closedError())
    }
    for (const intake of this.#intakes) intake.stop(closedError())
    for (const stream of this.#streams) stream.fail(closedError())
    if (this.#timer !== null) this.#scheduler.cancel(this.#timer)
    this.#timer = null
  }
}
