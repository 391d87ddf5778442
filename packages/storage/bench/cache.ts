/**
 * Hit ratios of the cache beside an LRU of the same bytes that pays for payload only, and what one insertion
 * costs, the longest too (processor time: the machine may be shared). Run it by
 *
 *     node --import=tsx --conditions=minivault:source packages/storage/bench/cache.ts
 *
 * What was chosen and why: docs/decisions/0006-cache.md.
 */
import { CachedKeys } from '../test/fixtures/cached-keys.ts'
import { lruHitRatio, randomFrom, zipfTrace } from '../test/fixtures/traces.ts'

const KEYS = 50_000
const LENGTH = 400_000
const random = randomFrom(3)
const sizesOf = {
  '100 B': new Int32Array(KEYS).fill(100),
  '1 KiB': new Int32Array(KEYS).fill(1024),
  '64 B to 16 KiB': Int32Array.from({ length: KEYS }, () => Math.round(64 * 256 ** random())),
}
const zipfian = zipfTrace(KEYS, LENGTH)
const traces = {
  'zipf(0.99)': zipfian,
  'zipf(0.99), swept': zipfTrace(KEYS, LENGTH, 75_000),
  'zipf(0.99), moving': zipfian.map((key, i) => (key + Math.floor(i / 1000) * 13) % KEYS),
  uniform: Int32Array.from({ length: LENGTH }, () => Math.floor(random() * KEYS)),
}

console.log('| records | cache | reads | hits % | LRU % | full % | ns a read |')
console.log('|---|---|---|---|---|---|---|')
for (const [sizeName, sizes] of Object.entries(sizesOf)) {
  const total = sizes.reduce((sum, bytes) => sum + bytes, 0)
  for (const share of [0.02, 0.1]) {
    for (const [traceName, trace] of Object.entries(traces)) {
      const limitBytes = Math.round(total * share)
      const keys = new CachedKeys(sizes, limitBytes)
      const start = process.cpuUsage()
      let hits = 0
      for (const key of trace) if (keys.read(key)) hits += 1
      const { user, system } = process.cpuUsage(start)
      const ratios = [
        hits / LENGTH,
        lruHitRatio(trace, sizes, limitBytes),
        keys.cache.usedBytes / limitBytes,
      ].map((ratio) => (ratio * 100).toFixed(1))
      const ns = (((user + system) * 1000) / LENGTH).toFixed(0)
      console.log(`| ${sizeName} | ${share * 100} % | ${traceName} | ${ratios.join(' | ')} | ${ns} |`)
    }
  }
}

for (const [sizeName, sizes] of Object.entries(sizesOf)) {
  const keys = new CachedKeys(sizes, 8 << 20)
  const times: number[] = []
  for (const [i, key] of traces['zipf(0.99), swept'].entries()) {
    if (i > 200_000) break
    if (keys.referenceOf(key) !== 0) {
      keys.read(key)
      continue
    }
    const start = process.cpuUsage()
    keys.read(key)
    times.push(process.cpuUsage(start).user)
  }
  times.sort((a, b) => b - a)
  console.log(`longest insertions, ${sizeName}, in µs: ${times.slice(0, 5).join(', ')} of ${times.length}`)
}
