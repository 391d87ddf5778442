/**
 * Reads one blob file by pieces. Each piece is verified before anyone sees a byte of it, so that a range
 * costs the pieces it touches and nothing unverified ever leaves.
 *
 * While a reader is open the file is not unlinked. It has a descriptor only until the last read in flight has
 * ended, and opens the file again for the next one: thousands of slow readers hold none. (Closed under a
 * read, its number could be another file's right after.)
 */

import { checksum64 } from '@minivault/codec'
import { StorageError } from '../storage-error.ts'
import type { BlobFiles } from './blob-files.ts'
import type { BlobValue } from './blob-name.ts'

export class BlobReader {
  readonly path: string
  /** Pieces of the file. */
  readonly count: number
  readonly #files: BlobFiles
  readonly #blob: BlobValue
  /** Below zero: none. */
  #descriptor = -1
  #isClosed = false
  #readsInFlight = 0

  /** Use `BlobFiles.open`. */
  constructor(files: BlobFiles, blob: BlobValue) {
    this.#files = files
    this.#blob = blob
    this.path = files.pathOf(blob.name)
    this.count = Math.ceil(blob.size / files.pieceBytes)
    if (blob.checksums.length !== 16 * this.count) {
      throw this.#corrupt('its record has another number of checksums')
    }
    this.#open()
  }

  bytesOf(index: number): number {
    return Math.min(this.#files.pieceBytes, this.#blob.size - index * this.#files.pieceBytes)
  }

  /** Piece `index` into target[at, …), verified. After a rejection nothing in it is to be used. */
  async read(index: number, target: Uint8Array, at: number): Promise<void> {
    const length = this.bytesOf(index)
    this.#begin()
    try {
      for (let done = 0; done < length; ) {
        done += this.#mustBeSome(await this.#readSome(index, target, at, done, length), index, done)
      }
    } finally {
      this.#end()
    }
    this.#verify(index, target, at)
  }

  #readSome(index: number, target: Uint8Array, at: number, done: number, length: number): Promise<number> {
    const { fileSystem, pieceBytes } = this.#files
    const position = index * pieceBytes + done
    return new Promise((resolve, reject) => {
      fileSystem.read(this.#descriptor, target, at + done, length - done, position, (error, count) => {
        if (error) reject(error)
        else resolve(count)
      })
    })
  }

  readSync(index: number, target: Uint8Array, at: number): void {
    const { fileSystem, pieceBytes } = this.#files
    const length = this.bytesOf(index)
    this.#begin()
    try {
      for (let done = 0; done < length; ) {
        const position = index * pieceBytes + done
        const count = fileSystem.readSync(this.#descriptor, target, at + done, length - done, position)
        done += this.#mustBeSome(count, index, done)
      }
    } finally {
      this.#end()
    }
    this.#verify(index, target, at)
  }

  /** Gives the descriptor back until the next read. */
  rest(): void {
    if (!this.#isClosed && this.#readsInFlight === 0) this.#release()
  }

  /** No read begins after it. Idempotent. */
  close(): void {
    if (this.#isClosed) return
    this.#isClosed = true
    if (this.#readsInFlight === 0) this.#release()
  }

  #open(): void {
    const { fileSystem } = this.#files
    let descriptor: number
    try {
      descriptor = fileSystem.open(this.path, 'read')
    } catch (error) {
      throw isMissing(error) ? this.#corrupt('the file is missing', error) : error
    }
    const size = fileSystem.size(descriptor)
    if (size !== this.#blob.size) {
      fileSystem.close(descriptor)
      throw this.#corrupt(`the file has ${size} bytes, its record says ${this.#blob.size}`)
    }
    this.#descriptor = descriptor
  }

  #begin(): void {
    if (this.#isClosed) throw new Error('the reader is closed')
    if (this.#descriptor < 0) this.#open()
    this.#readsInFlight += 1
  }

  #end(): void {
    this.#readsInFlight -= 1
    if (this.#readsInFlight === 0) this.#release()
  }

  #release(): void {
    const descriptor = this.#descriptor
    this.#descriptor = -1
    try {
      if (descriptor >= 0) this.#files.fileSystem.close(descriptor)
    } finally {
      if (this.#isClosed) this.#files.closed(this.#blob.name)
    }
  }

  #verify(index: number, target: Uint8Array, at: number): void {
    const checksum = checksum64(target.subarray(at, at + this.bytesOf(index)))
    if (checksum === this.#blob.checksums.slice(16 * index, 16 * index + 16)) return
    const start = index * this.#files.pieceBytes
    throw this.#corrupt(`the checksum of bytes ${start} to ${start + this.bytesOf(index)} is wrong`)
  }

  #mustBeSome(count: number, index: number, done: number): number {
    if (count > 0) return count
    throw this.#corrupt(`the file ends at byte ${index * this.#files.pieceBytes + done}`)
  }

  #corrupt(what: string, cause?: unknown): StorageError {
    return new StorageError('STORAGE_CORRUPT', `${this.path}: ${what}`, { path: this.path, cause })
  }
}

/** The file is not there. */
export function isMissing(error: unknown): boolean {
  return (error as NodeJS.ErrnoException | null | undefined)?.code === 'ENOENT'
}
