/**
 * A large value on its way in, pushed: whoever receives it (a socket) hands over what has arrived, and is
 * told when to wait. Pieces are filled in memory and written as files of large values are; after the last
 * byte the file is made durable and handed to the listener as a staged value, which nothing names yet.
 *
 *   write ─ copy → the piece that fills → full ones, waiting → writer → durable file → `staged`
 *
 * Memory: some pieces of this value, out of buffers that all intakes share. A file is made when the first
 * piece is written, not before.
 */

import { copyBytes, KeyHash } from '@minivault/codec'
import type { Engine } from '../engine.ts'
import { closedError } from '../hot-door.ts'
import { INTAKE_PIECES_MAX, INTAKE_ROOM_BYTES } from '../limits.ts'
import { fromLog, type StorageError } from '../storage-error.ts'
import type { BlobValue } from './blob-name.ts'
import type { BlobWriter } from './blob-writer.ts'
import type { PieceBuffers, PieceHolder } from './piece-buffers.ts'

/** Told once of `staged` or `failed`, and of neither after `abort`. Never from inside a call of its own. */
export interface IntakeListener {
  /** It is not full, or not any more. */
  room(): void
  /** All bytes lie in a durable file: to be applied, or discarded. */
  staged(value: BlobValue): void
  /** Its file is being removed. */
  failed(error: StorageError): void
}

interface Full {
  buffer: Uint8Array
  bytes: number
}

export class ValueIntake implements PieceHolder {
  readonly size: number
  /** Bytes that came so far. */
  taken = 0
  readonly #engine: Engine
  readonly #hash = new KeyHash()
  readonly #buffers: PieceBuffers
  readonly #listener: IntakeListener
  readonly #onEnd: (intake: ValueIntake) => void
  #filling: Uint8Array | null = null
  #fill = 0
  /** Where in its piece the buffer that fills begins: above zero after a spill. */
  #pieceStart = 0
  readonly #full: Full[] = []
  #held = 0
  #isWaiting = false
  #isWriting = false
  #isEnded = false
  #writer: BlobWriter | null = null

  /** Use `Store.takeIn`. */
  constructor(
    engine: Engine,
    hash: KeyHash,
    size: number,
    buffers: PieceBuffers,
    listener: IntakeListener,
    onEnd: (intake: ValueIntake) => void,
  ) {
    this.#engine = engine
    this.#hash.high = hash.high
    this.#hash.low = hash.low
    this.size = size
    this.#buffers = buffers
    this.#listener = listener
    this.#onEnd = onEnd
  }

  /** Better not bring more before `room` was called. */
  get isFull(): boolean {
    if (this.#isEnded || this.taken === this.size) return false
    return this.#isWaiting || (this.#held >= INTAKE_PIECES_MAX && this.#room < INTAKE_ROOM_BYTES)
  }

  get #room(): number {
    return this.#filling === null ? 0 : this.#buffers.pieceBytes - this.#pieceStart - this.#fill
  }

  /**
   * Copies from the span; returns how many bytes were taken. Fewer than there are: it is full, or that was
   * the value's last.
   */
  write(bytes: Uint8Array, start: number, end: number): number {
    if (this.#isEnded) return end - start
    const last = Math.min(end, start + this.size - this.taken)
    let at = start
    while (at < last && (this.#filling !== null || this.#begin())) {
      const count = Math.min(last - at, this.#room)
      copyBytes(bytes, at, at + count, this.#filling!, this.#fill)
      this.#fill += count
      at += count
      this.taken += count
      if (this.#room === 0 || this.taken === this.size) this.#push()
    }
    if (this.#filling !== null && this.#fill > 0) this.#buffers.idles(this)
    return at - start
  }

  /** Leaves nothing behind. Idempotent; without effect after the end. */
  abort(): void {
    if (this.#isEnded) return
    this.#end()
    if (!this.#isWriting) this.#remove()
  }

  /** See `abort`; `failed` follows. */
  stop(error: StorageError): void {
    if (this.#isEnded) return
    this.abort()
    queueMicrotask(() => this.#listener.failed(error))
  }

  // --- buffers

  #begin(): boolean {
    if (this.#isWaiting || this.#held >= INTAKE_PIECES_MAX) return false
    this.#isWaiting = true
    this.#filling = this.#buffers.take(this)
    if (this.#filling === null) return false
    this.#isWaiting = false
    this.#fill = 0
    this.#held += 1
    return true
  }

  mayTake(): void {
    this.#isWaiting = false
    if (!this.isFull) this.#listener.room()
  }

  spill(): void {
    this.#push()
  }

  #push(): void {
    this.#full.push({ buffer: this.#filling!, bytes: this.#fill })
    this.#pieceStart = (this.#pieceStart + this.#fill) % this.#buffers.pieceBytes
    this.#filling = null
    this.#fill = 0
    this.#buffers.returns(this)
    if (!this.#isWriting) this.#write()
  }

  // --- the file

  #write(): void {
    this.#isWriting = true
    this.#engine.began()
    this.#writeAll()
      .then(
        (value) => this.#written(value),
        (error) => this.#failed(error),
      )
      .finally(() => this.#engine.ended())
  }

  /** Writes what is full; null: there is more to come. */
  async #writeAll(): Promise<BlobValue | null> {
    for (let next = this.#full[0]; next !== undefined; next = this.#full[0]) {
      if (this.#isEnded) return null
      if (this.#engine.closed) throw closedError()
      this.#writer ??= this.#engine.blobs.create(this.#hash)
      await this.#writer.put(next.buffer.subarray(0, next.bytes))
      this.#full.shift()
      this.#held -= 1
      this.#buffers.give(next.buffer)
      if (!this.#isEnded && !this.isFull) this.#listener.room()
    }
    return this.taken === this.size && !this.#isEnded ? this.#writer!.finish() : null
  }

  #written(value: BlobValue | null): void {
    this.#isWriting = false
    if (this.#isEnded) return value === null ? this.#remove() : void this.#engine.blobs.remove(value.name)
    if (value === null) {
      // What became full since the last look.
      if (this.#full.length > 0) this.#write()
      return
    }
    this.#end()
    this.#listener.staged(value)
  }

  #failed(error: unknown): void {
    this.#isWriting = false
    const isNew = !this.#isEnded
    this.#end()
    this.#remove()
    if (isNew) this.#listener.failed(this.#engine.error ?? fromLog(error))
  }

  #end(): void {
    if (this.#isEnded) return
    this.#isEnded = true
    this.#isWaiting = false
    this.#buffers.leave(this, this.#filling)
    this.#filling = null
    this.#onEnd(this)
  }

  /** After the last write: its buffers are nobody's any more. */
  #remove(): void {
    for (const { buffer } of this.#full.splice(0)) this.#buffers.give(buffer)
    const writer = this.#writer
    this.#writer = null
    if (writer === null) return
    this.#engine.began()
    writer.abort().finally(() => this.#engine.ended())
  }
}
