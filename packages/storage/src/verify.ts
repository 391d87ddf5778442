/**
 * Reads everything that is on disk and names what is bad: each segment block by block, each record,
 * the file of each value that is its key's newest, and each hint file against its segment. Behind a bad place
 * it goes on. Nothing is repaired here, nothing is held up: it works in slices, and a segment or a blob file
 * that is being read stays for so long.
 */

import { cloneBytes, type hashKey, KeyHash } from '@minivault/codec'
import type { FileSystem, SegmentInfo } from '@minivault/wal'
import type { BlobValue } from './blob/blob-name.ts'
import type { Engine } from './engine.ts'
import { fingerprintOf, shardOf } from './fingerprint.ts'
import type { Folder } from './folder.ts'
import { closedError } from './hot-door.ts'
import { BLOB_PIECE_BYTES, VERIFY_SLICE_BYTES } from './limits.ts'
import { SPACE } from './mutation.ts'
import { blobValueOf, RecordView } from './record.ts'
import { fromLog } from './storage-error.ts'
import { HintCheck } from './verify-hint.ts'

export interface BadPlace {
  path: string
  /** In the file, in bytes: where it begins. */
  offset: number
  reason: string
}

export interface VerifyReport {
  segments: number
  records: number
  /** Files of large values. */
  blobs: number
  bytes: number
  bad: BadPlace[]
}

export interface VerifyOptions {
  /** The total grows as large values are found. */
  onProgress?: (bytesDone: number, bytesTotal: number) => void
}

export interface VerifyParts {
  engine: Engine
  fileSystem: FileSystem
  folder: Folder
  hash: typeof hashKey
  turn: () => Promise<void>
  isClosing: () => boolean
}

/** A record whose value lies in a file. */
interface BlobRecord {
  space: number
  key: Uint8Array
  segment: number
  offset: number
  blob: BlobValue
}

export class Verification {
  readonly #parts: VerifyParts
  readonly #onProgress: VerifyOptions['onProgress']
  readonly #report: VerifyReport = { segments: 0, records: 0, blobs: 0, bytes: 0, bad: [] }
  readonly #view = new RecordView()
  readonly #hash = new KeyHash()
  readonly #bad = (path: string, offset: number, reason: string): void => {
    this.#report.bad.push({ path, offset, reason })
  }
  #bytesTotal = 0
  #blobs: BlobRecord[] = []

  constructor(parts: VerifyParts, options: VerifyOptions) {
    this.#parts = parts
    this.#onProgress = options.onProgress
  }

  async run(): Promise<VerifyReport> {
    const { engine } = this.#parts
    try {
      engine.log.flush()
    } catch {
      // It has failed: what it has written can be read all the same.
    }
    const listed = engine.log.segments()
    for (const { bytes } of listed) this.#bytesTotal += bytes
    for (const { id } of listed) {
      const { ledger } = engine
      // A merge may have dropped it: it has read and checked all that it took over.
      const segment = engine.log.segments().find((one) => one.id === id)
      if (segment === undefined) continue
      ledger.pin(id)
      try {
        await this.#readSegment(segment)
      } catch (error) {
        throw fromLog(error)
      } finally {
        ledger.unpin(id)
      }
    }
    return this.#report
  }

  async #readSegment(info: SegmentInfo): Promise<void> {
    const { engine, fileSystem, folder } = this.#parts
    const { bad } = this.#report
    this.#report.segments += 1
    if (!info.sealed) return this.#readBlocks(info, null)
    const hint = new HintCheck(engine, fileSystem, folder.hintDirectory, info, this.#bad)
    try {
      const before = bad.length
      await this.#readBlocks(info, hint)
      const isGood = !bad.slice(before).some(({ path }) => path === info.path)
      await hint.run(() => this.#read(0), isGood)
    } finally {
      hint.close()
    }
  }

  async #readBlocks({ id, path, bytes: length }: SegmentInfo, hint: HintCheck | null): Promise<void> {
    const { engine } = this.#parts
    const view = this.#view
    const onEntry = (offset: number, bytes: Uint8Array, start: number, end: number) => {
      if (!view.read(bytes, start, end)) return this.#bad(path, offset, 'the entry is no record')
      this.#report.records += 1
      // A hint says in its header what the notes on its segment say.
      if (hint !== null && view.space !== SPACE.segment) {
        hint.takeKey(view.space, this.#parts.hash(bytes, view.keyStart, view.keyEnd, this.#hash), offset)
      }
      if (view.isBlob) this.#takeBlob(id, path, offset, bytes)
    }
    const onBad = (offset: number, reason: string) => this.#bad(path, offset, reason)
    let from = 0
    for (;;) {
      let next: number
      try {
        next = engine.log.readBlocks(id, from, VERIFY_SLICE_BYTES, onEntry, onBad)
      } catch (error) {
        return this.#bad(path, from, (error as Error).message)
      }
      await this.#read(next - from)
      for (const record of this.#blobs.splice(0)) await this.#readBlob(record)
      if (next >= length) return
      from = next
    }
  }

  #takeBlob(segment: number, path: string, offset: number, bytes: Uint8Array): void {
    const { space, keyStart, keyEnd } = this.#view
    const blob = blobValueOf(this.#view, bytes)
    if (blob === null) return this.#bad(path, offset, 'a blob record names no file')
    this.#blobs.push({ space, key: cloneBytes(bytes, keyStart, keyEnd), segment, offset, blob })
  }

  async #readBlob(record: BlobRecord): Promise<void> {
    if (!this.#isNewest(record)) return
    const { blobs } = this.#parts.engine
    const { size, name } = record.blob
    this.#report.blobs += 1
    this.#bytesTotal += size
    const bad: BadPlace[] = []
    const path = blobs.pathOf(name)
    let reader: ReturnType<typeof blobs.open>
    try {
      reader = blobs.open(record.blob)
    } catch (error) {
      return this.#bad(path, 0, (error as Error).message)
    }
    try {
      const piece = new Uint8Array(Math.min(BLOB_PIECE_BYTES, size))
      for (let index = 0; index < reader.count; index++) {
        try {
          await reader.read(index, piece, 0)
        } catch (error) {
          const reason = (error as Error).message
          // What is wrong with the file as a whole is said once.
          if (bad.at(-1)?.reason !== reason) bad.push({ path, offset: index * blobs.pieceBytes, reason })
        }
        await this.#read(reader.bytesOf(index))
      }
    } finally {
      reader.close()
    }
    // The file of a record that was overtaken meanwhile may be gone.
    if (bad.length > 0 && this.#isNewest(record)) this.#report.bad.push(...bad)
  }

  /** Whether the key's newest record is this one. */
  #isNewest({ space, key, segment, offset }: BlobRecord): boolean {
    const { lookup } = this.#parts.engine
    const hash = this.#parts.hash(key, 0, key.length, this.#hash)
    const fingerprint = fingerprintOf(space, hash)
    const isThere = () => lookup.keydir.findPosition(shardOf(hash), fingerprint, segment, offset) >= 0
    if (isThere()) return true
    try {
      // It may be known to its hint only: then this gives it a slot.
      return lookup.findSync(space, key, 0, key.length, hash) && isThere()
    } catch {
      // What cannot be read is named where it lies.
      return false
    }
  }

  async #read(bytes: number): Promise<void> {
    const { turn, isClosing } = this.#parts
    this.#report.bytes += bytes
    this.#onProgress?.(this.#report.bytes, this.#bytesTotal)
    await turn()
    if (isClosing()) throw closedError()
  }
}
