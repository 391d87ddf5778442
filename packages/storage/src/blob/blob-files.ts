/**
 * Large values as files of their own, `blobs/ab/cd/<name>`, holding the plain bytes: a listing and `cat`
 * rescue them.
 *
 * A file is written once, fsynced, and its directory synced before anyone learns its name; it is never
 * changed. So a record that names it can be trusted to have it, and a file that no record names is an orphan
 * of a crash. A file that is being read is unlinked when its last reader has closed.
 */

import { dirname, join } from 'node:path'
import type { KeyHash } from '@minivault/codec'
import { type FileSystem, promised } from '@minivault/wal'
import { BLOB_PIECE_BYTES, BLOB_READS_MAX, BLOB_SYNC_BYTES, ORPHAN_SLICE_FOLDERS } from '../limits.ts'
import { BLOB_NAME, type BlobValue, blobName, writerIdOf } from './blob-name.ts'
import { BlobReader } from './blob-reader.ts'
import { BlobWriter } from './blob-writer.ts'

const FOLDER_NAME = /^[0-9a-f]{2}$/

export class BlobFiles {
  readonly fileSystem: FileSystem
  readonly pieceBytes: number
  readonly syncBytes: number
  readonly #directory: string
  /** Directories known to be durable themselves. */
  readonly #durableDirectories = new Set<string>()
  readonly #readers = new Map<string, number>()
  readonly #doomed = new Set<string>()
  /** How many want every file to stay. */
  #holds = 0
  /** Of this open: tells its files from older ones. */
  readonly #writerId: number
  #counter = 0
  /** Older files that records of this open name. */
  readonly #named = new Set<string>()

  /** The sizes are the format's; tests make them small. */
  constructor(
    fileSystem: FileSystem,
    directory: string,
    writerId: number,
    sizes: { pieceBytes?: number; syncBytes?: number } = {},
  ) {
    this.fileSystem = fileSystem
    this.#directory = directory
    this.#writerId = writerId
    this.pieceBytes = sizes.pieceBytes ?? BLOB_PIECE_BYTES
    this.syncBytes = sizes.syncBytes ?? BLOB_SYNC_BYTES
  }

  pathOf(name: string): string {
    return join(this.#directoryOf(name), name)
  }

  /** A new file for a key of this hash. Its writer's `finish` makes it durable, `abort` removes it. */
  create(hash: KeyHash): BlobWriter {
    const name = blobName(hash, this.#writerId, ++this.#counter)
    const directory = this.#directoryOf(name)
    if (!this.#durableDirectories.has(directory)) this.fileSystem.makeDirectory(directory)
    return new BlobWriter(this, name)
  }

  /** Makes the file's name durable, and those of the directories that lead to it. */
  async syncName(name: string): Promise<void> {
    const low = this.#directoryOf(name)
    const high = dirname(low)
    const durable = this.#durableDirectories
    const paths = [low]
    if (!durable.has(low)) paths.push(high)
    if (!durable.has(high)) paths.push(this.#directory, dirname(this.#directory))
    // At once: they wait for the same commit of the file system's journal.
    await Promise.all(paths.map((path) => this.#syncDirectory(path)))
    durable.add(low).add(high)
  }

  /** A new record names the file: whatever older records say, it is no orphan. */
  named(name: string): void {
    this.#doomed.delete(name)
    if (!this.#isOwn(name)) this.#named.add(name)
  }

  #syncDirectory(path: string): Promise<void> {
    return promised((done) => this.fileSystem.syncDirectory(path, done))
  }

  /** Until the reader is closed the file stays. Throws when it is missing or not as long as announced. */
  open(blob: BlobValue): BlobReader {
    const reader = new BlobReader(this, blob)
    this.#readers.set(blob.name, (this.#readers.get(blob.name) ?? 0) + 1)
    return reader
  }

  /** A reader has closed. */
  closed(name: string): void {
    const left = this.#readers.get(name)! - 1
    if (left > 0) {
      this.#readers.set(name, left)
      return
    }
    this.#readers.delete(name)
    if (this.#doomed.delete(name)) this.remove(name)
  }

  /** The whole value, verified. */
  async read(blob: BlobValue): Promise<Uint8Array> {
    const reader = this.open(blob)
    try {
      const value = new Uint8Array(blob.size)
      let next = 0
      const readOn = async () => {
        while (next < reader.count) {
          const index = next++
          await reader.read(index, value, index * this.pieceBytes)
        }
      }
      await Promise.all(Array.from({ length: BLOB_READS_MAX }, readOn))
      return value
    } finally {
      reader.close()
    }
  }

  readSync(blob: BlobValue): Uint8Array {
    const reader = this.open(blob)
    try {
      const value = new Uint8Array(blob.size)
      for (let i = 0; i < reader.count; i++) reader.readSync(i, value, i * this.pieceBytes)
      return value
    } finally {
      reader.close()
    }
  }

  /** Until as many calls of `release`, no file is unlinked. */
  hold(): void {
    this.#holds += 1
  }

  release(): void {
    this.#holds -= 1
    if (this.#holds > 0) return
    const doomed = [...this.#doomed]
    this.#doomed.clear()
    for (const name of doomed) this.remove(name)
  }

  /**
   * Unlinks the file, beside the event loop; or, while it is read or held, after that. Resolves when it was
   * tried: a file that is gone already is no error, and what cannot be removed is left for the next open.
   */
  remove(name: string): Promise<void> {
    if (this.#holds > 0 || this.#readers.has(name)) {
      this.#doomed.add(name)
      return Promise.resolve()
    }
    this.#named.delete(name)
    return new Promise((resolve) => this.fileSystem.unlink(this.pathOf(name), () => resolve()))
  }

  /**
   * Unlinks every blob file older than this open that `isOrphan` and that no record of this open names;
   * returns how many. Looks into a few directories at a time, and the event loop has its `turn` in between.
   */
  async collectOrphans(isOrphan: (name: string) => boolean, turn: () => Promise<void>): Promise<number> {
    let count = 0
    let folders = 0
    for (const names of this.folders()) {
      for (const name of names) {
        if (this.#isOwn(name) || this.#named.has(name) || !isOrphan(name)) continue
        await this.remove(name)
        count += 1
      }
      if (++folders % ORPHAN_SLICE_FOLDERS === 0) await turn()
    }
    return count
  }

  #isOwn(name: string): boolean {
    return writerIdOf(name) === this.#writerId
  }

  /** The names of the files, a folder at a time. */
  *folders(): Generator<string[]> {
    for (const high of this.#list(this.#directory)) {
      if (!FOLDER_NAME.test(high)) continue
      for (const low of this.#list(join(this.#directory, high))) {
        if (!FOLDER_NAME.test(low)) continue
        yield this.#list(join(this.#directory, high, low)).filter((name) => BLOB_NAME.test(name))
      }
    }
  }

  #list(path: string): string[] {
    return this.fileSystem.exists(path) ? this.fileSystem.list(path) : []
  }

  #directoryOf(name: string): string {
    return join(this.#directory, name.slice(0, 2), name.slice(2, 4))
  }
}
