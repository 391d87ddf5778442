/**
 * The simple door's reads of one key. The promised ones never block the event loop on the disk; the others
 * read it at once where they must.
 */

import { type hashKey, KeyHash } from '@minivault/codec'
import type { Engine } from './engine.ts'
import type { Found } from './found.ts'
import { KeyScratch } from './key-scratch.ts'
import type { ValueType } from './mutation.ts'
import type { Waiters } from './waiters.ts'
import { bytesOf } from './write-options.ts'

export interface Entry {
  value: Uint8Array
  version: string
  type: ValueType
  /** Wall milliseconds since 1970 from which on it does not exist; 0: never. */
  expiresAtMs: number
}

export class Reads {
  readonly #engine: Engine
  readonly #hash: typeof hashKey
  readonly #waiters: Waiters
  readonly #keyHash = new KeyHash()
  readonly #scratch = new KeyScratch()
  #keyEnd = 0

  constructor(engine: Engine, hash: typeof hashKey, waiters: Waiters) {
    this.#engine = engine
    this.#hash = hash
    this.#waiters = waiters
  }

  /** What `pick` takes from what is found; at once where memory answers. */
  ask<T>(key: string | Uint8Array, pick: (found: Found) => T): Promise<T> | T {
    const bytes = this.#bytesOf(key)
    const hash = this.#hash(bytes, 0, this.#keyEnd, this.#keyHash)
    const token = this.#waiters.token()
    if (this.#engine.read(bytes, 0, this.#keyEnd, hash, token)) return pick(this.#engine.found)
    return this.#waiters.read(token, pick)
  }

  /** The same, but a value in a file of its own is not read: `found.blob` names it. */
  describe<T>(key: string | Uint8Array, pick: (found: Found) => T): Promise<T> | T {
    const bytes = this.#bytesOf(key)
    const hash = this.#hash(bytes, 0, this.#keyEnd, this.#keyHash)
    const token = this.#waiters.token()
    if (this.#engine.describe(bytes, 0, this.#keyEnd, hash, token)) return pick(this.#engine.found)
    return this.#waiters.read(token, pick)
  }

  /**
   * Whether there is a value, and the value; reads from the disk at once where it must. Valid until the next
   * call into the store.
   */
  now(key: string | Uint8Array): Found {
    const bytes = this.#bytesOf(key)
    const hash = this.#hash(bytes, 0, this.#keyEnd, this.#keyHash)
    return this.#engine.readValueSync(bytes, 0, this.#keyEnd, hash)
  }

  /** The key is the first `#keyEnd` of them, until the next call. */
  #bytesOf(key: string | Uint8Array): Uint8Array {
    if (typeof key === 'string') {
      this.#keyEnd = this.#scratch.take(key)
      return this.#scratch.bytes
    }
    const bytes = bytesOf('key', key)
    this.#keyEnd = bytes.length
    return bytes
  }
}

export function copiedValue(found: Found): Uint8Array | undefined {
  return found.exists ? found.copyValue() : undefined
}

export function copiedEntry(found: Found): Entry | undefined {
  if (!found.exists) return undefined
  const { version, valueType, expiresAtMs } = found
  return { value: found.copyValue(), version: version.toString(), type: valueType, expiresAtMs }
}
