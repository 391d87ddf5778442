/** Where a fetched value goes: into a file of ours, as it comes; its source waits when that is slower. */
import { cloneBytes, type KeyHash } from '@minivault/codec'
import type { BlobValue, IntakeListener, StorageError, StreamDoor, ValueIntake } from '@minivault/storage'

export class ValueSink implements IntakeListener {
  /** All of it, in a durable file. */
  readonly result: Promise<BlobValue>
  /** There is room again. */
  onRoom: (() => void) | null = null
  /** Bytes that came. */
  received = 0
  readonly #intake: ValueIntake
  /** What came when there was no room. */
  #left: Uint8Array | null = null
  #resolve!: (value: BlobValue) => void
  #reject!: (error: Error) => void

  /** Throws StorageError. */
  constructor(streams: StreamDoor, hash: KeyHash, bytes: number) {
    this.result = new Promise((resolve, reject) => {
      this.#resolve = resolve
      this.#reject = reject
    })
    this.#intake = streams.takeIn(hash, bytes, this)
  }

  /** Nothing more should come before `onRoom`. */
  get isFull(): boolean {
    return this.#left !== null || this.#intake.isFull
  }

  /** Bytes that have yet to come. */
  get missing(): number {
    return this.#intake.size - this.received
  }

  write(bytes: Uint8Array, start: number, end: number): void {
    this.received += end - start
    this.#put(bytes, start, end)
  }

  #put(bytes: Uint8Array, start: number, end: number): void {
    if (this.#left !== null) {
      this.#left = Buffer.concat([this.#left, bytes.subarray(start, end)])
      return
    }
    const at = start + this.#intake.write(bytes, start, end)
    if (at < end) this.#left = cloneBytes(bytes, at, end)
  }

  fail(error: Error): void {
    this.#intake.abort()
    this.#reject(error)
  }

  room(): void {
    const left = this.#left
    this.#left = null
    if (left !== null) this.#put(left, 0, left.length)
    if (!this.isFull) this.onRoom?.()
  }

  staged(value: BlobValue): void {
    this.#resolve(value)
  }

  failed(error: StorageError): void {
    this.#reject(error)
  }
}
