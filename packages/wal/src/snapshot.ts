/**
 * A snapshot: the sealed segments of a log under second names in another folder, with a manifest of their
 * own. Sealed files never change, so a hard link is a copy that costs nothing; where the folder lies on
 * another device, or the file system knows no links, the bytes are copied and synced.
 *
 *     hold the segments │ link or copy each, let go of it │ fsync directory │ manifest │ fsync directory
 *
 * Invariant: the manifest comes last. Before it the folder is no log: every segment knows of a manifest that
 * was there before it (its `generation`), so that opening without one is refused.
 */
import { join } from 'node:path'
import { type FileSystem, linkWherePossible, promised, readAllLater, writeAll } from './file-system.ts'
import { READ_CHUNK_BYTES } from './limits.ts'
import { MANIFEST_NAME, type Manifest } from './manifest.ts'
import { replaceManifest } from './manifest-file.ts'
import { segmentName } from './segment-format.ts'
import type { Segment } from './segment-table.ts'
import { closedError, systemOnly, WalError } from './wal-error.ts'

export interface SnapshotOptions {
  /** Copies even where links are possible: for a folder that is to share nothing with this one. */
  copy?: boolean
  onProgress?: (bytesDone: number, bytesTotal: number) => void
}

export interface SnapshotReport {
  segments: number
  bytes: number
  linked: number
  copied: number
}

interface SnapshotSource {
  fileSystem: FileSystem
  segments: Segment[]
  manifest: Manifest
  isClosing: () => boolean
  /** Lets the event loop go on. */
  pause: () => Promise<void>
}

export class Snapshot {
  readonly #source: SnapshotSource
  readonly #directory: string
  readonly #options: SnapshotOptions
  readonly #made: string[] = []
  #bytes = 0
  #linked = 0
  #copied = 0

  /** From here on the files of these segments stay, until `take` is done with each. */
  constructor(source: SnapshotSource, directory: string, options: SnapshotOptions) {
    this.#source = source
    this.#directory = directory
    this.#options = options
    for (const segment of source.segments) segment.holds++
  }

  async take(): Promise<SnapshotReport> {
    const { fileSystem, segments, manifest } = this.#source
    const left = new Set(segments)
    try {
      checkEmpty(fileSystem, this.#directory)
      const bytesTotal = segments.reduce((sum, { bytes }) => sum + bytes, 0)
      for (const segment of segments) {
        await this.#add(segment)
        left.delete(segment)
        release(fileSystem, segment)
        this.#options.onProgress?.(this.#bytes, bytesTotal)
      }
      await promised((done) => fileSystem.syncDirectory(this.#directory, done))
      this.#made.unshift(join(this.#directory, MANIFEST_NAME))
      await replaceManifest(fileSystem, this.#directory, manifest)
      await promised((done) => fileSystem.syncDirectory(this.#directory, done))
    } catch (error) {
      this.#undo()
      throw systemOnly(error, 'making the snapshot', this.#directory)
    } finally {
      for (const segment of left) release(fileSystem, segment)
    }
    return { segments: segments.length, bytes: this.#bytes, linked: this.#linked, copied: this.#copied }
  }

  async #add(segment: Segment): Promise<void> {
    const path = join(this.#directory, segmentName(segment.number))
    await this.#source.pause()
    if (this.#source.isClosing()) throw closedError()
    if (!this.#options.copy && this.#link(segment, path)) {
      this.#bytes += segment.bytes
      this.#linked++
      return
    }
    await this.#copy(segment, path)
    this.#copied++
  }

  #link(segment: Segment, path: string): boolean {
    const isLinked = linkWherePossible(this.#source.fileSystem, segment.path, path)
    if (isLinked) this.#made.push(path)
    return isLinked
  }

  async #copy(segment: Segment, path: string): Promise<void> {
    const { fileSystem } = this.#source
    const from = fileSystem.open(segment.path, 'read')
    let to = -1
    try {
      to = fileSystem.open(path, 'create')
      this.#made.push(path)
      const piece = new Uint8Array(Math.min(READ_CHUNK_BYTES, segment.bytes))
      for (let at = 0; at < segment.bytes; ) {
        if (this.#source.isClosing()) throw closedError()
        const length = Math.min(piece.length, segment.bytes - at)
        await new Promise<void>((resolve, reject) => {
          readAllLater(fileSystem, from, piece, length, at, (error, count) => {
            if (error) return reject(error)
            if (count === length) return resolve()
            const { path: short } = segment
            reject(
              new WalError('WAL_CORRUPT', `${short}: the file is too short`, { path: short, offset: at }),
            )
          })
        })
        writeAll(fileSystem, to, piece, 0, length, at)
        at += length
        this.#bytes += length
      }
      await promised((done) => fileSystem.sync(to, done))
    } finally {
      try {
        if (to >= 0) fileSystem.close(to)
      } finally {
        fileSystem.close(from)
      }
    }
  }

  /** A folder that is empty again can be tried again. */
  #undo(): void {
    for (const path of this.#made) {
      try {
        this.#source.fileSystem.remove(path)
      } catch {
        // What failed first is the one to tell.
      }
    }
  }
}

function checkEmpty(fileSystem: FileSystem, directory: string): void {
  fileSystem.makeDirectory(directory)
  if (fileSystem.list(directory).length === 0) return
  throw new WalError('WAL_OPTIONS', `${directory}: a snapshot needs an empty folder`, { path: directory })
}

function release(fileSystem: FileSystem, segment: Segment): void {
  segment.holds--
  if (segment.holds > 0 || !segment.isRemovable) return
  try {
    fileSystem.remove(segment.path)
  } catch {
    // No manifest lists it: the next open removes it.
  }
}
