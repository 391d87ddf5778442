/**
 * xxhash64 with seed 0: the one hash of a key, and the checksum of large values where no native one is
 * installed.
 *
 * 64-bit multiplications are what JavaScript has no cheap form of: BigInt allocates, and in limbs of 16 bits
 * each takes six smaller ones. WebAssembly has them as one instruction, so the arithmetic is a module of
 * about 1 KB (`xxhash64.wat`), and this file copies the bytes into its memory and reads the two halves back
 * as int32. docs/decisions/0001-key-hash.md has the measurements.
 *
 *     module memory   0..31 accumulators | 32..39 hash | 64..65599 input
 */
import { copyBytes } from './copy-bytes.ts'
import { XXHASH64_MODULE } from './xxhash64-module.ts'

/** The two halves of a 64-bit hash as int32. Mutable, so that a hot path reuses one. */
export class KeyHash {
  high = 0
  low = 0
}

/** Input taken at once; a multiple of the 32 bytes of a stripe. */
const CHUNK_BYTES = 65_536
const INPUT = 64
const STRIPE_MASK = -32

interface Module {
  memory: { buffer: ArrayBuffer }
  hash(length: number): void
  reset(): void
  stripes(length: number): void
  finish(length: number, lengthLow: number, lengthHigh: number): void
}

// TypeScript declares WebAssembly only together with the browser's DOM.
const { WebAssembly } = globalThis as unknown as {
  WebAssembly: {
    Module: new (bytes: Uint8Array) => object
    Instance: new (module: object) => { exports: unknown }
  }
}

const module = new WebAssembly.Instance(new WebAssembly.Module(Buffer.from(XXHASH64_MODULE, 'base64')))
  .exports as Module
const hash = module.hash
const input = new Uint8Array(module.memory.buffer, INPUT, CHUNK_BYTES)
const words = new Int32Array(module.memory.buffer, 0, 10)

/**
 * xxhash64 (seed 0) of bytes[start, end) into `into`. Allocates nothing for keys up to 48 bytes, and a
 * short-lived view above (it is cheaper than a longer loop).
 * Frozen: partitions, file names and the order of tables on disk rest on it.
 */
export function hashKey(bytes: Uint8Array, start: number, end: number, into: KeyHash): KeyHash {
  const length = end - start
  if (length > CHUNK_BYTES) return hashLong(bytes, start, end, into)
  copyBytes(bytes, start, end, input, 0)
  hash(length)
  into.low = words[8]!
  into.high = words[9]!
  return into
}

/** An unfinished hash: bytes come in pieces. Several may be under way, each keeps its own accumulators. */
export class IncrementalHash {
  readonly #accumulators = new Int32Array(8)
  readonly #rest = new Uint8Array(32)
  #restBytes = 0
  #length = 0

  constructor() {
    module.reset()
    this.#accumulators.set(words.subarray(0, 8))
  }

  update(bytes: Uint8Array, start = 0, end = bytes.length): this {
    let at = start
    this.#length += end - start
    if (this.#restBytes > 0) {
      const taken = Math.min(32 - this.#restBytes, end - at)
      this.#rest.set(bytes.subarray(at, at + taken), this.#restBytes)
      this.#restBytes += taken
      at += taken
      if (this.#restBytes < 32) return this
      this.#stripes(this.#rest, 0, 32)
      this.#restBytes = 0
    }
    for (let whole = (end - at) & STRIPE_MASK; whole > 0; whole = (end - at) & STRIPE_MASK) {
      const n = Math.min(whole, CHUNK_BYTES)
      this.#stripes(bytes, at, at + n)
      at += n
    }
    this.#rest.set(bytes.subarray(at, end))
    this.#restBytes = end - at
    return this
  }

  /** The hash of all that came so far; more may follow. */
  digest(into: KeyHash): KeyHash {
    words.set(this.#accumulators)
    input.set(this.#rest)
    module.finish(this.#restBytes, this.#length | 0, Math.floor(this.#length / 2 ** 32))
    into.low = words[8]!
    into.high = words[9]!
    return into
  }

  #stripes(bytes: Uint8Array, start: number, end: number): void {
    words.set(this.#accumulators)
    copyBytes(bytes, start, end, input, 0)
    module.stripes(end - start)
    this.#accumulators.set(words.subarray(0, 8))
  }
}

function hashLong(bytes: Uint8Array, start: number, end: number, into: KeyHash): KeyHash {
  return new IncrementalHash().update(bytes, start, end).digest(into)
}
