/**
 * The log: entries appended to the window, written once a turn as one commit block, synced in groups.
 *
 * Three marks, each a position, each only ever growing: *committed* (in the window), *written* (write(2) returned), *durable* (fdatasync
 * returned, and everything before it is sealed). `isWritten` and `isDurable` compare an entry with the last two.
 *
 * Invariant: what is not written lies in the one open block, contiguous in the window, directly behind its header (and, in a new
 * segment, the segment's). So a flush is one write, and the ring can never overwrite what the file does not have.
 *
 * The first failed write or sync poisons it for ever: marks stop, `error` says why, reads go on. Only reopening tells what is on disk.
 */
import assert from 'node:assert'
import type { FileSystem } from './file-system.ts'
import { writeAll } from './file-system.ts'
import { FLUSH_AFTER_MS_DEFAULT, SEGMENT_NUMBER_MAX } from './limits.ts'
import { checkOptions, type LogOptions } from './log-options.ts'
import { OutputSegment } from './output-segment.ts'
import { Recovery, type RecoveryReport, type Replay } from './recovery.ts'
import type { Scheduler } from './scheduler.ts'
import {
  BLOCK_FLAG_CLEAN_CLOSE,
  BLOCK_HEADER_BYTES,
  ENTRY_HEADER_BYTES,
  FORMAT_VERSION,
  SEGMENT_HEADER_BYTES,
  SEGMENT_KIND,
  type SegmentHeader,
  type SegmentKind,
  sealEntries,
  writeBlockHeader,
  writeSegmentHeader,
} from './segment-format.ts'
import { Segment, type SegmentInfo, SegmentTable } from './segment-table.ts'
import { Syncer } from './syncer.ts'
import { fromSystem, WalError } from './wal-error.ts'
import { Window } from './window.ts'

/** How sure an entry must be before it may be acknowledged. */
export const DURABILITY = { memory: 0, os: 1, fsync: 2 } as const
export type Durability = 0 | 1 | 2

interface Waiter {
  segment: number
  offset: number
  resolve: () => void
  reject: (error: WalError) => void
}

export class Log {
  readonly window: Uint8Array
  readonly windowView: DataView
  readonly payloadBytesMax: number
  readonly recovery: RecoveryReport
  /** Position of the payload that was reserved last. */
  reservedSegment = 0
  reservedOffset = 0

  readonly #ring: Window
  readonly #words: Int32Array
  readonly #mask: number
  // The open block: its start and end as addresses in the ring, what still fits, its entries.
  #room = 0
  #address = 0
  #offset = 0
  #reserved = 0
  #count = 0
  #blockAddress = 0
  /** Address behind what is written: where the next block is laid. */
  #flushedAddress = 0
  #blockOffset = 0
  #segment: Segment | null = null
  #segmentNumber = 0
  #fresh = false
  #writtenSegment = 0
  #writtenOffset = 0
  #timerArmed = false
  #turnAsked = false
  #syncAsked = false
  #error: WalError | null = null
  #closing: Promise<void> | null = null
  #closed = false
  #timer: unknown = null
  #highest: number
  #lastLog: number
  #lastLogBytes = 0
  #waiters: Waiter[] = []
  readonly #outputs = new Set<number>()
  readonly #unfinished = new Set<OutputSegment>()
  readonly #directory: string
  readonly #fileSystem: FileSystem
  readonly #scheduler: Scheduler
  readonly #random: (n: number) => Uint8Array
  readonly #segmentBytes: number
  readonly #blockBytesMax: number
  readonly #layoutHash: number
  readonly #flushAfterMs: number
  readonly #table: SegmentTable
  readonly #syncer: Syncer
  readonly #onProgress: () => void

