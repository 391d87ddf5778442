/**
 * The log: entries appended to the window, written once a turn as one commit block, synced in groups.
 *
 * Three marks, each a position, each only ever growing: *committed* (in the window), *written* (write(2)
 * returned), *durable* (fdatasync returned, and everything before it is sealed). `isWritten` and `isDurable`
 * compare an entry with the last two.
 *
 * Invariant: what is not written lies in the one open block, contiguous in the window, directly behind its
 * header (and, in a new segment, the segment's). So a flush is one write, and the ring can never overwrite
 * what the file does not have.
 *
 * The first failed write or sync poisons it for ever: marks stop, `error` says why, reads go on. Only
 * reopening tells what is on disk.
 */
import { DURABILITY, type Durability } from './durability.ts'
import { DurableWaiters } from './durable-waiters.ts'
import { FLUSH_ABOVE_BYTES } from './limits.ts'
import { checkOptions, type LogOptions } from './log-options.ts'
import { MergeOutputs } from './merge-outputs.ts'
import { OpenBlock } from './open-block.ts'
import type { OutputSegment } from './output-segment.ts'
import { Recovery, type RecoveryReport } from './recovery.ts'
import type { Replayer } from './replayer.ts'
import { BLOCK_FLAG_CLEAN_CLOSE, BLOCK_HEADER_BYTES, ENTRY_HEADER_BYTES } from './segment-format.ts'
import { type SegmentInfo, SegmentTable } from './segment-table.ts'
import { Syncer } from './syncer.ts'
import { Tail } from './tail.ts'
import { Turn } from './turn.ts'
import { closedError, fromSystem, poisonedBy, systemOnly, WalError } from './wal-error.ts'
import { Window } from './window.ts'

/** Above every offset: with the highest number, a mark that all that open found lies below. */
const EVERY_OFFSET = 0x7fffffff

export class Log {
  readonly window: Uint8Array
  readonly windowView: DataView
  readonly payloadBytesMax: number
  readonly recovery: RecoveryReport
  /** Position of the payload that was reserved last. */
  reservedSegment = 0
  reservedOffset = 0

  readonly #block: OpenBlock
  readonly #tail: Tail
  readonly #syncer: Syncer
  readonly #outputs: MergeOutputs
  readonly #table: SegmentTable
  readonly #turn: Turn
  readonly #directory: string
  readonly #onProgress: () => void
  readonly #waiters = new DurableWaiters()
  #writtenSegment: number
  #writtenOffset: number
  #syncAsked = false
  #error: WalError | null = null
  #closing: Promise<void> | null = null
  #closed = false

  /**
   * Replays what is on disk, then opens for appending. Throws WAL_CORRUPT, WAL_FORMAT, WAL_IO, WAL_FULL,
   * WAL_OPTIONS, and what the replayer throws. That no other process opens the folder is the owner's to see to.
   */
  static async open(options: LogOptions, replayer: Replayer): Promise<Log> {
    const checked = checkOptions(options)
    const { fileSystem, directory, layoutHash } = checked
    const table = new SegmentTable(fileSystem)
    const skip = options.onCorrupt === 'skip'
    const recovery = new Recovery({ fileSystem, directory, layoutHash, skip }, table, replayer)
    try {
      fileSystem.makeDirectory(directory)
      recovery.run()
    } catch (error) {
      throw systemOnly(error, 'opening', directory)
    }
    const log = new Log(checked, options.onProgress, table, recovery)
    if (recovery.changed) await log.#syncer.writeManifest(recovery.report.cleanClose)
    return log
  }

