/**
 * The model: the simple door over a `Map`, with nothing on disk. What it answers is what every store must
 * answer; tests drive both with the same operations.
 */

import { KEY_BYTES_MAX, VALUE_BYTES_MAX } from '../limits.ts'
import { StorageError } from '../storage-error.ts'
import type { Entry, SetOptions } from '../store.ts'

export class MemoryStore {
  readonly #entries = new Map<string, Entry>()
  #counter = 0
  #isClosed = false

  async get(key: string | Uint8Array): Promise<Uint8Array | undefined> {
    return this.getSync(key)
  }

  getSync(key: string | Uint8Array): Uint8Array | undefined {
    return this.#entries.get(this.#name(key))?.value.slice()
  }

  view(key: string | Uint8Array): Uint8Array | undefined {
    return this.getSync(key)
  }

  getInto(key: string | Uint8Array, target: Uint8Array): number {
    const value = this.getSync(key)
    if (value === undefined) return -1
    target.set(value.subarray(0, target.length))
    return value.length
  }

  async getEntry(key: string | Uint8Array): Promise<Entry | undefined> {
    const entry = this.#entries.get(this.#name(key))
    return entry && { ...entry, value: entry.value.slice() }
  }

  async has(key: string | Uint8Array): Promise<boolean> {
    return this.#entries.has(this.#name(key))
  }

  async set(
    key: string | Uint8Array,
    value: string | Uint8Array,
    options: SetOptions = {},
  ): Promise<{ version: string }> {
    const name = this.#name(key)
    const bytes = typeof value === 'string' ? new TextEncoder().encode(value) : value.slice()
    if (bytes.length > VALUE_BYTES_MAX)
      throw new StorageError('STORAGE_VALUE_TOO_LARGE', 'the value is too large')
    const version = (++this.#counter).toString(16).padStart(24, '0')
    this.#entries.set(name, { value: bytes, version, type: options.type ?? 0 })
    return { version }
  }

  async delete(key: string | Uint8Array): Promise<boolean> {
    return this.#entries.delete(this.#name(key))
  }

  async merge(): Promise<unknown> {
    this.#check()
    return {}
  }

  async sync(): Promise<void> {
    this.#check()
  }

  stats(): { keys: number } {
    return { keys: this.#entries.size }
  }

  async close(): Promise<void> {
    this.#isClosed = true
  }

  [Symbol.asyncDispose](): Promise<void> {
    return this.close()
  }

  #name(key: string | Uint8Array): string {
    this.#check()
    const bytes = typeof key === 'string' ? new TextEncoder().encode(key) : key
    if (bytes.length < 1 || bytes.length > KEY_BYTES_MAX) {
      throw new StorageError(
        'STORAGE_KEY_LENGTH',
        `a key has 1 to ${KEY_BYTES_MAX} bytes, not ${bytes.length}`,
      )
    }
    return Buffer.from(bytes).toString('latin1')
  }

  #check(): void {
    if (this.#isClosed) throw new StorageError('STORAGE_CLOSED', 'the store is closed')
  }
}
