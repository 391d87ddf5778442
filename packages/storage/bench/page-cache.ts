/**
 * What a read costs whose record is not in the store's memory but in the system's page cache: `getSync` and
 * `view` over a store four times larger than its memory, beside one `fs.readSync` of as many bytes: of the
 * records' own places asked for by key, as a store must, and of any places. In turn in one process;
 * nanoseconds of processor time, best and median of some rounds. Run it by
 *
 *     node --import=tsx --conditions=minivault:source packages/storage/bench/page-cache.ts
 */
import { closeSync, mkdtempSync, openSync, readdirSync, readSync, rmSync, statSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { Store } from '@minivault/storage'

const ROUNDS = 9
const READS = 30_000
const KEY_COUNT = 20_000
const VALUE_BYTES = 1024
/** Entry header, record header, key, value. */
const ENTRY_BYTES = 8 + 24 + 16 + VALUE_BYTES
const directory = mkdtempSync(join(tmpdir(), 'minivault-bench-'))
const options = { directory, cacheBytes: (KEY_COUNT * ENTRY_BYTES) / 4, autoMerge: false }

const keys = Array.from({ length: KEY_COUNT }, (_, i) => Buffer.from(`key:${String(i).padStart(12, '0')}`))
const filling = await Store.open({ ...options, durability: 'memory' })
for (let i = 0; i < KEY_COUNT; i++) {
  // Incompressible, so that each record has its whole length on disk.
  await filling.set(keys[i]!, crypto.getRandomValues(new Uint8Array(VALUE_BYTES)))
}
await filling.close()
const store = await Store.open(options)
await store.loaded()
const folder = join(directory, 'log')
const files = readdirSync(folder)
  .filter((name) => name.endsWith('.seg'))
  .map((name) => ({ fd: openSync(join(folder, name)), bytes: statSync(join(folder, name)).size }))
  .filter(({ bytes }) => bytes > 1 << 20)

let state = 1
function below(limit: number): number {
  state = (Math.imul(state, 1664525) + 1013904223) | 0
  return (state >>> 0) % limit
}

const places = new Map<string, { fd: number; offset: number }>()
for (const { fd, bytes } of files) {
  const all = Buffer.alloc(bytes)
  readSync(fd, all, 0, bytes, 0)
  for (let at = all.indexOf('key:'); at >= 0; at = all.indexOf('key:', at + ENTRY_BYTES - 40)) {
    places.set(all.toString('latin1', at, at + 16), { fd, offset: at - 32 })
  }
}
const texts = keys.map(String)

const target = new Uint8Array(ENTRY_BYTES)
const cases: Record<string, () => void> = {
  'fs.readSync': () => {
    const { fd, bytes } = files[below(files.length)]!
    readSync(fd, target, 0, ENTRY_BYTES, below((bytes - ENTRY_BYTES) >>> 3) << 3)
  },
  'fs.readSync by a Map of keys': () => {
    const { fd, offset } = places.get(texts[below(KEY_COUNT)]!)!
    readSync(fd, target, 0, ENTRY_BYTES, offset)
  },
  getSync: () => {
    store.getSync(keys[below(KEY_COUNT)]!)
  },
  view: () => {
    store.view(keys[below(KEY_COUNT)]!)
  },
}

const rounds = new Map(Object.keys(cases).map((name) => [name, [] as number[]]))
for (let round = 0; round <= ROUNDS; round++) {
  for (const [name, read] of Object.entries(cases)) {
    const start = process.cpuUsage()
    for (let i = 0; i < READS; i++) read()
    const { user, system } = process.cpuUsage(start)
    if (round > 0) rounds.get(name)!.push(((user + system) * 1000) / READS)
  }
}
const best = (name: string) => Math.min(...rounds.get(name)!)
console.log('| what | best ns | median ns | × fs.readSync |')
console.log('|---|---|---|---|')
for (const [name, all] of rounds) {
  const median = all.sort((a, b) => a - b)[ROUNDS >> 1]!
  const ratio = best(name) / best('fs.readSync')
  console.log(`| ${name} | ${best(name).toFixed(0)} | ${median.toFixed(0)} | ${ratio.toFixed(2)} |`)
}
const { cacheBytes, cacheItems } = store.stats()
console.log(`${cacheItems} of ${KEY_COUNT} records in the cache, ${cacheBytes} bytes`)
for (const { fd } of files) closeSync(fd)
await store.close()
rmSync(directory, { recursive: true, force: true })
