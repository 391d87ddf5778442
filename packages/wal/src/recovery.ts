/**
 * Opening what is on disk: reads the manifest, decides what each file is, replays every segment in the order
 * of the numbers, and tells a torn tail from corruption by the rules of docs/DATA_FILE.md ("What is torn and
 * what is corrupt"). Then repairs: cuts torn tails, removes what no longer belongs, so that the next open
 * sees the same log without judging again.
 *
 * Everything here is synchronous: it runs before anybody is served.
 */
import assert from 'node:assert'
import { join } from 'node:path'
import { type FileSystem, readAll, writeAll } from './file-system.ts'
import { READ_CHUNK_BYTES } from './limits.ts'
import type { CheckedOptions } from './log-options.ts'
import { decodeManifest, MANIFEST_NAME, type Manifest, type ManifestRow } from './manifest.ts'
import type { Replayer } from './replayer.ts'
import {
  FORMAT_VERSION,
  isUnfinished,
  SEGMENT_HEADER_BYTES,
  SEGMENT_KIND,
  type SegmentHeader,
  segmentName,
  segmentNumber,
} from './segment-format.ts'
import { type BlockFound, type OnEntry, SegmentReader } from './segment-reader.ts'
import { Segment, type SegmentTable } from './segment-table.ts'
import { fromSystem, otherLayout, otherVersion, systemOnly, WalError } from './wal-error.ts'

export interface RecoveryReport {
  /** Entries handed to the replayer. */
  entries: number
  segments: number
  /** Segments that were written but not sealed when the log was left. */
  tails: number
  tornTails: number
  tornBytes: number
  /** Segments removed because they lay behind a torn place. */
  removedSegments: number
  /** Bad places passed over (`onCorrupt: 'skip'`). */
  corruptPlaces: number
  cleanClose: boolean
}

interface Place {
  segment: number
  offset: number
}

export class Recovery {
  readonly report: RecoveryReport = {
    entries: 0,
    segments: 0,
    tails: 0,
    tornTails: 0,
    tornBytes: 0,
    removedSegments: 0,
    corruptPlaces: 0,
    cleanClose: true,
  }
  generation = 0
  lastLog = 0
  highest = 0
  readonly #fileSystem: FileSystem
  readonly #directory: string
  readonly #layoutHash: number
  readonly #skip: boolean
  readonly #readOnly: boolean
  readonly #table: SegmentTable
  readonly #reader: SegmentReader
  readonly #replayer: Replayer
  readonly #cut: Segment[] = []
  readonly #removed: string[] = []
  #torn: Place | null = null
  /** The highest place that a block says was durable. */
  #proven: Place = { segment: 0, offset: 0 }
  #previous: Place | null = null

  constructor(options: CheckedOptions, table: SegmentTable, replayer: Replayer) {
    this.#fileSystem = options.fileSystem
    this.#directory = options.directory
    this.#layoutHash = options.layoutHash
    this.#skip = options.onCorrupt === 'skip'
    this.#readOnly = options.readOnly
    this.#table = table
    this.#reader = new SegmentReader(options.fileSystem)
    this.#replayer = replayer
  }

