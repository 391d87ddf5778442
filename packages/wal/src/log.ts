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
 * The first failed write or sync poisons it: marks stop, `error` says why, reads go on until it is reopened.
 */
import { Appender } from './appender.ts'
import { BlockWalk } from './block-walk.ts'
import { DURABILITY, type Durability } from './durability.ts'
import { DurableWaiters } from './durable-waiters.ts'
import { FLUSH_ABOVE_BYTES } from './limits.ts'
import { type CheckedOptions, checkOptions, type LogOptions } from './log-options.ts'
import { MergeOutputs } from './merge-outputs.ts'
import type { OpenBlock } from './open-block.ts'
import type { OutputSegment } from './output-segment.ts'
import { Recovery, type RecoveryReport } from './recovery.ts'
import type { Replayer } from './replayer.ts'
import { ENTRY_EXTRA_BYTES_MAX, ENTRY_HEADER_BYTES } from './segment-format.ts'
import type { OnBad, OnEntry } from './segment-reader.ts'
import { type EntryReader, type SegmentInfo, SegmentTable } from './segment-table.ts'
import type { SnapshotOptions, SnapshotReport } from './snapshot.ts'
import { Snapshots } from './snapshots.ts'
import { Syncer } from './syncer.ts'
import type { Tail } from './tail.ts'
import { Turn } from './turn.ts'
import { closedError, fromSystem, poisonedBy, systemOnly, WalError } from './wal-error.ts'

export class Log {
  /** The ring, and behind it the owner's spare bytes. */
  readonly window: Uint8Array
  /** Of the ring. */
  readonly windowBytes: number
  readonly windowView: DataView
  readonly payloadBytesMax: number
  /** Most that a group may take: its payloads, and 15 bytes on top of each. */
  readonly groupBytesMax: number
  readonly recovery: RecoveryReport
  readonly entries: EntryReader
  /** Position of the payload that was reserved last. */
  reservedSegment = 0
  reservedOffset = 0

  readonly #block: OpenBlock
  readonly #appender: Appender
  readonly #tail: Tail
  readonly #syncer: Syncer
  readonly #outputs: MergeOutputs
  readonly #snapshots: Snapshots
  readonly #table: SegmentTable
  readonly #walk: BlockWalk
  readonly #turn: Turn
  readonly #options: CheckedOptions
  readonly #waiters = new DurableWaiters()
  #syncAsked = false
  #error: WalError | null = null
  #closing: Promise<void> | null = null
  #closed = false

  /**
   * Replays what is on disk, then opens for appending. Throws WAL_CORRUPT, WAL_FORMAT, WAL_IO, WAL_FULL,
   * WAL_OPTIONS, and what the replayer throws. No other process may have the folder open: the owner locks it.
   */
  static async open(options: LogOptions, replayer: Replayer): Promise<Log> {
    const checked = checkOptions(options)
    const table = new SegmentTable(checked.fileSystem)
    const recovery = new Recovery(checked, table, replayer)
    try {
      if (!checked.readOnly) checked.fileSystem.makeDirectory(checked.directory)
      recovery.run()
    } catch (error) {
      throw systemOnly(error, 'opening', checked.directory)
    }
    const log = new Log(checked, table, recovery)
    // Before anything is promised to anybody the disk says that this log was not closed.
    if (!checked.readOnly) await log.#syncer.writeManifest()
    return log
  }