  private constructor(
    options: ReturnType<typeof checkOptions>,
    onProgress: () => void,
    table: SegmentTable,
    recovery: Recovery,
  ) {
    const { fileSystem, directory, layoutHash, random, segmentBytes, windowBytes } = options
    const { highest, lastLog, generation, report } = recovery
    this.#directory = directory
    this.#turn = new Turn(options.scheduler, options.flushAfterMs, this.#work)
    this.#onProgress = onProgress
    this.#table = table
    this.recovery = report
    const ring = new Window(windowBytes)
    this.window = ring.bytes
    this.windowView = ring.view
    const blockBytesMax = Math.min(windowBytes, segmentBytes) >> 2
    this.payloadBytesMax = blockBytesMax - BLOCK_HEADER_BYTES - ENTRY_HEADER_BYTES
    this.#block = new OpenBlock(ring)
    const files = { fileSystem, directory, table, layoutHash }
    this.#tail = new Tail({ ...files, random, segmentBytes, blockBytesMax, highest, lastLog }, this.#block)
    this.#syncer = new Syncer({
      ...files,
      generation,
      lastLog,
      clean: report.cleanClose,
      highest: () => this.#tail.highest,
      onMoved: this.#moved,
      onFailed: (error) => this.#poison(error),
    })
    const { payloadBytesMax } = this
    const sizes = { payloadBytesMax, segmentBytesMax: segmentBytes }
    this.#outputs = new MergeOutputs({ fileSystem, directory, table, syncer: this.#syncer, ...sizes })
    this.#writtenSegment = highest
    this.#writtenOffset = EVERY_OFFSET
    this.#syncer.start(highest, EVERY_OFFSET)
  }

  /** Set once a write or sync has failed; from then on the log is read-only for ever. */
  get error(): WalError | null {
    return this.#error
  }

  /**
   * Reserves room for a payload; returns where in `window` it goes. Its position stands in `reservedSegment`
   * and `reservedOffset`. A reservation that is not committed is replaced by the next. Throws WAL_CLOSED,
   * WAL_POISONED, WAL_TOO_LARGE.
   */
  reserve(payloadBytes: number): number {
    if (payloadBytes <= 0 || payloadBytes > this.payloadBytesMax) this.#refuse(payloadBytes)
    const whole = (ENTRY_HEADER_BYTES + payloadBytes + 7) & ~7
    const block = this.#block
    if (whole > block.room) this.#openBlock(whole)
    this.reservedOffset = block.offset + ENTRY_HEADER_BYTES
    return block.reserve(whole, payloadBytes)
  }

  /** The reserved payload is complete. */
  commit(): void {
    this.#block.commit()
    if (!this.#turn.armed) this.#turn.arm()
    if (this.#block.bytes > FLUSH_ABOVE_BYTES) this.#turn.ask()
  }

  /** What was committed so far is wanted at this level. */
  demand(durability: Durability): void {
    if (durability === DURABILITY.memory) return
    if (durability === DURABILITY.fsync) this.#syncAsked = true
    if (!this.#turn.asked) this.#turn.ask()
  }

  /** Whether the entry at this position has been handed to the operating system. */
  isWritten(segment: number, offset: number): boolean {
    if (segment === this.#writtenSegment) return offset < this.#writtenOffset
    return segment < this.#writtenSegment || this.#outputs.has(segment)
  }

  /** Whether the entry at this position survives a power cut. */
  isDurable(segment: number, offset: number): boolean {
    const durable = this.#syncer.durableSegment
    if (segment === durable) return offset < this.#syncer.durableOffset
    return segment < durable || this.#outputs.has(segment)
  }

  /** Index in `window` of a payload that is still in memory, else -1. Good until the next `reserve`. */
  windowOffset(segment: number, offset: number): number {
    return this.#block.ring.indexOf(segment, offset)
  }

  /**
   * Reads a whole payload of `length` bytes at (segment, offset) into target[at…] and checks it. It must be
   * written. Throws WAL_CORRUPT with path and offset, WAL_NO_SEGMENT, WAL_IO.
   */
  readSync(segment: number, offset: number, length: number, target: Uint8Array, at: number): void {
    this.#table.readSync(segment, offset, length, target, at)
  }

  /** The same without waiting; `done` is called later. Throws at once where the position cannot be one. */
  read(
    segment: number,
    offset: number,
    length: number,
    target: Uint8Array,
    at: number,
    done: (error: WalError | null) => void,
  ): void {
    this.#table.read(segment, offset, length, target, at, done)
  }

  /** Writes all that is committed, in one call. Throws WAL_POISONED. */
  flush(): void {
    if (this.#block.count > 0) {
      this.#writeBlock(0)
      this.#turn.ask()
    }
    if (this.#error) throw poisonedBy(this.#error)
  }

  /** Resolves when all that is committed now is durable. */
  async sync(): Promise<void> {
    this.flush()
    const segment = this.#writtenSegment
    const offset = this.#writtenOffset
    if (this.isDurable(segment, offset - 1)) return
    const durable = this.#waiters.add(segment, offset)
    const segmentOnDisk = this.#tail.onDisk
    if (segmentOnDisk) this.#syncer.want(segmentOnDisk, offset)
    await durable
  }

  /**
   * All that is committed is durable when it returns. Blocks the event loop: for rare facts that must precede
   * what follows.
   */
  syncNow(): void {
    this.flush()
    try {
      this.#syncer.syncNow(this.#tail.onDisk)
    } catch (error) {
      this.#poison(fromSystem(error, 'syncing', this.#directory))
      throw poisonedBy(this.#error)
    }
    this.#turn.ask()
  }

  segments(): SegmentInfo[] {
    return this.#table.segments()
  }

  /** Whether the segment is a sealed part of the log. */
  isSealed(number: number): boolean {
    return this.#table.get(number)?.sealed === true
  }

  /**
   * A new segment for merge, numbered above all there are. Throws WAL_IO, WAL_FULL (the log itself is not
   * harmed), WAL_CLOSED, WAL_POISONED.
   */
  createOutput(): OutputSegment {
    this.#check()
    return this.#outputs.create(this.#tail.outputHeader(this.#syncer.generation))
  }

  /**
   * Takes a sealed segment out of the log: at once for reads, its file goes after a durable manifest without
   * it.
   */
  drop(number: number): void {
    this.#check()
    const segment = this.#table.get(number)
    if (!segment?.sealed)
      throw new WalError('WAL_NO_SEGMENT', `segment ${number} is not a sealed part of the log`)
    this.#table.remove(segment)
    this.#outputs.drop(number)
    this.#syncer.drop(segment)
  }

  /**
   * Ends the active segment, so that it becomes a sealed one once all of it is durable. The next entry starts
   * a new one.
   */
  roll(): void {
    this.flush()
    this.#endSegment()
    this.#turn.ask()
  }

  /** Resolves when what `roll`, `drop` and full segments have asked for so far is sealed, listed, removed. */
  async settled(): Promise<void> {
    await this.#syncer.settled().catch((error: WalError) => {
      if (!this.#error) throw error
    })
    if (this.#error) throw poisonedBy(this.#error)
  }

  /**
   * Flush, fsync, clean-close marker, seal. Idempotent. Rejects where that failed; a log poisoned before just
   * lets go of its files.
   */
  close(): Promise<void> {
    this.#closing ??= this.#close()
    return this.#closing
  }

  [Symbol.asyncDispose](): Promise<void> {
    return this.close()
  }

  async #close(): Promise<void> {
    const before = this.#error
    try {
      if (!before) await this.#closeCleanly()
    } finally {
      this.#closed = true
      this.#block.room = 0
      this.#turn.cancelTimer()
      this.#syncer.stop(closedError())
      await this.#syncer.idle()
      await this.#outputs.abort()
      this.#table.closeAll()
      this.#settleWaiters(this.#error ? poisonedBy(this.#error) : closedError())
    }
  }

  async #closeCleanly(): Promise<void> {
    this.flush()
    this.#block.forget() // from here on every reserve is refused: the closing block is laid where it would go
    await this.sync()
    this.#closed = true
    this.#block.room = 0
    const { segment } = this.#tail
    if (this.#tail.onDisk) {
      this.#tail.layBlock(BLOCK_HEADER_BYTES)
      this.#writeBlock(BLOCK_FLAG_CLEAN_CLOSE)
      this.#endSegment()
    }
    await this.#syncer.settled()
    if (segment || (this.#table.all().length > 0 && !this.#syncer.clean))
      await this.#syncer.writeManifest(true)
  }

  #check(): void {
    if (this.#closed || this.#closing) throw closedError()
    if (this.#error) throw poisonedBy(this.#error)
  }

  #refuse(payloadBytes: number): never {
    this.#check()
    const most = this.payloadBytesMax
    throw new WalError('WAL_TOO_LARGE', `a payload has 1 to ${most} bytes, not ${payloadBytes}`)
  }

  /**
   * Ends the open block, and opens one with room for an entry of `whole` bytes; rolls where the segment is
   * full.
   */
  #openBlock(whole: number): void {
    this.#check()
    if (this.#block.count > 0) {
      this.#writeBlock(0)
      this.#turn.ask()
      if (this.#error) throw poisonedBy(this.#error)
    }
    const need = BLOCK_HEADER_BYTES + whole
    if (this.#tail.segment && !this.#tail.hasRoomFor(need)) this.#endSegment()
    if (!this.#tail.segment) this.#tail.begin()
    this.reservedSegment = this.#tail.segment!.number
    this.#tail.layBlock(need)
  }

  /** One write call. Moves the written mark, or poisons the log. */
  #writeBlock(flags: number): void {
    const segment = this.#tail.segment!
    try {
      this.#tail.writeBlock(flags, this.#syncer)
    } catch (error) {
      if (this.#tail.fresh) this.#table.release(segment)
      this.#poison(fromSystem(error, 'writing', segment.path))
      return
    }
    this.#writtenSegment = segment.number
    this.#writtenOffset = segment.bytes
  }

  #endSegment(): void {
    const ended = this.#tail.end()
    if (ended) this.#syncer.seal(ended)
  }

  readonly #work = (): void => {
    if (this.#closed) return
    if (!this.#error) {
      if (this.#block.count > 0) this.#writeBlock(0)
      const segment = this.#tail.onDisk
      if (this.#syncAsked && segment && !this.#error) this.#syncer.want(segment, segment.bytes)
      this.#syncAsked = false
    }
    this.#moved()
  }

  readonly #moved = (): void => {
    if (this.#waiters.count > 0) this.#settleWaiters(this.#error && poisonedBy(this.#error))
    this.#onProgress()
  }

  #settleWaiters(failed: WalError | null): void {
    this.#waiters.settle((segment, offset) => this.isDurable(segment, offset), failed)
  }

  #poison(error: WalError): void {
    if (this.#error) return
    this.#error = error
    this.#block.room = 0
    this.#block.count = 0
    this.#syncer.stop(error)
    this.#turn.ask()
  }
}
