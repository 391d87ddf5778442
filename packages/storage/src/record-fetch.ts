/**
 * Brings a key's record into the cache, and what has to be read to find it, without holding up the loop. Much
 * may happen meanwhile, so it looks again after each read, but not for ever: whoever comes next reads the
 * rest at once.
 */

import type { KeyHash } from '@minivault/codec'
import type { Engine } from './engine.ts'
import { LENGTH_MASK, SLOT_LENGTH, SLOT_OFFSET, SLOT_SEGMENT } from './keydir.ts'
import { HINT_WAITS_MAX } from './limits.ts'
import { LOOKUP } from './lookup.ts'

export class RecordFetch {
  readonly #engine: Engine
  readonly #space: number
  readonly #key: Uint8Array
  readonly #hash: KeyHash
  readonly #done: () => void
  #reads = 0

  /** The key is not changed meanwhile. */
  constructor(engine: Engine, space: number, key: Uint8Array, hash: KeyHash, done: () => void) {
    this.#engine = engine
    this.#space = space
    this.#key = key
    this.#hash = hash
    this.#done = done
  }

  start(): void {
    this.#engine.began()
    this.#goOn()
  }

  #goOn(): void {
    const engine = this.#engine
    if (engine.closed || engine.isClosing || this.#reads > HINT_WAITS_MAX) return this.#end()
    this.#reads += 1
    try {
      const result = engine.lookup.find(this.#space, this.#key, 0, this.#key.length, this.#hash)
      if (result === LOOKUP.missing) engine.keys.fetchMissing((error) => this.#onRead(error))
      else if (result === LOOKUP.cold) this.#readRecord()
      else this.#end()
    } catch {
      this.#end()
    }
  }

  #readRecord(): void {
    const { ledger, log, lookup } = this.#engine
    const { keydir, shardIndex, slot } = lookup
    const shard = keydir.shards[shardIndex]!
    const fingerprint = shard[slot]!
    const segment = shard[slot + SLOT_SEGMENT]!
    const offset = shard[slot + SLOT_OFFSET]!
    const length = shard[slot + SLOT_LENGTH]! & LENGTH_MASK
    const bytes = new Uint8Array(length)
    ledger.pin(segment)
    try {
      log.read(segment, offset, length, bytes, 0, (error) => {
        ledger.unpin(segment)
        if (error !== null) return this.#end()
        const now = keydir.findPosition(shardIndex, fingerprint, segment, offset)
        if (now >= 0 && !lookup.resolve(keydir.shards[shardIndex]!, now)) {
          lookup.cache.put(shardIndex, now, bytes)
        }
        this.#goOn()
      })
    } catch (error) {
      ledger.unpin(segment)
      throw error
    }
  }

  #onRead(error: unknown): void {
    if (error === null) this.#goOn()
    else this.#end()
  }

  #end(): void {
    this.#engine.ended()
    this.#done()
  }
}
