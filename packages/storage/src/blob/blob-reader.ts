/**
 * Reads one blob file by pieces. Each piece is verified before anyone sees a byte of it, so that a range
 * costs the pieces it touches and nothing unverified ever leaves.
 *
 * While a reader is open the file is not unlinked. The descriptor is closed when the last read in flight has
 * ended: its number may be another file's right after.
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
  readonly #descriptor: number
  #isClosed = false
  #readsInFlight = 0

  /** Use `BlobFiles.open`. */
  constructor(files: BlobFiles, blob: BlobValue) {
    const { fileSystem } = files
    this.#files = files
    this.#blob = blob
    this.path = files.pathOf(blob.name)
    this.count = Math.ceil(blob.size / files.pieceBytes)
    if (blob.checksums.length !== 16 * this.count) throw this.#corrupt('its record has too few checksums')
    try {
      this.#descriptor = fileSystem.open(this.path, 'read')
    } catch (error) {
      throw isMissing(error) ? this.#corrupt('the file is missing', error) : error
    }
    const size = fileSystem.size(this.#descriptor)
    if (size === blob.size) return
    fileSystem.close(this.#descriptor)
    throw this.#corrupt(`the file has ${size} bytes, its record says ${blob.size}`)
  }

  bytesOf(index: number): number {
    return Math.min(this.#files.pieceBytes, this.#blob.size - index * this.#files.pieceBytes)
  }

  /** Piece `index` into target[at, …), verified. After a rejection nothing in it is to be used. */
  async read(index: number, target: Uint8Array, at: number): Promise<void> {
    const { fileSystem, pieceBytes } = this.#files
    const length = this.bytesOf(index)
    const start = index * pieceBytes
    if (this.#isClosed) throw new Error('the reader is closed')
    this.#readsInFlight += 1
    try {
      for (let count = 0; count < length; ) {
        const more = await new Promise<number>((resolve, reject) => {
          const left = length - count
          fileSystem.read(this.#descriptor, target, at + count, left, start + count, (error, read) => {
            if (error) reject(error)
            else resolve(read)
          })
        })
        count += this.#mustBeSome(more, start + count)
      }
    } finally {
      this.#readsInFlight -= 1
      this.#release()
    }
    this.#verify(index, target, at)
  }

  readSync(index: number, target: Uint8Array, at: number): void {
    const { fileSystem, pieceBytes } = this.#files
    const length = this.bytesOf(index)
    const start = index * pieceBytes
    for (let count = 0; count < length; ) {
      const more = fileSystem.readSync(this.#descriptor, target, at + count, length - count, start + count)
      count += this.#mustBeSome(more, start + count)
    }
    this.#verify(index, target, at)
  }

  /** No read begins after it. Idempotent. */
  close(): void {
    if (this.#isClosed) return
    this.#isClosed = true
    this.#release()
  }

  #release(): void {
    if (!this.#isClosed || this.#readsInFlight > 0) return
    this.#files.fileSystem.close(this.#descriptor)
    this.#files.closed(this.#blob.name)
  }

  #verify(index: number, target: Uint8Array, at: number): void {
    const checksum = checksum64(target.subarray(at, at + this.bytesOf(index)))
    if (checksum === this.#blob.checksums.slice(16 * index, 16 * index + 16)) return
    const start = index * this.#files.pieceBytes
    throw this.#corrupt(`the checksum of bytes ${start} to ${start + this.bytesOf(index)} is wrong`)
  }

  #mustBeSome(count: number, position: number): number {
    if (count === 0) throw this.#corrupt(`the file ends at byte ${position}`)
    return count
  }

  #corrupt(what: string, cause?: unknown): StorageError {
    return new StorageError('STORAGE_CORRUPT', `${this.path}: ${what}`, { path: this.path, cause })
  }
}

/** The file is not there. */
export function isMissing(error: unknown): boolean {
  return (error as NodeJS.ErrnoException | null)?.code === 'ENOENT'
}
