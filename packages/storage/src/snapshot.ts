/**
 * A snapshot: a data folder of its own with all that was committed when it was asked for. Files that never
 * change (sealed segments, blob files, hints) get a second name there, or are copied where links are not
 * possible; `FORMAT`, with a nodeId of its own, is written last.
 *
 *     hold blob files │ log: seal, link │ blobs │ hints │ fsync folders │ FORMAT │ let go of the files
 *
 * Invariant: every file that a record of the snapshot names is there. A blob file goes only after the record
 * that replaced its own is durable, so one that was gone before the hold belongs to no newest record of the
 * log as it was sealed after it. What is there too much (a value whose record came later) is an orphan and
 * goes when the snapshot is opened.
 *
 * A crash on the way leaves a folder without FORMAT, which is no data folder and refused.
 */

import { dirname, join } from 'node:path'
import { type FileSystem, linkWherePossible, promised, writeAll } from '@minivault/wal'
import type { Engine } from './engine.ts'
import { ensureFolder, type Folder, folderAt, folderError, writeFormat } from './folder.ts'
import { closedError } from './hot-door.ts'
import { COPY_PIECE_BYTES, LINKS_A_TURN } from './limits.ts'
import { fromLog, StorageError } from './storage-error.ts'

export interface SnapshotReport {
  segments: number
  /** Files of large values. */
  blobs: number
  bytes: number
  /** Files that share their bytes with the store's, and files that do not. */
  linked: number
  copied: number
}

export interface SnapshotOptions {
  /** Copies even where links are possible: for a folder that is to share nothing with this one. */
  copy?: boolean
  /** The total grows as large values are found. */
  onProgress?: (bytesDone: number, bytesTotal: number) => void
}

export interface SnapshotParts {
  engine: Engine
  fileSystem: FileSystem
  folder: Folder
  random: (n: number) => Uint8Array
  turn: () => Promise<void>
  isClosing: () => boolean
}

export class Snapshot {
  readonly #parts: SnapshotParts
  readonly #target: Folder
  readonly #options: SnapshotOptions
  readonly #report: SnapshotReport = { segments: 0, blobs: 0, bytes: 0, linked: 0, copied: 0 }
  /** Files and folders made beside the log, to be synced or undone. */
  readonly #files: string[] = []
  readonly #folders = new Set<string>()
  #sinceTurn = 0

  constructor(parts: SnapshotParts, directory: string, options: SnapshotOptions) {
    this.#parts = parts
    // As its own paths begin: without a `./` in front or a slash behind.
    this.#target = folderAt(dirname(join(directory, 'log')))
    this.#options = options
  }

  /** The folder must be missing or empty. */
  async take(): Promise<SnapshotReport> {
    const { engine, fileSystem, random } = this.#parts
    const { directory } = this.#target
    this.#begin()
    engine.blobs.hold()
    try {
      await this.#takeLog()
      await this.#takeBlobs()
      await this.#takeHints()
      await this.#syncFolders()
      writeFormat(fileSystem, directory, random)
      fileSystem.syncDirectorySync(dirname(directory))
    } catch (error) {
      this.#undo()
      throw engine.error ?? fromLog(folderError(directory, error))
    } finally {
      engine.blobs.release()
    }
    return this.#report
  }