  /**
   * Replays what is on disk, then opens for appending. Throws WAL_CORRUPT, WAL_FORMAT, WAL_IO, WAL_FULL, WAL_OPTIONS, and what `replay` throws.
   * Nothing keeps two processes from opening one folder: that is the owner's to lock.
   */
  static async open(options: LogOptions, replay: Replay): Promise<Log> {
    const checked = checkOptions(options)
    const { fileSystem, directory, layoutHash } = checked
    const table = new SegmentTable(fileSystem)
    const skip = options.onCorrupt === 'skip'
    const recovery = new Recovery({ fileSystem, directory, layoutHash, skip }, table, replay)
    try {
      fileSystem.makeDirectory(directory)
      recovery.run()
    } catch (error) {
      const code = (error as { code?: unknown } | null)?.code
      throw typeof code === 'string' && /^E[A-Z0-9]+$/.test(code)
        ? fromSystem(error, 'opening', directory)
        : error
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
    this.#fileSystem = options.fileSystem
    this.#scheduler = options.scheduler
    this.#random = options.random
    this.#directory = options.directory
    this.#segmentBytes = options.segmentBytes
    this.#layoutHash = options.layoutHash
    this.#flushAfterMs = options.flushAfterMs ?? FLUSH_AFTER_MS_DEFAULT
    this.#onProgress = onProgress
    this.#table = table
    this.#ring = new Window(options.windowBytes)
    this.window = this.#ring.bytes
    this.windowView = this.#ring.view
    this.#words = this.#ring.words
    this.#mask = this.#ring.mask
    this.#blockBytesMax = Math.min(options.windowBytes, options.segmentBytes) >> 2
    this.payloadBytesMax = this.#blockBytesMax - BLOCK_HEADER_BYTES - ENTRY_HEADER_BYTES
    this.recovery = recovery.report
    this.#highest = recovery.highest
    this.#lastLog = recovery.lastLog
    this.#writtenSegment = recovery.highest
    this.#writtenOffset = 0x7fffffff
    this.#syncer = new Syncer({
      fileSystem: this.#fileSystem,
      directory: this.#directory,
      table,
      layoutHash: this.#layoutHash,
      generation: recovery.generation,
      lastLog: recovery.lastLog,
      clean: recovery.report.cleanClose,
      highest: () => this.#highest,
      onMoved: this.#moved,
      onFailed: (error) => this.#poison(error),
    })
    this.#syncer.start(this.#writtenSegment, this.#writtenOffset)
  }

  /** Set once a write or sync has failed; from then on the log is read-only for ever. */
  get error(): WalError | null {
    return this.#error
  }

  /**
   * Reserves room for a payload; returns where in `window` it goes. Its position stands in `reservedSegment` and `reservedOffset`. A reservation that is
   * not committed is replaced by the next. Throws WAL_CLOSED, WAL_POISONED, WAL_TOO_LARGE.
   */
  reserve(payloadBytes: number): number {
    if (payloadBytes <= 0 || payloadBytes > this.payloadBytesMax) this.#refuse(payloadBytes)
    const whole = (ENTRY_HEADER_BYTES + payloadBytes + 7) & ~7
    if (whole > this.#room) this.#openBlock(whole)
    const index = this.#address & this.#mask
    const word = index >> 2
    const lastWord = word + (whole >> 2) - 1
    this.#words[lastWord - 1] = 0
    this.#words[lastWord] = 0
    this.#words[word + 1] = payloadBytes
    this.#reserved = whole
    this.#ring.end = (this.#address + whole) | 0
    this.reservedSegment = this.#segmentNumber
    this.reservedOffset = this.#offset + ENTRY_HEADER_BYTES
    return index + ENTRY_HEADER_BYTES
  }

  /** The reserved payload is complete. */
  commit(): void {
    const whole = this.#reserved
    assert(whole > 0, 'commit without reserve in the same turn')
    this.#reserved = 0
    this.#address = (this.#address + whole) | 0
    this.#offset = (this.#offset + whole) | 0
    this.#room = (this.#room - whole) | 0
    this.#count = (this.#count + 1) | 0
    if (!this.#timerArmed) this.#armTimer()
  }

  /** What was committed so far is wanted at this level. */
  demand(durability: Durability): void {
    if (durability === DURABILITY.memory) return
    if (durability === DURABILITY.fsync) this.#syncAsked = true
    if (!this.#turnAsked) this.#askTurn()
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
    return this.#ring.indexOf(segment, offset)
  }

  /**
   * Reads a whole payload of `length` bytes at (segment, offset) into target[at…] and checks it. It must be written. Throws WAL_CORRUPT with path and
   * offset, WAL_NO_SEGMENT, WAL_IO.
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
    if (this.#count > 0) {
      this.#writeBlock(0)
      this.#askTurn()
    }
    if (this.#error) throw this.#poisoned()
  }

  /** Resolves when all that is committed now is durable. */
  async sync(): Promise<void> {
    this.flush()
    const segment = this.#writtenSegment
    const offset = this.#writtenOffset
    if (this.isDurable(segment, offset - 1)) return
    const durable = new Promise<void>((resolve, reject) => {
      this.#waiters.push({ segment, offset, resolve, reject })
    })
    if (this.#segment) this.#syncer.want(this.#segment, offset)
    await durable
  }

  /** All that is committed is durable when it returns. Blocks the event loop: for rare facts that must precede what follows. */
  syncNow(): void {
    this.flush()
    try {
      this.#syncer.syncNow(this.#fresh ? null : this.#segment)
    } catch (error) {
      this.#poison(fromSystem(error, 'syncing', this.#directory))
      throw this.#poisoned()
    }
    this.#askTurn()
  }

  segments(): SegmentInfo[] {
    return this.#table.all().map(({ number, bytes, sealed, path }) => ({ id: number, bytes, sealed, path }))
  }

  /** A new segment for merge, numbered above all there are. Throws WAL_IO, WAL_FULL (the log itself is not harmed), WAL_CLOSED, WAL_POISONED. */
  createOutput(): OutputSegment {
    this.#check()
    const header = this.#header(this.#nextNumber(), SEGMENT_KIND.output, 0, 0)
    const output = new OutputSegment(
      {
        fileSystem: this.#fileSystem,
        directory: this.#directory,
        payloadBytesMax: this.payloadBytesMax,
        segmentBytesMax: this.#segmentBytes,
        adopt: this.#adopt,
        forget: (ended) => this.#unfinished.delete(ended),
      },
      header,
    )
    this.#unfinished.add(output)
    return output
  }

  /** Takes a sealed segment out of the log: at once for reads, its file goes after a durable manifest without it. */
  drop(number: number): void {
    this.#check()
    const segment = this.#table.get(number)
    if (!segment?.sealed)
      throw new WalError('WAL_NO_SEGMENT', `segment ${number} is not a sealed part of the log`)
    this.#table.remove(segment)
    this.#syncer.drop(segment)
  }

  /** Ends the active segment, so that it becomes a sealed one once all of it is durable. The next entry starts a new one. */
  roll(): void {
    this.flush()
    this.#endSegment()
    this.#askTurn()
  }

  /** Resolves when what `roll`, `drop` and full segments have asked for so far is done: sealed, listed, removed. */
  async settled(): Promise<void> {
    await this.#syncer.settled().catch((error: WalError) => {
      if (!this.#error) throw error
    })
    if (this.#error) throw this.#poisoned()
  }

  /** Flush, fsync, clean-close marker, seal. Idempotent. Rejects where that failed; a log poisoned before just lets go of its files. */
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
      this.#room = 0
      this.#scheduler.cancel(this.#timer)
      this.#syncer.stop(new WalError('WAL_CLOSED', 'the log is closed'))
      await this.#syncer.idle()
      for (const output of [...this.#unfinished]) output.abort()
      this.#table.closeAll()
    }
  }

  async #closeCleanly(): Promise<void> {
    await this.sync()
    this.#closed = true
    this.#room = 0
    const segment = this.#segment
    if (segment && !this.#fresh) {
      this.#layBlock(BLOCK_HEADER_BYTES)
      this.#writeBlock(BLOCK_FLAG_CLEAN_CLOSE)
      this.#endSegment()
    }
    await this.#syncer.settled()
    if (segment || (this.#table.all().length > 0 && !this.#syncer.clean))
      await this.#syncer.writeManifest(true)
  }

  #check(): void {
    if (this.#closed || this.#closing) throw new WalError('WAL_CLOSED', 'the log is closed')
    if (this.#error) throw this.#poisoned()
  }

  #poisoned(): WalError {
    return new WalError(
      'WAL_POISONED',
      'an earlier write or sync failed; the log is read-only until it is opened anew',
      {
        cause: this.#error,
      },
    )
  }

  #refuse(payloadBytes: number): never {
    this.#check()
    const most = this.payloadBytesMax
    throw new WalError('WAL_TOO_LARGE', `a payload has 1 to ${most} bytes, not ${payloadBytes}`)
  }

  /** Ends the open block, and opens one with room for an entry of `whole` bytes; rolls where the segment is full. */
  #openBlock(whole: number): void {
    this.#check()
    if (this.#count > 0) {
      this.#writeBlock(0)
      this.#askTurn()
      if (this.#error) throw this.#poisoned()
    }
    const need = BLOCK_HEADER_BYTES + whole
    if (this.#segment && this.#writtenInSegment() + need > this.#segmentBytes - BLOCK_HEADER_BYTES)
      this.#endSegment()
    if (!this.#segment) this.#beginSegment()
    this.#layBlock(need)
  }

  #writtenInSegment(): number {
    return this.#fresh ? SEGMENT_HEADER_BYTES : this.#segment!.bytes
  }

  #beginSegment(): void {
    const number = this.#nextNumber()
    const id = new DataView(this.#random(4).slice().buffer).getInt32(0, true)
    this.#segment = new Segment(number, id, SEGMENT_KIND.log, this.#directory)
    this.#segmentNumber = number
    this.#fresh = true
  }

  /** Lays an empty block of up to `need` bytes and more behind what is written, skipping to the ring's beginning where it would not fit. */
  #layBlock(need: number): void {
    const segment = this.#segment!
    const headerBytes = this.#fresh ? SEGMENT_HEADER_BYTES : 0
    let address = this.#flushedAddress
    const left = this.#ring.size - (address & this.#mask)
    const skips = need + headerBytes > left
    if (skips) address = this.#flushedAddress = (address + left) | 0
    if (skips || this.#fresh) this.#ring.extend(segment.number, segment.bytes, address)
    this.#blockAddress = (address + headerBytes) | 0
    this.#blockOffset = segment.bytes + headerBytes
    this.#address = (this.#blockAddress + BLOCK_HEADER_BYTES) | 0
    this.#offset = this.#blockOffset + BLOCK_HEADER_BYTES
    this.#ring.end = this.#address
    this.#room =
      Math.min(
        this.#ring.size - (this.#blockAddress & this.#mask),
        this.#segmentBytes - BLOCK_HEADER_BYTES - this.#blockOffset,
        this.#blockBytesMax,
      ) - BLOCK_HEADER_BYTES
  }

  #header(number: number, kind: SegmentKind, id: number, predecessorBytes: number): SegmentHeader {
    return {
      version: FORMAT_VERSION,
      kind,
      layoutHash: this.#layoutHash,
      number,
      id: kind === SEGMENT_KIND.log ? id : new DataView(this.#random(4).slice().buffer).getInt32(0, true),
      predecessor: kind === SEGMENT_KIND.log ? this.#lastLog : 0,
      predecessorBytes,
      generation: this.#syncer.generation,
      segmentBytes: this.#segmentBytes,
    }
  }

  #nextNumber(): number {
    if (this.#highest >= SEGMENT_NUMBER_MAX) throw new WalError('WAL_FULL', 'no segment number is left')
    this.#highest++
    return this.#highest
  }

  /** One write call. Moves the written mark, or poisons the log. */
  #writeBlock(flags: number): void {
    const segment = this.#segment!
    const id = segment.id
    const start = this.#blockAddress & this.#mask
    const bytes = (this.#address - this.#blockAddress) | 0
    const { bytes: ring, view } = this.#ring
    const first = start + BLOCK_HEADER_BYTES
    sealEntries(view, ring, first, start + bytes, id, this.#blockOffset + BLOCK_HEADER_BYTES)
    const clean = flags === BLOCK_FLAG_CLEAN_CLOSE
    const { durableSegment, durableOffset } = this.#syncer
    const syncedSegment = clean ? segment.number : durableSegment
    const syncedOffset = clean ? this.#blockOffset : durableOffset
    writeBlockHeader(
      view,
      ring,
      start,
      id,
      this.#blockOffset,
      bytes,
      this.#count,
      syncedSegment,
      syncedOffset,
      flags,
    )
    const headerBytes = this.#fresh ? SEGMENT_HEADER_BYTES : 0
    try {
      if (this.#fresh) this.#createFile(segment, start - SEGMENT_HEADER_BYTES)
      const from = this.#blockOffset - headerBytes
      writeAll(this.#fileSystem, segment.descriptor, ring, start - headerBytes, bytes + headerBytes, from)
    } catch (error) {
      this.#poison(fromSystem(error, 'writing', segment.path))
      return
    }
    if (this.#fresh) this.#table.add(segment)
    this.#fresh = false
    segment.bytes = this.#blockOffset + bytes
    this.#flushedAddress = this.#address
    this.#writtenSegment = segment.number
    this.#writtenOffset = segment.bytes
    this.#count = 0
    this.#room = 0
    this.#reserved = 0
  }

  #createFile(segment: Segment, at: number): void {
    const header = this.#header(segment.number, SEGMENT_KIND.log, segment.id, this.#lastLogBytes)
    writeSegmentHeader(this.#ring.view, this.#ring.bytes, at, header)
    segment.descriptor = this.#fileSystem.open(segment.path, 'create')
    segment.barrier = this.#fileSystem.open(segment.path, 'write')
    this.#fileSystem.truncate(segment.descriptor, this.#segmentBytes)
  }

  #endSegment(): void {
    const segment = this.#segment
    if (!segment || this.#fresh) return
    this.#segment = null
    this.#room = 0
    this.#lastLog = segment.number
    this.#lastLogBytes = segment.bytes
    this.#syncer.seal(segment)
  }

  readonly #adopt = (segment: Segment, done: (error: WalError | null) => void): void => {
    this.#table.add(segment)
    this.#table.markSealed(segment)
    this.#outputs.add(segment.number)
    this.#syncer.writeManifest(this.#syncer.clean).then(() => done(null), done)
  }

  #armTimer(): void {
    this.#timerArmed = true
    this.#timer = this.#scheduler.after(this.#flushAfterMs, this.#onTimer)
  }

  readonly #onTimer = (): void => {
    this.#timerArmed = false
    this.#turn()
  }

  #askTurn(): void {
    if (this.#turnAsked) return
    this.#turnAsked = true
    this.#scheduler.afterTurn(this.#onTurn)
  }

  readonly #onTurn = (): void => {
    this.#turnAsked = false
    this.#turn()
  }

  #turn(): void {
    if (this.#closed) return
    if (!this.#error) {
      if (this.#count > 0) this.#writeBlock(0)
      const segment = this.#segment
      if (this.#syncAsked && segment && !this.#fresh && !this.#error)
        this.#syncer.want(segment, segment.bytes)
      this.#syncAsked = false
    }
    this.#moved()
  }

  readonly #moved = (): void => {
    if (this.#waiters.length > 0) {
      const waiting = this.#waiters
      this.#waiters = []
      for (const waiter of waiting) {
        if (this.isDurable(waiter.segment, waiter.offset - 1)) waiter.resolve()
        else if (this.#error) waiter.reject(this.#poisoned())
        else this.#waiters.push(waiter)
      }
    }
    this.#onProgress()
  }

  #poison(error: WalError): void {
    if (this.#error) return
    this.#error = error
    this.#room = 0
    this.#count = 0
    this.#syncer.stop(error)
    this.#askTurn()
  }
}
