/**
 * What one operation of the store costs, in nanoseconds of processor time (the machine may be shared) and in
 * bytes of garbage: best of some rounds in one process, on a folder in the system's temporary folder. Run it
 * by
 *
 *     node --expose-gc --import=tsx --conditions=minivault:source packages/storage/bench/hot-path.ts [name…]
 *
 * Wanted figures and what was done about them: docs/decisions/0003-store-hot-path.md.
 */
import { mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { hashKey } from '@minivault/codec'
import { Mutation, Store } from '@minivault/storage'

const ROUNDS = 7
const KEY_COUNT = 100_000
const collectGarbage = (globalThis as { gc?: () => void }).gc
const wanted = process.argv.slice(2)
const directory = mkdtempSync(join(tmpdir(), 'minivault-bench-'))
const turn = () => new Promise<void>((resolve) => setImmediate(resolve))

interface Measured {
  name: string
  bestNs: number
  medianNs: number
  garbageBytes: number
}

/** `body` does `count` operations. */
async function measure(name: string, count: number, body: (count: number) => unknown): Promise<void> {
  if (wanted.length > 0 && !wanted.some((word) => name.includes(word))) return
  const rounds: number[] = []
  await body(count)
  for (let round = 0; round < ROUNDS; round++) {
    await turn()
    const start = process.cpuUsage()
    await body(count)
    const { user, system } = process.cpuUsage(start)
    rounds.push(((user + system) * 1000) / count)
  }
  rounds.sort((a, b) => a - b)
  const measured: Measured = {
    name,
    bestNs: Math.round(rounds[0]!),
    medianNs: Math.round(rounds[ROUNDS >> 1]!),
    garbageBytes: await garbageOf(body),
  }
  console.log(JSON.stringify(measured))
}

/**
 * Bytes allocated an operation, off-heap ones included; few enough operations that nothing is collected
 * meanwhile.
 */
async function garbageOf(body: (count: number) => unknown): Promise<number> {
  const count = 2000
  let least = Infinity
  for (let round = 0; round < 5; round++) {
    collectGarbage?.()
    const before = process.memoryUsage()
    await body(count)
    const after = process.memoryUsage()
    const bytes = after.heapUsed + after.arrayBuffers - before.heapUsed - before.arrayBuffers
    if (bytes >= 0) least = Math.min(least, bytes / count)
  }
  return Math.round(least)
}

function fill(mutation: Mutation, key: Uint8Array, value: Uint8Array, durability: 0 | 1): void {
  mutation.key = key
  mutation.keyEnd = key.length
  mutation.value = value
  mutation.valueEnd = value.length
  mutation.durability = durability
}

const store = await Store.open({ directory, durability: 'memory', autoMerge: false })
const keys = Array.from({ length: KEY_COUNT }, (_, i) => Buffer.from(`key:${String(i).padStart(12, '0')}`))
const hot = keys[7]!
const mutation = new Mutation()
/** Incompressible, so that the compressor has nothing to gain. */
const noiseOf = (bytes: number) => Buffer.from(Array.from({ length: bytes }, () => Math.random() * 256))
const [small, large] = [noiseOf(64), noiseOf(1024)]

function applyOne(key: Uint8Array, value: Uint8Array, durability: 0 | 1): void {
  fill(mutation, key, value, durability)
  hashKey(key, 0, key.length, mutation.hash)
  store.clock.next(mutation.ballot)
  store.apply(mutation, 1)
}

async function applyInTurns(count: number, value: Uint8Array): Promise<void> {
  for (let i = 0; i < count; i++) {
    applyOne(keys[i % KEY_COUNT]!, value, 1)
    if (i % 64 === 63) await turn()
  }
}

function readAll(count: number): number {
  let found = 0
  for (let i = 0; i < count; i++) {
    const key = keys[(i * 7919) % KEY_COUNT]!
    hashKey(key, 0, key.length, mutation.hash)
    if (store.read(key, 0, key.length, mutation.hash, 1) && store.found.exists) found += 1
  }
  return found
}

function applyAll(count: number, value: Uint8Array): void {
  for (let i = 0; i < count; i++) applyOne(keys[i % KEY_COUNT]!, value, 0)
}

await measure('hashKey 16 B', 1e6, (count) => {
  for (let i = 0; i < count; i++) hashKey(hot, 0, hot.length, mutation.hash)
})
await measure('clock.next', 1e6, (count) => {
  for (let i = 0; i < count; i++) store.clock.next(mutation.ballot)
})
applyOne(hot, large, 0)
await measure('read hot 1 KB', 1e6, (count) => {
  for (let i = 0; i < count; i++) {
    hashKey(hot, 0, hot.length, mutation.hash)
    store.read(hot, 0, hot.length, mutation.hash, 1)
  }
})
await measure('view hot 1 KB', 1e6, (count) => {
  for (let i = 0; i < count; i++) store.view(hot)
})
await measure('getSync hot 1 KB', 2e5, (count) => {
  for (let i = 0; i < count; i++) store.getSync(hot)
})
await measure('get hot 1 KB', 1e5, async (count) => {
  for (let i = 0; i < count; i++) await store.get(hot)
})
await measure('apply 64 B memory', 2e5, (count) => applyAll(count, small))
await measure('apply 1 KB memory', 1e5, (count) => applyAll(count, large))
await measure('apply 64 B os, 64 a turn', 1e5, (count) => applyInTurns(count, small))
await measure('apply 1 KB os, 64 a turn', 5e4, (count) => applyInTurns(count, large))
await measure('set 64 B memory', 1e5, async (count) => {
  for (let i = 0; i < count; i++) await store.set(keys[i % KEY_COUNT]!, small)
})
applyAll(KEY_COUNT, small)
await measure('read 64 B of 100,000 keys', 5e5, readAll)
await store.close()
rmSync(directory, { recursive: true, force: true })