  #begin(): void {
    const { fileSystem } = this.#parts
    const { directory } = this.#target
    try {
      ensureFolder(fileSystem, directory)
      if (fileSystem.list(directory).length === 0) return
    } catch (error) {
      throw fromLog(error)
    }
    const message = `${directory} is not empty: a snapshot needs a new folder`
    throw new StorageError('STORAGE_FOLDER', message, { path: directory })
  }

  async #takeLog(): Promise<void> {
    const report = this.#report
    const log = await this.#parts.engine.log.snapshot(this.#target.logDirectory, this.#options)
    report.segments = log.segments
    report.bytes = log.bytes
    report.linked = log.linked
    report.copied = log.copied
  }

  async #takeBlobs(): Promise<void> {
    const { blobs } = this.#parts.engine
    for (const names of blobs.folders()) {
      for (const name of names) {
        const path = blobs.pathOf(name)
        const target = join(this.#target.blobDirectory, name.slice(0, 2), name.slice(2, 4), name)
        // One that goes has been on its way since before the hold.
        if (await this.#add(path, target)) this.#report.blobs += 1
      }
    }
  }

  /** The hints of what the log's snapshot holds. They are made anew where one is missing. */
  async #takeHints(): Promise<void> {
    const { fileSystem, folder } = this.#parts
    if (!fileSystem.exists(folder.hintDirectory)) return
    const there = new Set(fileSystem.list(folder.hintDirectory))
    for (const segment of fileSystem.list(this.#target.logDirectory)) {
      const hint = segment.replace(/\.seg$/, '.hint')
      if (hint === segment || !there.has(hint)) continue
      await this.#add(join(folder.hintDirectory, hint), join(this.#target.hintDirectory, hint))
    }
  }

  /** False: the file has gone meanwhile. */
  async #add(from: string, to: string): Promise<boolean> {
    const { fileSystem, turn, isClosing } = this.#parts
    const report = this.#report
    this.#makeFolder(dirname(to))
    try {
      if (this.#options.copy || !this.#link(from, to)) await this.#copy(from, to)
    } catch (error) {
      if ((error as NodeJS.ErrnoException).code === 'ENOENT' && !fileSystem.exists(from)) return false
      throw error
    }
    this.#options.onProgress?.(report.bytes, report.bytes)
    if (++this.#sinceTurn < LINKS_A_TURN) return true
    this.#sinceTurn = 0
    await turn()
    if (isClosing()) throw closedError()
    return true
  }

  #makeFolder(path: string): void {
    if (this.#folders.has(path)) return
    this.#parts.fileSystem.makeDirectory(path)
    for (let at = path; at !== this.#target.directory; at = dirname(at)) this.#folders.add(at)
  }

  #link(from: string, to: string): boolean {
    const { fileSystem } = this.#parts
    const bytes = this.#sizeOf(from)
    if (!linkWherePossible(fileSystem, from, to)) return false
    this.#files.push(to)
    this.#report.linked += 1
    this.#report.bytes += bytes
    return true
  }

  #sizeOf(path: string): number {
    const { fileSystem } = this.#parts
    const descriptor = fileSystem.open(path, 'read')
    try {
      return fileSystem.size(descriptor)
    } finally {
      fileSystem.close(descriptor)
    }
  }

  async #copy(from: string, to: string): Promise<void> {
    const { fileSystem, isClosing } = this.#parts
    const source = fileSystem.open(from, 'read')
    let target = -1
    try {
      const length = fileSystem.size(source)
      target = fileSystem.open(to, 'create')
      this.#files.push(to)
      const piece = new Uint8Array(Math.min(COPY_PIECE_BYTES, length))
      for (let at = 0; at < length; ) {
        const count = await new Promise<number>((resolve, reject) =>
          fileSystem.read(source, piece, 0, Math.min(piece.length, length - at), at, (error, read) =>
            error ? reject(error) : resolve(read),
          ),
        )
        if (count === 0) throw new StorageError('STORAGE_IO', `${from} ended early`, { path: from })
        if (isClosing()) throw closedError()
        writeAll(fileSystem, target, piece, 0, count, at)
        at += count
        this.#report.bytes += count
      }
      await promised((done) => fileSystem.sync(target, done))
      this.#report.copied += 1
    } finally {
      fileSystem.close(source)
      if (target >= 0) fileSystem.close(target)
    }
  }

  async #syncFolders(): Promise<void> {
    const paths = [...this.#folders, this.#target.directory]
    while (paths.length > 0) {
      await Promise.all(paths.splice(0, LINKS_A_TURN).map((path) => this.#syncFolder(path)))
    }
  }

  #syncFolder(path: string): Promise<void> {
    return promised((done) => this.#parts.fileSystem.syncDirectory(path, done))
  }

  /** Folders stay: what is left is refused as a data folder. */
  #undo(): void {
    const { fileSystem } = this.#parts
    try {
      const { logDirectory } = this.#target
      const segments = fileSystem.exists(logDirectory) ? fileSystem.list(logDirectory) : []
      for (const name of segments) fileSystem.remove(join(logDirectory, name))
      for (const path of this.#files) fileSystem.remove(path)
    } catch {
      // What failed first is the one to tell.
    }
  }
}