  run(): void {
    const names = this.#fileSystem.list(this.#directory)
    const numbers = names.map(segmentNumber).filter((number) => number > 0)
    this.#removed.push(...names.filter(isUnfinished))
    for (const name of names.filter(isUnfinished))
      this.highest = Math.max(this.highest, Number.parseInt(name, 10) || 0)
    this.highest = Math.max(this.highest, ...numbers)
    const headers = new Map(numbers.map((number) => [number, this.#readHeader(number)]))
    const manifest = this.#readManifest(headers)
    const rows = new Map((manifest?.rows ?? []).map((row) => [row.number, row]))
    const order = [...new Set([...numbers, ...rows.keys()])].sort((a, b) => a - b)
    for (const number of order) {
      const row = rows.get(number)
      const header = headers.get(number)
      if (row) this.#sealed(row, header)
      else if (manifest === null) this.#unlisted(number, header ?? null)
      else if (number <= this.lastLog || header?.kind === SEGMENT_KIND.output)
        this.#removed.push(segmentName(number))
      else this.#tail(number, header ?? null)
    }
    this.report.segments = this.#table.all().length
    if (!this.#readOnly) this.#repair()
  }

  #readHeader(number: number): SegmentHeader | null {
    const path = join(this.#directory, segmentName(number))
    return this.#withFile(path, (descriptor) => {
      const header = this.#attach(descriptor).header()
      if (header && header.version !== FORMAT_VERSION) {
        throw otherVersion(path, header.version, FORMAT_VERSION)
      }
      if (header && header.layoutHash !== this.#layoutHash) {
        throw otherLayout(path, header.layoutHash, this.#layoutHash)
      }
      return header?.number === number ? header : null
    })
  }

  /** Null where there is a manifest, or ought to be one, that says nothing (`onCorrupt: 'skip'`). */
  #readManifest(headers: Map<number, SegmentHeader | null>): Manifest | null {
    const path = join(this.#directory, MANIFEST_NAME)
    let manifest: Manifest = { clean: true, layoutHash: 0, generation: 0, lastLog: 0, highest: 0, rows: [] }
    try {
      if (this.#fileSystem.exists(path)) {
        manifest = decodeManifest(this.#readFile(path), path)
        if (manifest.layoutHash !== this.#layoutHash) {
          throw otherLayout(path, manifest.layoutHash, this.#layoutHash)
        }
      }
      const known = Math.max(0, ...[...headers.values()].map((header) => header?.generation ?? 0))
      if (known > manifest.generation) {
        const what = `a segment knows manifest ${known}, this is ${manifest.generation}`
        throw new WalError('WAL_CORRUPT', `${path}: ${what}`, { path, offset: 0 })
      }
    } catch (error) {
      if (!this.#skip || (error as WalError).code !== 'WAL_CORRUPT') throw error
      this.report.corruptPlaces++
      this.report.cleanClose = false
      for (const header of headers.values())
        this.generation = Math.max(this.generation, header?.generation ?? 0)
      return null
    }
    this.report.cleanClose = manifest.clean
    this.generation = manifest.generation
    this.lastLog = manifest.lastLog
    this.highest = Math.max(this.highest, manifest.highest)
    return manifest
  }

  #readFile(path: string): Uint8Array {
    try {
      return this.#fileSystem.readFile(path)
    } catch (error) {
      throw fromSystem(error, 'reading', path)
    }
  }

  #sealed(row: ManifestRow, header: SegmentHeader | null | undefined): void {
    const segment = new Segment(row.number, row.id, row.kind, this.#directory)
    segment.bytes = row.bytes
    segment.sealed = true
    segment.named = true
    if (header === undefined) return this.#corrupt(segment.path, 0, 'the file is missing')
    if (!header || header.id !== row.id || header.kind !== row.kind) {
      this.#corrupt(segment.path, 0, 'the header is not that of this segment')
    }
    this.#table.add(segment)
    this.#withFile(segment.path, (descriptor) => {
      const size = this.#fileSystem.size(descriptor)
      const isWhole = header?.id === row.id && size >= row.bytes
      if (isWhole && this.#replayer.covers?.(row.number, row.id, row.bytes)) return
      const reader = this.#reader.attach(descriptor, Math.min(size, row.bytes))
      const end = this.#walk(reader, segment, true)
      if (end < row.bytes) this.#corrupt(segment.path, end, 'the file is too short')
      this.#replayer.ended?.(row.number, row.id, row.bytes)
    })
  }

  /** With the manifest gone, all that is there counts. */
  #unlisted(number: number, header: SegmentHeader | null): void {
    const segment = new Segment(number, header?.id ?? 0, header?.kind ?? 0, this.#directory)
    this.#withFile(segment.path, (descriptor) => {
      const reader = this.#attach(descriptor)
      segment.bytes = this.#walk(reader, segment, true)
    })
    this.#keep(segment)
  }

  #tail(number: number, header: SegmentHeader | null): void {
    const path = join(this.#directory, segmentName(number))
    this.report.tails++
    this.#withFile(path, (descriptor) => {
      const reader = this.#attach(descriptor)
      if (!this.#torn && header && !this.#follows(header)) this.#torn = this.#brokenChain(header)
      if (!this.#torn && !header) this.#torn = { segment: number, offset: 0 }
      if (this.#torn) return this.#behindTorn(reader, path, number, header)
      const segment = new Segment(number, header!.id, SEGMENT_KIND.log, this.#directory)
      segment.bytes = this.#walk(reader, segment, false)
      this.report.cleanClose = reader.cleanClose && !this.#torn
      this.#previous = { segment: number, offset: segment.bytes }
      if (segment.bytes > SEGMENT_HEADER_BYTES) this.#keep(segment)
      else this.#discard(number)
    })
  }

  #follows(header: SegmentHeader): boolean {
    const previous = this.#previous
    if (!previous) return header.predecessor <= this.lastLog
    return header.predecessor === previous.segment && header.predecessorBytes === previous.offset
  }

  #brokenChain(header: SegmentHeader): Place {
    this.report.tornTails++
    if (this.#previous?.segment === header.predecessor) return this.#previous
    return { segment: header.predecessor, offset: 0 }
  }

  /**
   * This segment lies behind a torn place: it goes, unless one of its blocks proves that the place was
   * durable.
   */
  #behindTorn(reader: SegmentReader, path: string, number: number, header: SegmentHeader | null): void {
    const torn = this.#torn!
    const proof = reader.find(header?.id ?? null, 0, (found) => isAbove(found, torn))
    if (proof) {
      const at = join(this.#directory, segmentName(torn.segment))
      this.#corrupt(at, torn.offset, `bad, though ${path} says that it was durable`)
      this.#torn = null
      const segment = new Segment(number, header?.id ?? proof.id, SEGMENT_KIND.log, this.#directory)
      segment.bytes = this.#walk(reader, segment, true)
      this.#previous = { segment: number, offset: segment.bytes }
      return this.#keep(segment)
    }
    if (reader.usedEnd > 0 && torn.segment === number) this.report.tornTails++
    this.report.tornBytes += reader.usedEnd
    this.report.cleanClose = false
    this.#discard(number)
    if (torn.segment !== number) this.report.removedSegments++
  }

  /**
   * Replays valid blocks; returns where they end. In a sealed segment what is bad is corrupt, in a tail it is
   * judged.
   */
  #walk(reader: SegmentReader, segment: Segment, sealed: boolean): number {
    const { number, id } = segment
    const onEntry: OnEntry = (offset, bytes, start, end) => {
      this.report.entries++
      this.#replayer.entry(number, offset, bytes, start, end)
    }
    let offset = Math.min(SEGMENT_HEADER_BYTES, reader.length)
    for (;;) {
      const bytes = reader.block(id, offset, onEntry)
      if (bytes > 0) {
        if (isAbove(reader, this.#proven)) {
          this.#proven = { segment: reader.syncedSegment, offset: reader.syncedOffset }
        }
        offset += bytes
        continue
      }
      if (offset >= reader.length) return offset
      const bad: Place = { segment: number, offset }
      reader.usedEnd = 0
      const next = reader.find(
        id,
        offset,
        (found) => isAbove(found, bad) || (sealed && found.offset > offset),
      )
      if (!sealed && !next) {
        if (reader.usedEnd > offset) this.#tear(bad, reader.usedEnd - offset)
        return offset
      }
      this.#corrupt(segment.path, offset, 'no valid block stands here')
      reader.salvage(id, offset, onEntry, () => {})
      const following = reader.find(id, offset + 8, () => true)
      if (!following) return sealed ? reader.length : offset
      offset = following.offset
    }
  }

  #tear(place: Place, bytes: number): void {
    this.#torn = place
    this.report.tornTails++
    this.report.tornBytes += bytes
  }

  #keep(segment: Segment): void {
    segment.sealed = true
    this.#cut.push(segment)
    this.#table.add(segment)
    this.#replayer.ended?.(segment.number, segment.id, segment.bytes)
    if (segment.kind === SEGMENT_KIND.log) this.lastLog = Math.max(this.lastLog, segment.number)
  }

  #discard(number: number): void {
    this.#removed.push(segmentName(number))
  }

  #corrupt(path: string, offset: number, what: string): void {
    if (!this.#skip) throw new WalError('WAL_CORRUPT', `${path} at ${offset}: ${what}`, { path, offset })
    this.report.corruptPlaces++
    this.report.cleanClose = false
  }

  /**
   * The names found must be durable before what they make needless is removed. Later segments go before an
   * earlier one is cut: the other way round a crash between would join what a torn place parts.
   */
  #repair(): void {
    if (this.#removed.length + this.#cut.length === 0) return
    this.#fileSystem.syncDirectorySync(this.#directory)
    for (const name of this.#removed) this.#fileSystem.remove(join(this.#directory, name))
    for (const segment of this.#cut) {
      this.#withFile(segment.path, (descriptor) => this.#settle(descriptor, segment), 'write')
      segment.named = true
    }
    this.#fileSystem.syncDirectorySync(this.#directory)
  }

  /**
   * Cuts the segment and makes it durable. What no block proves to be so is written again, the same bytes at
   * the same place: an fsync that failed has left pages in the cache that no later one would write
   * (Rebello et al., "Can Applications Recover from fsync Failures?", 2020).
   */
  #settle(descriptor: number, segment: Segment): void {
    const { number, bytes } = segment
    const { segment: provenSegment, offset } = this.#proven
    let at = provenSegment > number ? bytes : provenSegment === number ? offset : 0
    this.#fileSystem.truncate(descriptor, bytes)
    const piece = new Uint8Array(Math.min(READ_CHUNK_BYTES, Math.max(0, bytes - at)))
    while (at < bytes) {
      const count = readAll(this.#fileSystem, descriptor, piece, Math.min(piece.length, bytes - at), at)
      assert(count > 0, 'what was walked is there')
      writeAll(this.#fileSystem, descriptor, piece, 0, count, at)
      at += count
    }
    this.#fileSystem.syncSync(descriptor)
  }

  #attach(descriptor: number): SegmentReader {
    return this.#reader.attach(descriptor, this.#fileSystem.size(descriptor))
  }

  #withFile<T>(path: string, use: (descriptor: number) => T, mode: 'read' | 'write' = 'read'): T {
    let descriptor = -1
    try {
      descriptor = this.#fileSystem.open(path, mode)
      return use(descriptor)
    } catch (error) {
      throw systemOnly(error, 'opening', path)
    } finally {
      if (descriptor >= 0) this.#fileSystem.close(descriptor)
    }
  }
}

function isAbove(found: Pick<BlockFound, 'syncedSegment' | 'syncedOffset'>, place: Place): boolean {
  if (found.syncedSegment !== place.segment) return found.syncedSegment > place.segment
  return found.syncedOffset > place.offset
}
