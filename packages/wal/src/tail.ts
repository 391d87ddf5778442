/**
 * The tail: the one segment that is being written, and the numbers that segments get. A segment's file is
 * made by its first write, which carries its header, so that an empty segment never lies on disk.
 */
import { type FileSystem, writeAll } from './file-system.ts'
import { FILL_BYTES, FILLED_COMMIT_BYTES_MAX, LOG_BLOCK_BYTES, SEGMENT_NUMBER_MAX } from './limits.ts'
import type { OpenBlock } from './open-block.ts'
import {
  BLOCK_FLAG_CLEAN_CLOSE,
  BLOCK_HEADER_BYTES,
  FORMAT_VERSION,
  SEGMENT_HEADER_BYTES,
  SEGMENT_KIND,
  type SegmentHeader,
  type SegmentKind,
  writeSegmentHeader,
} from './segment-format.ts'
import { Segment, type SegmentTable } from './segment-table.ts'
import { WalError } from './wal-error.ts'

const ZEROS = new Uint8Array(FILL_BYTES)

export interface TailOptions {
  fileSystem: FileSystem
  directory: string
  table: SegmentTable
  random: (n: number) => Uint8Array
  layoutHash: number
  segmentBytes: number
  blockBytesMax: number
  /** The highest number ever used, and the highest of a sealed log segment. */
  highest: number
  lastLog: number
}

/** What is known durable, as blocks and headers say it. */
interface Durable {
  durableSegment: number
  durableOffset: number
  generation: number
}

export class Tail {
  segment: Segment | null = null
  /** Its file is not made yet. */
  fresh = false
  highest: number
  readonly #options: TailOptions
  readonly #block: OpenBlock
  #lastLog: number
  #lastLogBytes = 0

  constructor(options: TailOptions, block: OpenBlock) {
    this.#options = options
    this.#block = block
    this.highest = options.highest
    this.#lastLog = options.lastLog
  }

  /** The segment, when there is something of it on disk. */
  get onDisk(): Segment | null {
    return this.fresh ? null : this.segment
  }

  /** Whether a block of `need` bytes, and a closing one behind it, still fit into the segment. */
  hasRoomFor(need: number): boolean {
    const written = this.fresh ? SEGMENT_HEADER_BYTES : this.segment!.bytes
    return written + need <= this.#options.segmentBytes - BLOCK_HEADER_BYTES
  }

  begin(): void {
    const number = this.nextNumber()
    this.segment = new Segment(number, this.#randomId(), SEGMENT_KIND.log, this.#options.directory)
    this.fresh = true
  }

  /** Lays an empty block with room for at least `need` bytes, header included. */
  layBlock(need: number): void {
    const { number, bytes } = this.segment!
    const { segmentBytes, blockBytesMax } = this.#options
    const start = bytes + (this.fresh ? SEGMENT_HEADER_BYTES : 0)
    const wanted = Math.max(need, Math.min(blockBytesMax, LOG_BLOCK_BYTES))
    const bytesMax = Math.min(segmentBytes - BLOCK_HEADER_BYTES - start, wanted)
    this.#block.lay(number, bytes, this.fresh, need, bytesMax)
  }

  /** One write call. Throws what the file system throws. */
  writeBlock(flags: number, durable: Durable): void {
    const segment = this.segment!
    const block = this.#block
    const { fileSystem, table } = this.#options
    const start = block.startOffset
    if (flags === BLOCK_FLAG_CLEAN_CLOSE) block.seal(segment.id, segment.number, start, flags)
    else block.seal(segment.id, durable.durableSegment, durable.durableOffset, flags)
    const { index, bytes } = block
    const headerBytes = this.fresh ? SEGMENT_HEADER_BYTES : 0
    if (this.fresh) this.#createFile(segment, index - headerBytes, durable.generation)
    const from = start - headerBytes
    writeAll(fileSystem, segment.descriptor, block.ring.bytes, index - headerBytes, bytes + headerBytes, from)
    if (this.fresh) table.add(segment)
    this.fresh = false
    segment.bytes = start + bytes
    block.written()
  }

  /**
   * A sync of what was just written is asked for, and others will be: see `FILL_BYTES`. What lies ahead was
   * zeros before, too, only that the file had no blocks there. That it has none is no error of anybody: the
   * next write says what there is to say.
   */
  fillAhead(): void {
    const segment = this.onDisk
    if (!segment) return
    const { bytes, filledTo } = segment
    if (filledTo - bytes >= FILLED_COMMIT_BYTES_MAX) return
    const from = Math.max(filledTo, bytes)
    const end = Math.min(from + FILL_BYTES, this.#options.segmentBytes)
    segment.filledTo = end
    if (from === end) return
    try {
      this.#options.fileSystem.writeSync(segment.descriptor, ZEROS, 0, end - from, from)
    } catch {}
  }

  /** The segment gets no more bytes: returns it, to be sealed; null when nothing of it is on disk. */
  end(): Segment | null {
    const segment = this.onDisk
    if (!segment) return null
    this.segment = null
    this.#block.room = 0
    this.#lastLog = segment.number
    this.#lastLogBytes = segment.bytes
    return segment
  }

  /** The header of a new output of merge. */
  outputHeader(generation: number): SegmentHeader {
    return this.#header(SEGMENT_KIND.output, this.nextNumber(), this.#randomId(), generation)
  }

  nextNumber(): number {
    if (this.highest >= SEGMENT_NUMBER_MAX) throw new WalError('WAL_FULL', 'no segment number is left')
    this.highest++
    return this.highest
  }

  #createFile(segment: Segment, at: number, generation: number): void {
    const { fileSystem, segmentBytes } = this.#options
    const { view, bytes } = this.#block.ring
    writeSegmentHeader(
      view,
      bytes,
      at,
      this.#header(SEGMENT_KIND.log, segment.number, segment.id, generation),
    )
    segment.descriptor = fileSystem.open(segment.path, 'create')
    segment.barrier = fileSystem.open(segment.path, 'write')
    fileSystem.truncate(segment.descriptor, segmentBytes)
  }

  #header(kind: SegmentKind, number: number, id: number, generation: number): SegmentHeader {
    const isLog = kind === SEGMENT_KIND.log
    return {
      version: FORMAT_VERSION,
      kind,
      layoutHash: this.#options.layoutHash,
      number,
      id,
      predecessor: isLog ? this.#lastLog : 0,
      predecessorBytes: isLog ? this.#lastLogBytes : 0,
      generation,
      segmentBytes: this.#options.segmentBytes,
    }
  }

  /** Where the bytes lie in their buffer is the giver's business: they may be a piece of a pool. */
  #randomId(): number {
    const bytes = this.#options.random(4)
    return new DataView(bytes.buffer, bytes.byteOffset, 4).getInt32(0, true)
  }
}
