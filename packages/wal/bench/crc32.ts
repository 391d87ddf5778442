/**
 * Checksum candidates beside each other: `npx tsx bench/crc32.ts` in packages/wal. Prints nanoseconds a call (best of five rounds) and one NDJSON line.
 */
import { performance } from 'node:perf_hooks'
import zlib from 'node:zlib'
import { crc32 } from '../src/crc32.ts'

const native = (zlib as unknown as { crc32?: (bytes: Uint8Array, seed?: number) => number }).crc32
const bytes = new Uint8Array(1 << 20).map((_, i) => (i * 2654435761) >>> 13)

const candidates: Record<string, (start: number, end: number, seed: number) => number> = {
  'slicing-by-8, TypeScript': (start, end, seed) => crc32(bytes, start, end, seed),
}
if (native)
  candidates['zlib.crc32 (subarray)'] = (start, end, seed) =>
    native(bytes.subarray(start, end), seed >>> 0) | 0

const results: Record<string, Record<string, number>> = {}
for (const size of [64, 100, 1024, 16384]) {
  for (const [name, run] of Object.entries(candidates)) {
    const calls = Math.ceil((16 << 20) / (size + 200))
    let best = Number.POSITIVE_INFINITY
    let sum = 0
    for (let round = 0; round < 6; round++) {
      const start = performance.now()
      for (let i = 0; i < calls; i++) {
        const at = (i * 8) & 0xffff8
        sum = run(at, at + size > bytes.length ? bytes.length : at + size, sum)
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
