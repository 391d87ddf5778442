/**
 * The key hash measured against its rivals, ns per key: docs/decisions/0001-key-hash.md and
 * 0007-checksums-and-hashing.md.
 *
 *     node --import=tsx --conditions=minivault:source packages/codec/bench/hash.ts
 *
 * Keys lie in a large buffer at changing offsets, as they do in a socket's buffer. Rivals take turns, each
 * figure is the median of its rounds; the sum of all hashes is printed, so that nothing can be optimised away
 * and that all xxhash64 are seen to agree.
 */
import { createRequire } from 'node:module'
import xxhashWasm from 'xxhash-wasm'
import { hashKey, KeyHash } from '../src/index.ts'
import { XXHASH64_MODULE } from '../src/xxhash64-module.ts'
import { hashByLimbs } from './xxhash64-limbs.ts'

interface Hash {
  hash(bytes: Uint8Array): Uint8Array
}
interface Module {
  memory: { buffer: ArrayBuffer }
  hash(length: number): void
}
const { WebAssembly } = globalThis as unknown as {
  WebAssembly: {
    Module: new (bytes: Uint8Array) => object
    Instance: new (module: object) => { exports: unknown }
  }
}
const { XXHash3, XXHash64 } = createRequire(import.meta.url)('xxhash-addon') as Record<
  'XXHash3' | 'XXHash64',
  Hash
>
const LENGTHS = [8, 16, 24, 36, 48, 64, 128, 256, 4096, 65_535]
const ROUNDS = 25
const wasm = await xxhashWasm()
const bytes = Buffer.from(new ArrayBuffer(1 << 20))
for (let i = 0; i < bytes.length; i++) bytes[i] = Math.imul(i, 2654435761) >>> 24
const into = new KeyHash()

/** The input lies where the module reads it: what is left when nothing has to be brought there. */
const inPlace = new WebAssembly.Instance(new WebAssembly.Module(Buffer.from(XXHASH64_MODULE, 'base64')))
  .exports as Module
const inPlaceWords = new Int32Array(inPlace.memory.buffer)
new Uint8Array(inPlace.memory.buffer).set(bytes.subarray(0, 65_536), 64)

/** A 32-bit hash in plain TypeScript, after MurmurHash3: cheap, and too small for what the hash is for. */
function murmur(start: number, end: number): number {
  let hash = 0x9747b28c ^ (end - start)
  let at = start
  for (; at + 4 <= end; at += 4) {
    let word = bytes[at]! | (bytes[at + 1]! << 8) | (bytes[at + 2]! << 16) | (bytes[at + 3]! << 24)
    word = Math.imul(word, 0xcc9e2d51)
    hash ^= Math.imul((word << 15) | (word >>> 17), 0x1b873593)
    hash = (Math.imul((hash << 13) | (hash >>> 19), 5) + 0xe6546b64) | 0
  }
  for (; at < end; at++) hash = Math.imul(hash ^ bytes[at]!, 0x01000193)
  hash = Math.imul(hash ^ (hash >>> 16), 0x85ebca6b)
  hash = Math.imul(hash ^ (hash >>> 13), 0xc2b2ae35)
  return hash ^ (hash >>> 16)
}

function lowOf(hash: Uint8Array): number {
  return (hash[4]! << 24) | (hash[5]! << 16) | (hash[6]! << 8) | hash[7]!
}

const rivals: Record<string, (start: number, end: number) => number> = {
  'nothing: the loop and its call': (start, end) => start ^ end,
  'hashKey (own WebAssembly)': (start, end) => hashKey(bytes, start, end, into).low,
  'the same, input in place': (start, end) => {
    inPlace.hash(end - start)
    return inPlaceWords[8]! ^ inPlaceWords[9]!
  },
  'plain TypeScript, 16-bit limbs': (start, end) => hashByLimbs(bytes, start, end, into).low,
  'MurmurHash3, 32 bits, TypeScript': murmur,
  'xxhash-wasm h64Raw': (start, end) => Number(BigInt.asIntN(32, wasm.h64Raw(bytes.subarray(start, end)))),
  'xxhash-addon XXHash64': (start, end) => lowOf(XXHash64.hash(bytes.subarray(start, end))),
  'xxhash-addon XXHash3': (start, end) => lowOf(XXHash3.hash(bytes.subarray(start, end))),
}

const table: Record<string, Record<string, number | string>> = {}
const sums: Record<string, number> = {}
for (const length of LENGTHS) {
  const calls = Math.max(100, Math.min(20_000, Math.floor(4_000_000 / (length + 200))))
  const times: Record<string, number[]> = {}
  for (let round = 0; round < ROUNDS; round++) {
    for (const [name, hash] of Object.entries(rivals)) {
      let sum = 0
      const from = process.hrtime.bigint()
      for (let i = 0; i < calls; i++) {
        const start = (i * 77) & 0x7ffff
        sum = (sum + hash(start, start + length)) | 0
      }
      if (round > 4) (times[name] ??= []).push(Number(process.hrtime.bigint() - from) / calls)
      sums[name] = ((sums[name] ?? 0) + sum) | 0
    }
  }
  for (const [name, list] of Object.entries(times)) {
    const median = list.sort((a, b) => a - b)[list.length >> 1]!
    ;(table[name] ??= {})[length] = median < 100 ? Math.round(median * 10) / 10 : Math.round(median)
  }
}
for (const [name, sum] of Object.entries(sums)) table[name]!.sum = (sum >>> 0).toString(16)
console.log(`node ${process.version}, ns per key by length in bytes`)
console.table(table)
