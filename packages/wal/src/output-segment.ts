/**
 * A segment that merge writes: under a temporary name until it is whole, then fsync, rename, fsync directory,
 * manifest. Until its `finish` has succeeded it does not exist for the log, and a crash leaves only a file
 * that the next open removes.
 *
 * Its errors are its own: they are thrown or handed over, and do not poison the log.
 */
import assert from 'node:assert'
import { join } from 'node:path'
import { sealEntries } from './entry-checksums.ts'
import { type FileSystem, writeAll } from './file-system.ts'
import { OUTPUT_BLOCK_BYTES, OUTPUT_SYNC_BYTES } from './limits.ts'
import {
  BLOCK_HEADER_BYTES,
  ENTRY_HEADER_BYTES,
  entryBytes,
  outputName,
  SEGMENT_HEADER_BYTES,
  type SegmentHeader,
  writeBlockHeader,
  writeSegmentHeader,
} from './segment-format.ts'
import { Segment } from './segment-table.ts'
import { closedError, fromSystem, WalError } from './wal-error.ts'

export interface OutputOwner {
  fileSystem: FileSystem
  directory: string
  payloadBytesMax: number
  segmentBytesMax: number
  /** Takes the finished segment into the log; `done` when a durable manifest lists it. */
  adopt(segment: Segment, done: (error: WalError | null) => void): void
  forget(output: OutputSegment): void
}

export class OutputSegment {
  readonly id: number
  readonly #owner: OutputOwner
  readonly #segment: Segment
  #path: string
  #bytes = new Uint8Array(OUTPUT_BLOCK_BYTES)
  #view = new DataView(this.#bytes.buffer)
  #descriptor = -1
  #blockStart = SEGMENT_HEADER_BYTES
  #used = SEGMENT_HEADER_BYTES
  #count = 0
  #offset = 0
  #ended = false
  /** A sync is under way: its descriptor must not be closed, the number might be another file's by then. */
  #syncing = false
  #aborted = false
  /** Up to here it was synced while it was written, or is being synced. */
  #syncedOffset = 0
  #pieceError: Error | null = null
  /** What waits for the sync under way. */
  #onSynced: (() => void) | null = null

