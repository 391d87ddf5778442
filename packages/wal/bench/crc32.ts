/**
 * Checksum candidates beside each other, nanoseconds an entry: docs/decisions/0007-checksums-and-hashing.md.
 *
 *     node --import=tsx --conditions=minivault:source packages/wal/bench/crc32.ts
 *
 * One entry a call, and all entries of a commit block. Candidates take turns, each figure is the median of
 * its rounds. CRC-32s must agree on all they are given. Prints one NDJSON line at the end.
 */
import { readFileSync } from 'node:fs'
import { createRequire } from 'node:module'
import { performance } from 'node:perf_hooks'
import { crc32 as native } from 'node:zlib'
import wabt from 'wabt'
import { crc32, crc32Sliced, NATIVE_BYTES_MIN } from '../src/crc32.ts'
import { CRC32_MODULE } from '../src/crc32-module.ts'
import { sealEntries } from '../src/entry-checksums.ts'
import { entryBytes } from '../src/segment-format.ts'
import { slicingBy4, slicingBy8, slicingBy16, slicingWords } from './slicing.ts'

interface Routines {
  memory: { buffer: ArrayBuffer; grow(pages: number): void }
  crc(at: number, end: number, seed: number): number
  one(at: number, end: number, seed: number): number
  seal(at: number, end: number, seed: number): void
}
const { WebAssembly } = globalThis as unknown as {
  WebAssembly: {
    Module: new (bytes: Uint8Array) => object
    Instance: new (module: object) => { exports: unknown }
  }
}
const { XXHash3 } = createRequire(new URL('../../codec/package.json', import.meta.url))('xxhash-addon') as {
  XXHash3: { hash(bytes: Uint8Array): Uint8Array }
}

const ROUNDS = 41
const BLOCK_BYTES_MAX = 1 << 20
const TABLES_BYTES = 16_384
/** More than this is not copied at once, so that it stays in the processor's cache. */
const COPY_BYTES_MAX = 64 << 10

function instance(module: Uint8Array): Routines {
  const { exports } = new WebAssembly.Instance(new WebAssembly.Module(module))
  const routines = exports as Routines
  const missing = TABLES_BYTES + 2 * BLOCK_BYTES_MAX - routines.memory.buffer.byteLength
  if (missing > 0) routines.memory.grow(Math.ceil(missing / 65_536))
  return routines
}

/** The memory of this module is the log's window here, and all others read from it as well. */
const inPlace = instance(Buffer.from(CRC32_MODULE, 'base64'))
const bytes = new Uint8Array(inPlace.memory.buffer)
const words = new Int32Array(inPlace.memory.buffer)
const view = new DataView(inPlace.memory.buffer)
for (let i = 0; i < 256; i++) words[i] = ~crc32Sliced(Uint8Array.of(i), 0, 1, -1)
for (let i = 256; i < TABLES_BYTES / 4; i++) {
  words[i] = (words[i - 256]! >>> 8) ^ words[words[i - 256]! & 0xff]!
}
for (let i = TABLES_BYTES; i < bytes.length; i++) bytes[i] = (i * 2654435761) >>> 13

/** Into the memories of these two each piece is copied. */
const copying = instance(Buffer.from(CRC32_MODULE, 'base64'))
const copied = new Uint8Array(copying.memory.buffer)
copied.set(bytes.subarray(0, TABLES_BYTES))
const source = readFileSync(new URL('xxhash64-entries.wat', import.meta.url), 'utf8')
const hashing = instance((await wabt()).parseWat('xxhash64-entries.wat', source).toBinary({}).buffer)
const hashed = new Uint8Array(hashing.memory.buffer)

type Sum = (start: number, end: number, seed: number) => number
const sums: Record<string, Sum> = {
  'slicing by 4': (start, end, seed) => slicingBy4(bytes, start, end, seed),
  'slicing by 8': (start, end, seed) => slicingBy8(bytes, start, end, seed),
  'slicing by 16': (start, end, seed) => slicingBy16(bytes, start, end, seed),
  'slicing by 16, from words': (start, end, seed) => slicingWords(words, bytes, start, end, seed),
  'WebAssembly, copied': (start, end, seed) => {
    copied.set(bytes.subarray(start, end), TABLES_BYTES)
    return copying.crc(TABLES_BYTES, TABLES_BYTES + end - start, seed)
  },
  'WebAssembly, in place': (start, end, seed) => inPlace.crc(start, end, seed),
  'xxhash64, WebAssembly, copied': (start, end, seed) => {
    hashed.set(bytes.subarray(start, end), TABLES_BYTES)
    return hashing.one(TABLES_BYTES, TABLES_BYTES + end - start, seed)
  },
  'zlib.crc32': (start, end, seed) => native(bytes.subarray(start, end), seed >>> 0) | 0,
  'XXH3, xxhash-addon': (start, end) => {
    const hash = XXHash3.hash(bytes.subarray(start, end))
    return (hash[4]! << 24) | (hash[5]! << 16) | (hash[6]! << 8) | hash[7]!
  },
  'as the log does': (start, end, seed) => crc32(bytes, start, end, seed),
}

