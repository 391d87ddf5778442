/**
 * The live segments and their descriptors, and reading an entry back from its file. Sealed segments are
 * opened at their first read and stay open, up to a bound; a segment with a read in flight is never closed
 * under it.
 *
 * Invariant: what is handed out by a read has passed its entry's checksum.
 */
import { join } from 'node:path'
import { type FileSystem, readAll, readAllLater } from './file-system.ts'
import { DESCRIPTOR_COUNT_MAX } from './limits.ts'
import { ENTRY_HEADER_BYTES, entryChecksum, type SegmentKind, segmentName } from './segment-format.ts'
import { closedError, fromSystem, WalError } from './wal-error.ts'

const SCRATCH_BYTES = 1 << 20

export interface SegmentInfo {
  /** Its number. */
  id: number
  /** The random number that its checksums start from: tells it from any other file of this number. */
  seed: number
  bytes: number
  sealed: boolean
  path: string
}

/** Reads for an owner who cares for each copy. Both throw what `Log.readSync` throws. */
export interface EntryReader {
  /** Reads the entry of this payload, checked: ENTRY_HEADER_BYTES to target[at…], the payload behind them. */
  readEntrySync(segment: number, offset: number, length: number, target: Uint8Array, at: number): void
  /**
   * Reads the first `length` bytes of a payload as they are: no checksum can tell whether they are whole. For
   * an owner who knows by other means what must stand there.
   */
  readUnverifiedSync(segment: number, offset: number, length: number, target: Uint8Array, at: number): void
}

export class Segment {
  readonly number: number
  /** Random; seed of its checksums. */
  readonly id: number
  readonly kind: SegmentKind
  readonly path: string
  /** Written so far, header included. */
  bytes = 0
  /** Zeros were written ahead up to here. */
  filledTo = 0
  sealed = false
  /** Its name in the directory is durable. */
  named = false
  descriptor = -1
  /**
   * A second descriptor for `syncNow`: the kernel tells a lost write to each descriptor once, so none may eat
   * another's error.
   */
  barrier = -1
  reads = 0
  dropped = false
  /** Snapshots that still need the file; one that was dropped meanwhile goes after the last of them. */
  holds = 0
  isRemovable = false

  constructor(number: number, id: number, kind: SegmentKind, directory: string) {
    this.number = number
    this.id = id
    this.kind = kind
    this.path = join(directory, segmentName(number))
  }
}

export class SegmentTable implements EntryReader {
  readonly #fileSystem: FileSystem
  readonly #segments = new Map<number, Segment>()
  #open = 0
  #closed = false
  readonly #scratch = new Uint8Array(SCRATCH_BYTES)

  constructor(fileSystem: FileSystem) {
    this.#fileSystem = fileSystem
  }

  add(segment: Segment): void {
    this.#segments.set(segment.number, segment)
  }

  get(number: number): Segment | undefined {
    return this.#segments.get(number)
  }

