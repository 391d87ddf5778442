/**
 * Checksum candidates beside each other: `npx tsx bench/crc32.ts` in packages/wal. Nanoseconds an entry, best
 * of some rounds: one entry a call, and all entries of a block of 64 KiB as the log takes them. Prints one
 * NDJSON line at the end.
 */
import { performance } from 'node:perf_hooks'
import { crc32 as native } from 'node:zlib'
import { crc32, crc32Sliced } from '../src/crc32.ts'
import { sealEntries } from '../src/entry-checksums.ts'
import { entryBytes } from '../src/segment-format.ts'

const BLOCK_BYTES = 64 << 10
const ROUNDS = 30
const bytes = new Uint8Array(1 << 20).map((_, i) => (i * 2654435761) >>> 13)
const view = new DataView(bytes.buffer)

type Sum = (start: number, end: number, seed: number) => number
const sums: Record<string, Sum> = {
  'slicing-by-8, TypeScript': (start, end, seed) => crc32Sliced(bytes, start, end, seed),
  'zlib.crc32 (subarray)': (start, end, seed) => native(bytes.subarray(start, end), seed >>> 0) | 0,
  'chosen (by length)': (start, end, seed) => crc32(bytes, start, end, seed),
}

/** Takes the checksums of the entries of a block one by one. */
function sealBy(sum: Sum, payloadBytes: number, end: number): void {
  const whole = entryBytes(payloadBytes)
  for (let at = 0; at < end; at += whole) view.setInt32(at, sum(at + 4, at + 8 + payloadBytes, at), true)
}

const results: Record<string, Record<string, number>> = {}

function measure(name: string, size: number, calls: number, run: () => void): void {
  let best = Number.POSITIVE_INFINITY
  for (let round = 0; round < ROUNDS; round++) {
    const start = performance.now()
    run()
    if (round > 2) best = Math.min(best, ((performance.now() - start) * 1e6) / calls)
  }
  results[name] ??= {}
  results[name][size] = Math.round(best)
  console.log(`${String(size).padStart(6)} B  ${name.padEnd(36)} ${best.toFixed(0).padStart(7)} ns`)
}

for (const size of [16, 64, 100, 256, 512, 1024, 4096, 16384]) {
  for (const [name, sum] of Object.entries(sums)) {
    const calls = Math.ceil((2 << 20) / (size + 200))
    measure(`one: ${name}`, size, calls, () => {
      for (let i = 0, last = 0; i < calls; i++) {
        const at = (i * 8) & 0xf7ff8
        last = sum(at, at + size, last)
      }
    })
  }
  const whole = entryBytes(size)
  const count = Math.floor(BLOCK_BYTES / whole)
  for (let i = 0; i < count; i++) view.setInt32(i * whole + 4, size, true)
  const blocks: Record<string, () => void> = {
    chosen: () => sealEntries(view, bytes, 0, count * whole, 7, 96),
  }
  for (const [name, sum] of Object.entries(sums)) blocks[name] = () => sealBy(sum, size, count * whole)
  for (const [name, run] of Object.entries(blocks)) {
    measure(`block: ${name}`, size, count * 20, () => {
      for (let i = 0; i < 20; i++) run()
    })
  }
}
console.log(JSON.stringify({ bench: 'crc32', node: process.version, results }))
