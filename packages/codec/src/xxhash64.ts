/**
 * xxhash64 with seed 0: the one hash of a key, and the checksum of large values where no native one is
 * installed.
 *
 * 64-bit multiplications are what JavaScript has no cheap form of: BigInt allocates, and in limbs of 16 bits
 * each takes six smaller ones. WebAssembly has them as one instruction, so the arithmetic is a module of
 * about 1.5 KB (`xxhash64.wat`), and this file brings the bytes there and reads the two halves as int32.
 *
 * Most keys are short, and for them the way there costs more than the arithmetic: up to 31 bytes go as
 * parameters, in words put together here: bytes written to memory one by one and read as a word make
 * the processor wait. Measured: docs/decisions/0001-key-hash.md and 0007-checksums-and-hashing.md.
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
/** Up to here a key goes as parameters. */
const SHORT_BYTES_MAX = 31
/** Up to here it is written word by word; a longer one is copied by `set` of a view. */
const WORDS_BYTES_MAX = 96

interface Module {
  memory: { buffer: ArrayBuffer }
  short(
    length: number,
    a: number,
    b: number,
    c: number,
    d: number,
    e: number,
    f: number,
    g: number,
    tail: number,
  ): number
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
const { hash, short } = module
const input = new Uint8Array(module.memory.buffer, INPUT, CHUNK_BYTES)
const inputWords = new Int32Array(module.memory.buffer, INPUT, CHUNK_BYTES / 4)
const words = new Int32Array(module.memory.buffer, 0, 10)

/**
 * xxhash64 (seed 0) of bytes[start, end) into `into`. Allocates nothing for keys up to 96 bytes, and a
 * short-lived view above (it is cheaper than a longer loop).
 * Frozen: partitions, file names and the order of tables on disk rest on it.
 */
export function hashKey(bytes: Uint8Array, start: number, end: number, into: KeyHash): KeyHash {
  const length = end - start
  if (length > SHORT_BYTES_MAX) return hashInMemory(bytes, start, end, into)
  let a = 0
  let b = 0
  let c = 0
  let d = 0
  let e = 0
  let f = 0
  let g = 0
  if (length >= 4) a = wordAt(bytes, start)
  if (length >= 8) b = wordAt(bytes, start + 4)
  if (length >= 12) c = wordAt(bytes, start + 8)
  if (length >= 16) d = wordAt(bytes, start + 12)
  if (length >= 20) e = wordAt(bytes, start + 16)
  if (length >= 24) f = wordAt(bytes, start + 20)
  if (length >= 28) g = wordAt(bytes, start + 24)
  into.low = short(length, a, b, c, d, e, f, g, tailOf(bytes, end, length & 3))
  into.high = words[9]!
  return into
}

function wordAt(bytes: Uint8Array, at: number): number {
  return bytes[at]! | (bytes[at + 1]! << 8) | (bytes[at + 2]! << 16) | (bytes[at + 3]! << 24)
}

/** The last `count` bytes, 0 to 3 of them. */
function tailOf(bytes: Uint8Array, end: number, count: number): number {
  if (count === 0) return 0
  if (count === 1) return bytes[end - 1]!
  if (count === 2) return bytes[end - 2]! | (bytes[end - 1]! << 8)
  return bytes[end - 3]! | (bytes[end - 2]! << 8) | (bytes[end - 1]! << 16)
}

function hashInMemory(bytes: Uint8Array, start: number, end: number, into: KeyHash): KeyHash {
  const length = end - start
  if (length > CHUNK_BYTES) return new IncrementalHash().update(bytes, start, end).digest(into)
  if (length <= WORDS_BYTES_MAX) writeWords(bytes, start, end)
  else input.set(bytes.subarray(start, end))
  hash(length)
  into.low = words[8]!
  into.high = words[9]!
  return into
}

/** Writes 16 bytes a step: in a loop of one word each, the loop is half of the cost. */
function writeWords(bytes: Uint8Array, start: number, end: number): void {
  let at = start
  let word = 0
  for (; at + 16 <= end; at += 16) {
    inputWords[word] = wordAt(bytes, at)
    inputWords[word + 1] = wordAt(bytes, at + 4)
    inputWords[word + 2] = wordAt(bytes, at + 8)
    inputWords[word + 3] = wordAt(bytes, at + 12)
    word += 4
  }
  for (; at < end; at++) input[at - start] = bytes[at]!
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
