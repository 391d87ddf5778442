/**
 * Large values as files of their own, `blobs/ab/cd/<name>`, holding the plain bytes: a listing and `cat`
 * rescue them.
 *
 * A file is written once, fsynced, and its directory synced before anyone learns its name; it is never
 * changed. So a record that names it can be trusted to have it, and a file that no record names is an orphan
 * of a crash. A file that is being read is unlinked when its last read has ended.
 */

import { join } from 'node:path'
import type { FileSystem } from '@minivault/wal'
import { BLOB_NAME } from './blob-reference.ts'
import { BLOB_PIECE_BYTES } from './limits.ts'

type Done = (error: Error | null) => void

export class BlobFiles {
  readonly #fileSystem: FileSystem
  readonly #directory: string
  /** Directories known to be durable themselves. */
  readonly #durableDirectories = new Set<string>()
  readonly #reads = new Map<string, number>()
  readonly #doomed = new Set<string>()

  constructor(fileSystem: FileSystem, directory: string) {
    this.#fileSystem = fileSystem
    this.#directory = directory
  }

  pathOf(name: string): string {
    return join(this.#directoryOf(name), name)
  }

  /** Writes a new file and makes it, and its name, durable. On an error nothing is left behind. */
  write(name: string, value: Uint8Array, done: Done): void {
    this.#write(name, value).then(
      () => done(null),
      (error: Error) => {
        this.remove(name)
        done(error)
      },
    )
  }

  async #write(name: string, value: Uint8Array): Promise<void> {
    const fileSystem = this.#fileSystem
    const directory = this.#directoryOf(name)
    if (!this.#durableDirectories.has(directory)) fileSystem.makeDirectory(directory)
    const descriptor = fileSystem.open(join(directory, name), 'create')
    try {
      for (let at = 0; at < value.length; ) {
        const length = Math.min(BLOB_PIECE_BYTES, value.length - at)
        at += await new Promise<number>((resolve, reject) => {
          fileSystem.write(descriptor, value, at, length, at, (error, count) => {
            if (error) reject(error)
            else if (count === 0) reject(new Error('the file system wrote nothing'))
            else resolve(count)
          })
        })
      }
      await settled((done) => fileSystem.sync(descriptor, done))
    } finally {
      fileSystem.close(descriptor)
    }
    await settled((done) => fileSystem.syncDirectory(directory, done))
    if (this.#durableDirectories.has(directory)) return
    const above = join(directory, '..')
    for (const path of [above, this.#directory, join(this.#directory, '..')]) {
      await settled((done) => fileSystem.syncDirectory(path, done))
    }
    this.#durableDirectories.add(directory)
  }

  readSync(name: string, bytes: number): Uint8Array {
    const descriptor = this.#fileSystem.open(this.pathOf(name), 'read')
    try {
      const value = new Uint8Array(this.#checkedLength(descriptor, bytes))
      for (let at = 0; at < bytes; ) {
        const count = this.#fileSystem.readSync(descriptor, value, at, bytes - at, at)
        if (count === 0) throw new Error('the file ends early')
        at += count
      }
      return value
    } finally {
      this.#fileSystem.close(descriptor)
    }
  }

  async read(name: string, bytes: number): Promise<Uint8Array> {
    this.#reads.set(name, (this.#reads.get(name) ?? 0) + 1)
    try {
      return await this.#read(name, bytes)
    } finally {
      const left = this.#reads.get(name)! - 1
      if (left > 0) this.#reads.set(name, left)
      else {
        this.#reads.delete(name)
        if (this.#doomed.delete(name)) this.remove(name)
      }
    }
  }

  async #read(name: string, bytes: number): Promise<Uint8Array> {
    const fileSystem = this.#fileSystem
    const descriptor = fileSystem.open(this.pathOf(name), 'read')
    try {
      const value = new Uint8Array(this.#checkedLength(descriptor, bytes))
      for (let at = 0; at < bytes; ) {
        const length = Math.min(BLOB_PIECE_BYTES, bytes - at)
        at += await new Promise<number>((resolve, reject) => {
          fileSystem.read(descriptor, value, at, length, at, (error, count) => {
            if (error) reject(error)
            else if (count === 0) reject(new Error('the file ends early'))
            else resolve(count)
          })
        })
      }
      return value
    } finally {
      fileSystem.close(descriptor)
    }
  }

  /** The announced length is believed only when the file has it. */
  #checkedLength(descriptor: number, bytes: number): number {
    const size = this.#fileSystem.size(descriptor)
    if (size !== bytes) throw new Error(`the file has ${size} bytes, its record says ${bytes}`)
    return bytes
  }

  /**
   * Unlinks the file, now or after its last read. A file that is gone already is no error: the orphan search
   * sees to the rest.
   */
  remove(name: string): void {
    if (this.#reads.has(name)) {
      this.#doomed.add(name)
      return
    }
    try {
      this.#fileSystem.remove(this.pathOf(name))
    } catch {
      // Left for the next open.
    }
  }

  /** Unlinks every blob file whose name is not in `live`; returns how many. */
  collectOrphans(live: ReadonlySet<string>): number {
    if (!this.#fileSystem.exists(this.#directory)) return 0
    let count = 0
    for (const high of this.#fileSystem.list(this.#directory)) {
      if (!/^[0-9a-f]{2}$/.test(high)) continue
      for (const low of this.#fileSystem.list(join(this.#directory, high))) {
        if (!/^[0-9a-f]{2}$/.test(low)) continue
        for (const name of this.#fileSystem.list(join(this.#directory, high, low))) {
          if (!BLOB_NAME.test(name) || live.has(name)) continue
          this.remove(name)
          count += 1
        }
      }
    }
    return count
  }

  #directoryOf(name: string): string {
    return join(this.#directory, name.slice(0, 2), name.slice(2, 4))
  }
}

function settled(start: (done: Done) => void): Promise<void> {
  return new Promise((resolve, reject) => start((error) => (error ? reject(error) : resolve())))
}
