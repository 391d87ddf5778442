/**
 * Files of large values that the core has to do with, or soon will: each stays for a while after it was last
 * spoken of, whatever becomes of its record, so that others can fetch what they were told of. One that no
 * record took goes after that.
 */
import type { BlobReader, BlobValue, Store } from '@minivault/storage'
import { LARGE_KEPT_MS, LARGE_SWEEP_MS } from '../../limits.ts'
import type { Time } from '../../time.ts'

interface KeptFile {
  readonly blob: BlobValue
  /** While it is open the file stays. */
  readonly reader: BlobReader
  usedAt: number
  /** A record names it. */
  isHeld: boolean
}

export class ValueFiles {
  readonly #store: Store
  readonly #time: Time
  /** By content. */
  readonly #kept = new Map<string, KeptFile>()
  readonly #sweep: unknown

  constructor(store: Store, time: Time) {
    this.#store = store
    this.#time = time
    this.#sweep = time.every(LARGE_SWEEP_MS, () => this.#forget(time.elapsedMs() - LARGE_KEPT_MS))
  }

  /** The one of ours with the same content; null: not that we know. */
  find(blob: BlobValue): BlobValue | null {
    const kept = this.#kept.get(contentOf(blob))
    if (kept === undefined) return null
    kept.usedAt = this.#time.elapsedMs()
    return kept.blob
  }

  /** It is staged. Returns the one to use: there may be one with the same content. */
  staged(blob: BlobValue): BlobValue {
    const known = this.find(blob)
    if (known === null) return this.#keep(blob, false)
    if (known.name !== blob.name) this.#store.engine.large.discard(blob)
    return known
  }

  /** A record that names it was read. */
  read(blob: BlobValue): void {
    const known = this.find(blob)
    if (known === null) this.#keep(blob, true)
  }

  /** A record names it from now on. */
  held(blob: BlobValue): void {
    const kept = this.#kept.get(contentOf(blob))
    if (kept !== undefined && kept.blob.name === blob.name) kept.isHeld = true
  }

  #keep(blob: BlobValue, isHeld: boolean): BlobValue {
    try {
      const reader = this.#store.engine.blobs.open(blob)
      reader.rest()
      this.#kept.set(contentOf(blob), { blob, reader, usedAt: this.#time.elapsedMs(), isHeld })
    } catch {
      // Whoever reads it says what is wrong.
    }
    return blob
  }

  #forget(before: number): void {
    for (const [content, { blob, reader, usedAt, isHeld }] of this.#kept) {
      if (usedAt > before) continue
      this.#kept.delete(content)
      reader.close()
      if (!isHeld) this.#store.engine.large.discard(blob)
    }
  }

  close(): void {
    this.#time.cancel(this.#sweep)
    this.#forget(Number.POSITIVE_INFINITY)
  }
}

/** The name begins with the hash of the key: nothing else of it says what is in the file. */
function contentOf({ name, size, checksums }: BlobValue): string {
  return `${name.slice(0, KEY_HASH_DIGITS)}-${size}-${checksums}`
}

export const KEY_HASH_DIGITS = 16
