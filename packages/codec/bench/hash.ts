/**
 * The key hash measured against its rivals, ns per key: docs/decisions/0001-key-hash.md.
 *
 *     node --import=tsx --conditions=minivault:source packages/codec/bench/hash.ts
 *
 * Keys lie in a large buffer at changing offsets, as they do in a socket's buffer. Best of several rounds,
 * because the machine may be shared; the sum of all hashes is printed so that nothing can be optimised away.
 */
import { createRequire } from 'node:module'
import xxhashWasm from 'xxhash-wasm'
import { hashKey, KeyHash } from '../src/index.ts'
import { hashByLimbs } from './xxhash64-limbs.ts'

const { XXHash64 } = createRequire(import.meta.url)('xxhash-addon') as {
  XXHash64: { hash(bytes: Uint8Array): Uint8Array }
}
const wasm = await xxhashWasm()
const bytes = new Uint8Array(1 << 20)
for (let i = 0; i < bytes.length; i++) bytes[i] = Math.imul(i, 2654435761) >>> 24
const into = new KeyHash()

const rivals: Record<string, (start: number, end: number) => number> = {
  'plain TypeScript, 16-bit limbs': (start, end) => hashByLimbs(bytes, start, end, into).low,
  'own WebAssembly (chosen)': (start, end) => hashKey(bytes, start, end, into).low,
  'xxhash-wasm h64Raw': (start, end) => Number(BigInt.asIntN(32, wasm.h64Raw(bytes.subarray(start, end)))),
  'xxhash-addon XXHash64.hash': (start, end) => {
    const hash = XXHash64.hash(bytes.subarray(start, end))
    return (hash[4]! << 24) | (hash[5]! << 16) | (hash[6]! << 8) | hash[7]!
  },
}

const table: Record<string, Record<string, number | string>> = {}
for (const [name, hash] of Object.entries(rivals)) {
  const row: Record<string, number | string> = (table[name] = {})
  let sum = 0
  for (const length of [8, 16, 32, 64, 256, 4096, 65_535]) {
    const n = Math.max(200, Math.min(200_000, Math.floor(40_000_000 / (length + 200))))
    let best = Number.POSITIVE_INFINITY
    for (let round = 0; round < 7; round++) {
      const from = process.hrtime.bigint()
      for (let i = 0; i < n; i++) {
        const start = (i * 77) & 0x7ffff
        sum = (sum + hash(start, start + length)) | 0
      }
      best = Math.min(best, Number(process.hrtime.bigint() - from) / n)
    }
    row[length] = Math.round(best * 10) / 10
  }
  row.sum = (sum >>> 0).toString(16)
}
console.log(`node ${process.version}, ns per key by length in bytes`)
console.table(table)