  constructor(owner: OutputOwner, header: SegmentHeader) {
    this.#owner = owner
    this.id = header.number
    this.#segment = new Segment(header.number, header.id, header.kind, owner.directory)
    this.#path = join(owner.directory, outputName(header.number))
    writeSegmentHeader(this.#view, this.#bytes, 0, header)
    this.#used += BLOCK_HEADER_BYTES
    this.#try('creating', () => {
      this.#descriptor = owner.fileSystem.open(this.#path, 'create')
    })
  }

  /** Bytes of the file so far. */
  get bytes(): number {
    return this.#offset + this.#used
  }

  /** Whether the device does not keep up: who writes on at once makes the next sync a long one. */
  get isBehind(): boolean {
    return this.#syncing && this.#offset - this.#syncedOffset >= OUTPUT_SYNC_BYTES
  }

  /** Whether a payload of this length still fits. */
  hasRoomFor(payloadBytes: number): boolean {
    return this.bytes + entryBytes(payloadBytes) + BLOCK_HEADER_BYTES <= this.#owner.segmentBytesMax
  }

  /** Appends bytes[start, end) as one entry; returns the offset of its payload. */
  append(bytes: Uint8Array, start: number, end: number): number {
    assert(!this.#ended, 'the output has ended')
    const payloadBytes = end - start
    if (payloadBytes < 1 || payloadBytes > this.#owner.payloadBytesMax || !this.hasRoomFor(payloadBytes)) {
      throw new WalError('WAL_TOO_LARGE', `a payload of ${payloadBytes} bytes does not fit`, {
        path: this.#path,
      })
    }
    const whole = entryBytes(payloadBytes)
    if (this.#used + whole > this.#bytes.length && this.#count > 0) this.#writeBlock()
    if (this.#used + whole > this.#bytes.length) this.#grow(this.#used + whole)
    const at = this.#used
    this.#bytes.fill(0, at + ENTRY_HEADER_BYTES + payloadBytes, at + whole)
    this.#view.setInt32(at + 4, payloadBytes, true)
    this.#bytes.set(bytes.subarray(start, end), at + ENTRY_HEADER_BYTES)
    this.#used += whole
    this.#count++
    return this.#offset + at + ENTRY_HEADER_BYTES
  }

  /** Makes it part of the log; `done` is called later, never from inside. */
  finish(done: (error: WalError | null) => void): void {
    assert(!this.#ended, 'the output has ended')
    if (this.#count > 0) this.#writeBlock()
    if (this.#offset === 0) this.#writeHeaderOnly()
    this.#ended = true
    if (this.#syncing) this.#onSynced = () => this.#finish(done)
    else this.#finish(done)
  }

  #finish(done: (error: WalError | null) => void): void {
    const { fileSystem, directory } = this.#owner
    if (this.#pieceError || this.#aborted) return this.#fail(this.#pieceError, done)
    this.#syncing = true
    fileSystem.sync(this.#descriptor, (failed) => {
      this.#syncing = false
      if (failed || this.#aborted) return this.#fail(failed, done)
      try {
        fileSystem.rename(this.#path, this.#segment.path)
      } catch (error) {
        return this.#fail(error, done)
      }
      this.#path = this.#segment.path
      this.#syncing = true
      fileSystem.syncDirectory(directory, (unsynced) => {
        this.#syncing = false
        if (unsynced || this.#aborted) return this.#fail(unsynced, done)
        this.#segment.bytes = this.#offset
        this.#segment.descriptor = this.#descriptor
        this.#segment.named = true
        this.#descriptor = -1
        this.#owner.adopt(this.#segment, done)
        this.#owner.forget(this)
      })
    })
  }

  /** Gives it up and removes its file; without effect once the log has taken it in. */
  abort(): void {
    this.#ended = true
    this.#aborted = true
    if (!this.#syncing) this.#release()
  }

  #release(): void {
    const { fileSystem } = this.#owner
    const descriptor = this.#descriptor
    this.#descriptor = -1
    this.#owner.forget(this)
    if (descriptor < 0) return
    for (const step of [() => fileSystem.close(descriptor), () => fileSystem.remove(this.#path)]) {
      try {
        step()
      } catch {
        // The next open removes what is left.
      }
    }
  }

  #writeHeaderOnly(): void {
    this.#try('writing', () =>
      writeAll(this.#owner.fileSystem, this.#descriptor, this.#bytes, 0, SEGMENT_HEADER_BYTES, 0),
    )
    this.#offset = SEGMENT_HEADER_BYTES
  }

  #writeBlock(): void {
    const start = this.#blockStart
    const id = this.#segment.id
    const fileOffset = this.#offset + start
    sealEntries(
      this.#view,
      this.#bytes,
      start + BLOCK_HEADER_BYTES,
      this.#used,
      id,
      fileOffset + BLOCK_HEADER_BYTES,
    )
    writeBlockHeader(this.#view, this.#bytes, start, id, fileOffset, this.#used - start, this.#count, 0, 0, 0)
    this.#try('writing', () =>
      writeAll(this.#owner.fileSystem, this.#descriptor, this.#bytes, 0, this.#used, this.#offset),
    )
    this.#offset += this.#used
    if (this.#offset - this.#syncedOffset >= OUTPUT_SYNC_BYTES && !this.#syncing) this.#syncPiece()
    this.#blockStart = 0
    this.#used = BLOCK_HEADER_BYTES
    this.#count = 0
  }

  /**
   * What is written goes to the device bit by bit: one sync of all of it at the end would hold up, by as long
   * as that takes, those of the log, since a file system writes its journal for all files together.
   */
  #syncPiece(): void {
    this.#syncing = true
    this.#syncedOffset = this.#offset
    this.#owner.fileSystem.datasync(this.#descriptor, (error) => {
      this.#syncing = false
      this.#pieceError = error
      if (this.#onSynced) return this.#onSynced()
      if (this.#aborted) this.#release()
    })
  }

  #grow(need: number): void {
    const bytes = new Uint8Array(need)
    bytes.set(this.#bytes.subarray(0, this.#used))
    this.#bytes = bytes
    this.#view = new DataView(bytes.buffer)
  }

  /** `cause` null: it was given up meanwhile. */
  #fail(cause: unknown, done: (error: WalError | null) => void): void {
    this.#release()
    done(cause ? fromSystem(cause, 'finishing', this.#path) : closedError())
  }

  #try(doing: string, run: () => void): void {
    try {
      run()
    } catch (error) {
      this.abort()
      throw fromSystem(error, doing, this.#path)
    }
  }
}