  private constructor(options: CheckedOptions, table: SegmentTable, recovery: Recovery) {
    const { highest, lastLog, generation, report } = recovery
    this.#turn = new Turn(options.scheduler, options.flushAfterMs, this.#work)
    this.#options = options
    this.#table = table
    this.entries = table
    this.#walk = new BlockWalk(options.fileSystem)
    this.recovery = report
    const parts = { ...options, table, lastLog, onFailed: (error: WalError) => this.#poison(error) }
    const syncer = new Syncer({
      ...parts,
      generation,
      highest: () => this.#tail.highest,
      onMoved: this.#moved,
    })
    syncer.start(highest)
    this.#syncer = syncer
    this.#appender = new Appender({ ...parts, highest, syncer })
    this.#tail = this.#appender.tail
    this.#block = this.#appender.block
    this.window = this.#block.ring.bytes
    this.windowBytes = this.#block.ring.size
    this.windowView = this.#block.ring.view
    this.groupBytesMax = this.#appender.entryBytesMax
    this.payloadBytesMax = this.groupBytesMax - ENTRY_HEADER_BYTES
    const sizes = { payloadBytesMax: this.payloadBytesMax, segmentBytesMax: options.segmentBytes }
    this.#outputs = new MergeOutputs({ ...parts, ...sizes, syncer })
    this.#snapshots = new Snapshots({ ...parts, syncer })
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

  /**
   * The next `count` entries, of `payloadBytes` together, go into one block: after a crash all of them are
   * there, or none. They are reserved and committed one after the other in this same turn. Throws
   * WAL_TOO_LARGE (see `groupBytesMax`), WAL_CLOSED, WAL_POISONED.
   */
  reserveGroup(payloadBytes: number, count: number): void {
    const whole = payloadBytes + count * ENTRY_EXTRA_BYTES_MAX
    const most = this.groupBytesMax
    if (whole > most) throw new WalError('WAL_TOO_LARGE', `a group of ${whole} bytes, at most ${most} fit`)
    if (whole > this.#block.room) this.#openBlock(whole)
    this.#appender.beginGroup(count)
  }

  /** Takes back what was committed of a group that is not complete. */
  cancelGroup(): void {
    this.#appender.cancelGroup()
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
    if (segment === this.#appender.writtenSegment) return offset < this.#appender.writtenOffset
    return segment < this.#appender.writtenSegment || this.#outputs.has(segment)
  }

  /** Whether the entry at this position survives a power cut. */
  isDurable(segment: number, offset: number): boolean {
    const durable = this.#syncer.durableSegment
    if (segment === durable) return offset < this.#syncer.durableOffset
    return segment < durable || this.#outputs.has(segment)
  }

  /** Segment · 2^32 + offset: an entry at a place below it survives a power cut, or (`os`) the process. */
  reached(durability: Durability): number {
    const { writtenSegment, writtenOffset } = this.#appender
    if (durability !== DURABILITY.fsync) return writtenSegment * 2 ** 32 + writtenOffset
    return this.#syncer.durableSegment * 2 ** 32 + this.#syncer.durableOffset
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

  /**
   * Reads whole commit blocks of what is written of a segment, from file offset `from` on (0: with the
   * header), at least one and then until about `bytesMax`; the bytes of an entry are valid during the call.
   * Returns the next `from`, at the end the segment's length. Blocks the event loop. Throws WAL_CORRUPT,
   * WAL_NO_SEGMENT, WAL_IO. With `onBad` each bad place is named, and the good entries around it come.
   */
  readBlocks(segment: number, from: number, bytesMax: number, onEntry: OnEntry, onBad?: OnBad): number {
    return this.#walk.read(this.#table.opened(segment), from, bytesMax, onEntry, onBad ?? null)
  }

  /** Writes all that is committed, in one call. Throws WAL_POISONED. */
  flush(): void {
    if (this.#block.count > 0) {
      this.#appender.write()
      this.#turn.ask()
    }
    if (this.#error) throw poisonedBy(this.#error)
  }

  /** Resolves when all that is committed now is durable. */
  async sync(): Promise<void> {
    this.flush()
    const segment = this.#appender.writtenSegment
    const offset = this.#appender.writtenOffset
    if (this.isDurable(segment, offset - 1)) return
    const durable = this.#waiters.add(segment, offset)
    const segmentOnDisk = this.#tail.onDisk
    if (segmentOnDisk) this.#syncer.want(segmentOnDisk, offset)
    await durable
  }

  /** The same before it returns. Blocks the event loop: for rare facts that must precede what follows. */
  syncNow(): void {
    this.flush()
    try {
      this.#syncer.syncNow(this.#tail.onDisk)
    } catch (error) {
      this.#poison(fromSystem(error, 'syncing', this.#options.directory))
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

  /** Takes a sealed segment out of the log: at once for reads, its file after a manifest without it. */
  drop(number: number): void {
    this.#check()
    const segment = this.#table.get(number)
    if (!segment?.sealed)
      throw new WalError('WAL_NO_SEGMENT', `segment ${number} is not a sealed part of the log`)
    this.#table.remove(segment)
    this.#outputs.drop(number)
    this.#syncer.drop(segment)
  }

  /** Ends the active segment: it is sealed once all of it is durable. The next entry starts a new one. */
  roll(): void {
    this.flush()
    this.#appender.endSegment()
    this.#turn.ask()
  }

  /** Resolves when what `roll`, `drop` and full segments have asked for is sealed, listed, removed. */
  async settled(): Promise<void> {
    await this.#syncer.settled().catch((error: WalError) => {
      if (!this.#error) throw error
    })
    if (this.#error) throw poisonedBy(this.#error)
  }

  /**
   * Seals what is committed and makes `directory` (missing or empty, else WAL_OPTIONS) a log of its own that
   * has all of it. Where that fails, what was made is removed.
   */
  async snapshot(directory: string, options: SnapshotOptions = {}): Promise<SnapshotReport> {
    this.#check()
    this.roll()
    await this.settled()
    this.#check()
    return this.#snapshots.take(directory, options)
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
      await this.#snapshots.stop()
      this.#table.closeAll()
      this.#settleWaiters(this.#error ? poisonedBy(this.#error) : closedError())
    }
  }

  async #closeCleanly(): Promise<void> {
    this.flush()
    this.#appender.forget() // no reserve may come where the closing block is laid
    await this.sync()
    this.#closed = true
    this.#block.room = 0
    if (this.#tail.onDisk) this.#appender.writeCleanClose()
    await this.#syncer.settled()
    if (!this.#options.readOnly) await this.#syncer.writeManifest(true)
  }

  #check(): void {
    if (this.#closed || this.#closing) throw closedError()
    if (this.#error) throw poisonedBy(this.#error)
    if (this.#options.readOnly) throw new WalError('WAL_READ_ONLY', 'the log was opened for reading only')
  }

  #refuse(payloadBytes: number): never {
    this.#check()
    const most = this.payloadBytesMax
    throw new WalError('WAL_TOO_LARGE', `a payload has 1 to ${most} bytes, not ${payloadBytes}`)
  }

  /** Opens a block with room for `bytes` of entries. */
  #openBlock(bytes: number): void {
    this.#check()
    if (this.#block.count > 0) this.#turn.ask()
    this.reservedSegment = this.#appender.openBlock(bytes)
    if (this.#error) throw poisonedBy(this.#error)
  }

  readonly #work = (): void => {
    if (this.#closed) return
    if (!this.#error) {
      if (this.#appender.isInGroup) return this.#turn.armed ? undefined : this.#turn.arm()
      if (this.#block.count > 0) this.#appender.write(0, this.#syncAsked)
      const segment = this.#tail.onDisk
      if (segment && !this.#error) this.#syncer.wrote(segment, this.#syncAsked)
      this.#syncAsked = false
    }
    this.#moved()
  }

  readonly #moved = (): void => {
    if (this.#waiters.count > 0) this.#settleWaiters(this.#error && poisonedBy(this.#error))
    this.#options.onProgress()
  }

  #settleWaiters(failed: WalError | null): void {
    this.#waiters.settle((segment, offset) => this.isDurable(segment, offset), failed)
  }

  #poison(error: WalError): void {
    if (this.#error) return
    this.#error = error
    this.#appender.forget()
    this.#syncer.stop(error)
    this.#turn.ask()
  }
}