/** Takes the checksums of the entries of a block one by one. */
function sealBy(sum: Sum, payloadBytes: number, start: number, end: number): void {
  const whole = entryBytes(payloadBytes)
  for (let at = start; at < end; at += whole)
    view.setInt32(at, sum(at + 4, at + 8 + payloadBytes, at - start), true)
}

/** Takes them all by one call on a copy, and brings them back. */
function sealCopy(routines: Routines, memory: Uint8Array, start: number, end: number, whole: number): void {
  const sealed = new DataView(memory.buffer)
  for (let at = start; at < end; ) {
    const pieceEnd = Math.min(end, at + Math.max(whole, COPY_BYTES_MAX - (COPY_BYTES_MAX % whole)))
    memory.set(bytes.subarray(at, pieceEnd), TABLES_BYTES)
    routines.seal(TABLES_BYTES, TABLES_BYTES + pieceEnd - at, at - start)
    for (let to = TABLES_BYTES; at < pieceEnd; at += whole, to += whole) {
      view.setInt32(at, sealed.getInt32(to, true), true)
    }
  }
}

/** ns a call of each candidate: they take turns, and the median of the rounds counts. */
function measure(candidates: Record<string, () => void>, calls: number): Record<string, number> {
  const times = new Map<string, number[]>(Object.keys(candidates).map((name) => [name, []]))
  for (let round = 0; round < ROUNDS; round++) {
    for (const [name, run] of Object.entries(candidates)) {
      const start = performance.now()
      run()
      if (round > 4) times.get(name)!.push(((performance.now() - start) * 1e6) / calls)
    }
  }
  const median = (list: number[]): number => list.sort((a, b) => a - b)[list.length >> 1]!
  return Object.fromEntries([...times].map(([name, list]) => [name, rounded(median(list))]))
}

/** One entry a call, somewhere in the window. */
function single(size: number): Record<string, number> {
  const calls = Math.ceil((1 << 20) / (size + 200))
  const candidates: Record<string, () => void> = {}
  const results = new Map<string, number>()
  for (const [name, sum] of Object.entries(sums)) {
    candidates[name] = () => {
      let last = 0
      for (let i = 0; i < calls; i++) {
        const at = TABLES_BYTES + ((i * 136) & 0xffff8)
        last = sum(at + 4, at + 4 + size, last)
      }
      results.set(name, last)
    }
  }
  const measured = measure(candidates, calls)
  agree(results)
  return measured
}

/** All entries of a block of about `blockBytes`. */
function block(blockBytes: number, payloadBytes: number): Record<string, number> {
  const whole = entryBytes(payloadBytes)
  const count = Math.max(1, Math.floor(blockBytes / whole))
  const start = TABLES_BYTES
  const end = start + count * whole
  for (let i = 0; i < count; i++) view.setInt32(start + i * whole + 4, payloadBytes, true)
  const repeats = Math.max(1, Math.floor((512 << 10) / (end - start)))
  const ways: Record<string, () => void> = {}
  for (const [name, sum] of Object.entries(sums)) ways[name] = () => sealBy(sum, payloadBytes, start, end)
  ways['WebAssembly, copied'] = () => sealCopy(copying, copied, start, end, whole)
  ways['xxhash64, WebAssembly, copied'] = () => sealCopy(hashing, hashed, start, end, whole)
  ways['WebAssembly, in place'] = () => inPlace.seal(start, end, 0)
  ways['as the log does'] = () => sealEntries(view, bytes, start, end, 0, 0)
  ways['zlib.crc32, one for the block'] = () => void native(bytes.subarray(start, end))
  ways['XXH3, one for the block'] = () => void XXHash3.hash(bytes.subarray(start, end))
  const candidates: Record<string, () => void> = {}
  for (const [name, way] of Object.entries(ways)) {
    candidates[name] = () => {
      for (let i = 0; i < repeats; i++) way()
    }
  }
  return measure(candidates, count * repeats)
}

function rounded(ns: number): number {
  return ns < 20 ? Math.round(ns * 10) / 10 : Math.round(ns)
}

function agree(results: Map<string, number>): void {
  for (const [name, result] of results) {
    if (name.toLowerCase().startsWith('xxh') || result === results.get('as the log does')) continue
    throw new Error(`${name} takes another checksum`)
  }
}

const table: Record<string, Record<string, number>> = {}
function add(column: string, figures: Record<string, number>): void {
  for (const [name, figure] of Object.entries(figures)) (table[name] ??= {})[column] = figure
}
for (const size of [64, 108, 256, 1024, NATIVE_BYTES_MIN, 16_384]) add(`one, ${size} B`, single(size))
for (const kib of [4, 64, 256, 1024]) {
  for (const size of [64, 104, 1024, 16_384]) {
    if (size < kib << 10) add(`${kib} KiB of ${size} B`, block(kib << 10, size))
  }
}
console.log(`node ${process.version}, ns an entry`)
const columns = Object.keys(table['as the log does']!)
console.log(`| |${columns.map((column) => ` ${column} |`).join('')}`)
for (const [name, row] of Object.entries(table)) {
  console.log(`| ${name} |${columns.map((column) => ` ${row[column] ?? ''} |`).join('')}`)
}
console.log(JSON.stringify({ bench: 'crc32', node: process.version, table }))
