/**
 * Writes one blob file as its bytes come, in memory for one piece: each full piece gets its checksum and is
 * written; every few pieces are synced while the next ones come, so that the last sync is short and no fsync
 * of others waits behind a hundred megabytes. Nothing names the file before `finish` has made it durable.
 *
 * One call at a time: each waits for the one before.
 */

import { Checksum64, checksum64, copyBytes } from '@minivault/codec'
import { promised } from '@minivault/wal'
import type { BlobFiles } from './blob-files.ts'
import type { BlobValue } from './blob-name.ts'

export class BlobWriter {
  readonly name: string
  /** Bytes that came so far. */
  size = 0
  readonly #files: BlobFiles
  readonly #descriptor: number
  readonly #pieceBytes: number
  #checksums = ''
  /** Of a piece that is written in parts; null: the next byte begins a piece. */
  #sum: Checksum64 | null = null
  #written = 0
  /** Up to here all is durable when `#syncing` resolves. */
  #syncedTo = 0
  #syncing: Promise<void> = Promise.resolve()
  /** The piece that is not full yet. */
  #piece: Uint8Array | null = null
  #fill = 0
  #isOpen = true

  /** Use `BlobFiles.create`. */
  constructor(files: BlobFiles, name: string) {
    this.name = name
    this.#files = files
    this.#pieceBytes = files.pieceBytes
    this.#descriptor = files.fileSystem.open(files.pathOf(name), 'create')
  }

  /** The bytes are the caller's again when it resolves. */
  async append(bytes: Uint8Array): Promise<void> {
    const pieceBytes = this.#pieceBytes
    this.size += bytes.length
    for (let at = 0; at < bytes.length; ) {
      if (this.#fill === 0 && bytes.length - at >= pieceBytes) {
        await this.#put(bytes.subarray(at, at + pieceBytes))
        at += pieceBytes
        continue
      }
      this.#piece ??= new Uint8Array(pieceBytes)
      const taken = Math.min(pieceBytes - this.#fill, bytes.length - at)
      copyBytes(bytes, at, at + taken, this.#piece, this.#fill)
      this.#fill += taken
      at += taken
      if (this.#fill < pieceBytes) continue
      await this.#put(this.#piece)
      this.#fill = 0
    }
  }

  /**
   * `append` without a copy: bytes that end where a piece ends, or within it. Whole pieces cost least. Not to
   * be mixed with `append`.
   */
  put(part: Uint8Array): Promise<void> {
    this.size += part.length
    return this.#put(part)
  }

  /** Writes the last piece and makes file and name durable. */
  async finish(): Promise<BlobValue> {
    const { fileSystem } = this.#files
    if (this.#fill > 0) await this.#put(this.#piece!.subarray(0, this.#fill))
    if (this.#sum !== null) this.#checksums += this.#sum.digest()
    await this.#syncing
    const named = this.#files.syncName(this.name)
    // It is awaited below, whatever becomes of the file.
    named.catch(() => {})
    await promised((done) => fileSystem.sync(this.#descriptor, done))
    this.#close()
    await named
    return { name: this.name, size: this.size, checksums: this.#checksums }
  }

  /** Nothing is left behind. Never rejects. */
  async abort(): Promise<void> {
    await this.#syncing.catch(() => {})
    try {
      this.#close()
    } catch {
      // What counts is that the name goes.
    }
    await this.#files.remove(this.name)
  }

  async #put(part: Uint8Array): Promise<void> {
    const { fileSystem, syncBytes } = this.#files
    const written = this.#write(part)
    this.#addToSum(part)
    await written
    this.#written += part.length
    if (this.#written - this.#syncedTo < syncBytes) return
    await this.#syncing
    this.#syncedTo = this.#written
    this.#syncing = promised((done) => fileSystem.datasync(this.#descriptor, done))
    // It is awaited with the next one.
    this.#syncing.catch(() => {})
  }

  #addToSum(part: Uint8Array): void {
    const pieceBytes = this.#pieceBytes
    if (this.#sum === null && part.length === pieceBytes) {
      this.#checksums += checksum64(part)
      return
    }
    this.#sum ??= new Checksum64()
    this.#sum.update(part)
    if ((this.#written + part.length) % pieceBytes !== 0) return
    this.#checksums += this.#sum.digest()
    this.#sum = null
  }

  async #write(piece: Uint8Array): Promise<void> {
    const { fileSystem } = this.#files
    for (let at = 0; at < piece.length; ) {
      at += await new Promise<number>((resolve, reject) => {
        const position = this.#written + at
        fileSystem.write(this.#descriptor, piece, at, piece.length - at, position, (error, count) => {
          if (error) reject(error)
          else if (count === 0) reject(new Error('the file system wrote nothing'))
          else resolve(count)
        })
      })
    }
  }

  #close(): void {
    if (!this.#isOpen) return
    this.#isOpen = false
    this.#files.fileSystem.close(this.#descriptor)
  }
}
