/**
 * Checksum candidates beside each other: `npx tsx bench/crc32.ts` in packages/wal. Prints nanoseconds a call
 * (best of five rounds) and one NDJSON line.
 */
import { performance } from 'node:perf_hooks'
import { crc32 as native } from 'node:zlib'
import { crc32, crc32Sliced } from '../src/crc32.ts'

const bytes = new Uint8Array(1 << 20).map((_, i) => (i * 2654435761) >>> 13)

const candidates: Record<string, (start: number, end: number, seed: number) => number> = {
  'slicing-by-8, TypeScript': (start, end, seed) => crc32Sliced(bytes, start, end, seed),
  'zlib.crc32 (subarray)': (start, end, seed) => native(bytes.subarray(start, end), seed >>> 0) | 0,
  'chosen (by length)': (start, end, seed) => crc32(bytes, start, end, seed),
}

const results: Record<string, Record<string, number>> = {}
for (const size of [64, 100, 256, 512, 1024, 16384]) {
  for (const [name, run] of Object.entries(candidates)) {
    const calls = Math.ceil((16 << 20) / (size + 200))
    let best = Number.POSITIVE_INFINITY
    let sum = 0
    for (let round = 0; round < 6; round++) {
      const start = performance.now()
      for (let i = 0; i < calls; i++) {
        const at = (i * 8) & 0xffff8
        sum = run(at, Math.min(bytes.length, at + size), sum)
      }
      if (round > 0) best = Math.min(best, ((performance.now() - start) * 1e6) / calls)
    }
    results[name] ??= {}
    results[name]![size] = Math.round(best)
    console.log(
      `${String(size).padStart(6)} B  ${name.padEnd(28)} ${best.toFixed(0).padStart(7)} ns   ${sum}`,
    )
  }
}
console.log(JSON.stringify({ bench: 'crc32', node: process.version, results }))
