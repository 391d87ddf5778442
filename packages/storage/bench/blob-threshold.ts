/**
 * From which size on a value is better off in a file of its own: set and get at each durability, in the log
 * against in a file, and what a merge adds to a value in the log. Best and median of some rounds that take
 * turns, since the machine may be shared. Run it by
 *
 *     node --import=tsx --conditions=minivault:source packages/storage/bench/blob-threshold.ts [MiB a round]
 *
 * Values above `BLOB_ABOVE_BYTES` never go to the log; to measure them there, raise it first. What follows
 * from the figures: docs/decisions/0004-blob-threshold.md.
 */
import { mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { hashKey } from '@minivault/codec'
import { BLOB_ABOVE_BYTES, type DurabilityName, Mutation, Store } from '@minivault/storage'

const ROUNDS = 5
const LEVELS = ['memory', 'os', 'fsync'] as const
const SIZES = [64, 128, 256, 512, 1024, 2048, 4096].map((kib) => kib * 1024)
const roundBytes = Number(process.argv[2] ?? 16) * 1024 * 1024
const directory = mkdtempSync(join(tmpdir(), 'minivault-threshold-'))
const encoder = new TextEncoder()
const levelOf = { memory: 0, os: 1, fsync: 2 } as const

type Way = 'log' | 'file'

/** Resolves what the engine answers to tokens of ours. */
const waiting = new Map<number, (error: Error | null) => void>()
let token = 0

async function setOne(store: Store, way: Way, key: string, value: Uint8Array, level: DurabilityName) {
  if (way === 'log') return store.set(key, value, { durability: level })
  const mutation = new Mutation()
  mutation.key = encoder.encode(key)
  mutation.keyEnd = mutation.key.length
  hashKey(mutation.key, 0, mutation.keyEnd, mutation.hash)
  mutation.durability = levelOf[level]
  store.clock.next(mutation.ballot)
  const own = ++token
  await new Promise<void>((resolve, reject) => {
    waiting.set(own, (error) => (error ? reject(error) : resolve()))
    store.engine.large.apply(mutation, Uint8Array.from(value), own)
  })
}

/** Milliseconds a value, one after the other. */
async function each(keys: readonly string[], run: (key: string) => Promise<unknown>): Promise<number> {
  const start = performance.now()
  for (const key of keys) await run(key)
  return (performance.now() - start) / keys.length
}

/** Milliseconds a value, eight in flight. */
async function eight(keys: readonly string[], run: (key: string) => Promise<unknown>): Promise<number> {
  const start = performance.now()
  let next = 0
  const lane = async () => {
    while (next < keys.length) await run(keys[next++]!)
  }
  await Promise.all(Array.from({ length: 8 }, lane))
  return (performance.now() - start) / keys.length
}

interface Figures {
  set: number
  setEight: number
  get: number
  merge: number
}

let folders = 0

function open(): Promise<Store> {
  return Store.open({
    directory: join(directory, `data${folders}`),
    cacheBytes: 64 * 1024 * 1024,
    compression: 'none',
    autoMerge: false,
    listener: {
      onApplied: (own, error) => {
        waiting.get(own)?.(error)
        waiting.delete(own)
      },
      onRead: () => {},
    },
  })
}

async function round(way: Way, size: number, level: DurabilityName): Promise<Figures> {
  folders += 1
  let store = await open()
  const keys = Array.from({ length: Math.max(8, Math.round(roundBytes / size)) }, (_, i) => `key ${i}`)
  const value = new Uint8Array(size)
  for (let i = 0; i < size; i += 4) value[i] = (i * 2_654_435_761) >>> 24
  const write = (key: string) => setOne(store, way, key, value, level)
  const set = await each(keys, write)
  const setEight = await eight(keys, write)
  await store.close()
  // Nothing of it lies in the store's memory now, all of it in the page cache.
  store = await open()
  const get = await each(keys, (key) => store.get(key))
  const start = performance.now()
  const { bytesAfter } = await store.merge()
  const merge = way === 'file' || bytesAfter === 0 ? 0 : ((performance.now() - start) * size) / bytesAfter
  await store.close()
  rmSync(join(directory, `data${folders}`), { recursive: true })
  return { set, setEight, get, merge }
}

const best = (all: Figures[], name: keyof Figures) => Math.min(...all.map((figures) => figures[name]))
const median = (all: Figures[], name: keyof Figures) =>
  all.map((figures) => figures[name]).sort((a, b) => a - b)[all.length >> 1]!

function cell(all: Figures[], name: keyof Figures): string {
  return all.length === 0 ? '–' : `${best(all, name).toFixed(2)} (${median(all, name).toFixed(2)})`
}

console.log('milliseconds a value, best (median)')
console.log('| level | KiB | set: log | file | 8 in flight: log | file | get: log | file | merge: log |')
console.log('|---|---|---|---|---|---|---|---|---|')
for (const level of LEVELS) {
  for (const size of SIZES) {
    const log: Figures[] = []
    const file: Figures[] = []
    for (let i = 0; i < ROUNDS; i++) {
      if (size <= BLOB_ABOVE_BYTES) log.push(await round('log', size, level))
      file.push(await round('file', size, level))
    }
    const names = ['set', 'setEight', 'get'] as const
    const cells = names.flatMap((name) => [cell(log, name), cell(file, name)])
    console.log(`| ${level} | ${size / 1024} | ${cells.join(' | ')} | ${cell(log, 'merge')} |`)
  }
}
rmSync(directory, { recursive: true })