  /** Ascending by number. */
  all(): Segment[] {
    return [...this.#segments.values()].sort((a, b) => a.number - b.number)
  }

  segments(): SegmentInfo[] {
    return this.all().map(({ number, id, bytes, sealed, path }) => {
      return { id: number, seed: id, bytes, sealed, path }
    })
  }

  /** Takes the segment out of the table; its descriptor goes when the last read has ended. */
  remove(segment: Segment): void {
    this.#segments.delete(segment.number)
    segment.dropped = true
    if (segment.reads === 0) this.release(segment)
  }

  /** Closes its descriptors. What close says is of no use: its bytes are synced by now, or lost already. */
  release(segment: Segment): void {
    for (const descriptor of [segment.barrier, segment.descriptor]) {
      try {
        if (descriptor >= 0) this.#fileSystem.close(descriptor)
      } catch {}
    }
    if (segment.descriptor >= 0 && segment.sealed) this.#open--
    segment.descriptor = -1
    segment.barrier = -1
  }

  closeAll(): void {
    this.#closed = true
    for (const segment of this.#segments.values()) {
      segment.dropped = true
      if (segment.reads === 0) this.release(segment)
    }
  }

  /** The descriptor that wrote it now serves reads only. */
  markSealed(segment: Segment): void {
    segment.sealed = true
    if (segment.barrier >= 0) this.#fileSystem.close(segment.barrier)
    segment.barrier = -1
    if (segment.descriptor < 0) return
    this.#open++
    if (this.#open > DESCRIPTOR_COUNT_MAX) this.#closeOne()
  }

  readSync(number: number, offset: number, length: number, target: Uint8Array, at: number): void {
    const whole = ENTRY_HEADER_BYTES + length
    const scratch = whole <= SCRATCH_BYTES ? this.#scratch : new Uint8Array(whole)
    this.readEntrySync(number, offset, length, scratch, 0)
    target.set(scratch.subarray(ENTRY_HEADER_BYTES, whole), at)
  }

  readEntrySync(number: number, offset: number, length: number, target: Uint8Array, at: number): void {
    const segment = this.#forReading(number, offset, length)
    const whole = ENTRY_HEADER_BYTES + length
    const count = this.#readFrom(segment, offset - ENTRY_HEADER_BYTES, whole, target, at)
    check(segment, offset, length, target, at, count)
  }

  readUnverifiedSync(number: number, offset: number, length: number, target: Uint8Array, at: number): void {
    const segment = this.#forReading(number, offset, length)
    const count = this.#readFrom(segment, offset, length, target, at)
    if (count !== length) throw corrupt(segment, offset, 'the file is too short')
  }

  #readFrom(segment: Segment, position: number, length: number, target: Uint8Array, at: number): number {
    try {
      return readAll(this.#fileSystem, segment.descriptor, target, length, position, at)
    } catch (error) {
      throw fromSystem(error, 'reading', segment.path)
    }
  }

  read(
    number: number,
    offset: number,
    length: number,
    target: Uint8Array,
    at: number,
    done: (error: WalError | null) => void,
  ): void {
    const segment = this.#forReading(number, offset, length)
    const whole = ENTRY_HEADER_BYTES + length
    const bytes = new Uint8Array(whole)
    const ended = (error: Error | null, count: number): void => {
      segment.reads--
      if (segment.dropped && segment.reads === 0) this.release(segment)
      if (error) return done(fromSystem(error, 'reading', segment.path))
      try {
        check(segment, offset, length, bytes, 0, count)
      } catch (wrong) {
        return done(wrong as WalError)
      }
      target.set(bytes.subarray(ENTRY_HEADER_BYTES), at)
      done(null)
    }
    segment.reads++
    readAllLater(this.#fileSystem, segment.descriptor, bytes, whole, offset - ENTRY_HEADER_BYTES, ended)
  }

  #forReading(number: number, offset: number, length: number): Segment {
    const segment = this.opened(number)
    if (offset < ENTRY_HEADER_BYTES || length < 1 || offset + length > segment.bytes) {
      throw corrupt(segment, offset, 'the position is outside of the file')
    }
    return segment
  }

  /** The segment, with a descriptor to read it by. Throws WAL_NO_SEGMENT, WAL_CLOSED, WAL_IO. */
  opened(number: number): Segment {
    if (this.#closed) throw closedError()
    const segment = this.#segments.get(number)
    if (!segment) throw new WalError('WAL_NO_SEGMENT', `segment ${number} is not part of the log`)
    if (segment.descriptor < 0) {
      if (this.#open >= DESCRIPTOR_COUNT_MAX) this.#closeOne()
      try {
        segment.descriptor = this.#fileSystem.open(segment.path, 'read')
      } catch (error) {
        throw fromSystem(error, 'opening', segment.path)
      }
      this.#open++
    }
    return segment
  }

  #closeOne(): void {
    for (const segment of this.#segments.values()) {
      if (segment.sealed && segment.descriptor >= 0 && segment.reads === 0) return this.release(segment)
    }
  }
}

function corrupt(segment: Segment, offset: number, what: string): WalError {
  return new WalError('WAL_CORRUPT', `${segment.path} at ${offset}: ${what}`, { path: segment.path, offset })
}

/** Throws WAL_CORRUPT unless the entry of this segment and place stands at bytes[at, at + `count`). */
function check(
  segment: Segment,
  offset: number,
  length: number,
  bytes: Uint8Array,
  at: number,
  count: number,
): void {
  const start = offset - ENTRY_HEADER_BYTES
  if (count !== ENTRY_HEADER_BYTES + length) throw corrupt(segment, start, 'the file is too short')
  if (int32At(bytes, at + 4) !== length) throw corrupt(segment, start, 'the entry has another length')
  if (int32At(bytes, at) !== entryChecksum(bytes, at, length, segment.id, start)) {
    throw corrupt(segment, start, 'the checksum of the entry is wrong')
  }
}

function int32At(bytes: Uint8Array, at: number): number {
  return bytes[at]! | (bytes[at + 1]! << 8) | (bytes[at + 2]! << 16) | (bytes[at + 3]! << 24)
}
