/**
 * What it costs to make a message bytes and to read it back, ns each: an offer and its answer are two
 * messages for each replica of each write.
 *
 *     node --import=tsx --conditions=minivault:source packages/cluster/bench/peer-form.ts
 *
 * Batches of 16 alike, as they come when much is written; kinds take turns, so that the compiled code meets
 * all of them. Each figure is the median of its rounds. Keys have 36 bytes; their hash is not in it.
 */
import { HybridLogicalClock, Version } from '@minivault/clock'
import type { HeldRecord, Key, Value } from '../src/index.ts'
import {
  MESSAGE,
  type Message,
  MessageWriter,
  type PeerForms,
  readMessages,
  VERDICT,
  ZERO,
} from '../src/index.ts'

const BATCH = 16
const ROUNDS = 60
const REPEATS = 2000

interface BenchKey extends Key {
  readonly bytes: Uint8Array
}
interface BenchValue extends Value {
  readonly data: Uint8Array
}

function keyOf(bytes: Uint8Array): BenchKey {
  return { bytes, id: '', high: 1, low: 2, partition: 3, leaf: 4 }
}

/** As `cloneBytes` of @minivault/codec. */
function copyOf(bytes: Uint8Array, start: number, end: number): Uint8Array {
  if (end - start > 48) return new Uint8Array(bytes.subarray(start, end))
  const copy = new Uint8Array(end - start)
  for (let index = 0; index < copy.length; index++) copy[index] = bytes[start + index]!
  return copy
}

const forms: PeerForms = {
  keys: {
    bytesOf: (key) => (key as BenchKey).bytes,
    make: (bytes, start, end) => keyOf(copyOf(bytes, start, end)),
  },
  values: {
    bytesOf: ({ bytes }) => bytes,
    write: (value, into, at) => into.set((value as BenchValue).data, at),
    read: (bytes, start, end): BenchValue => ({
      bytes: end - start,
      data: copyOf(bytes, start, end),
    }),
  },
  tables: {
    encode: () => new Uint8Array(),
    decode: () => {
      throw new Error('no layouts here')
    },
  },
}

const clock = new HybridLogicalClock({
  writerId: 7,
  now: () => Date.now(),
  boundMs: 0,
  persistBound: () => {},
})
const head = () => ({ exchange: 2 ** 47 + 12345, epoch: 3, time: clock.latest(new Version()) })
const key = keyOf(new Uint8Array(36).fill(0x6b))

function recordOf(valueBytes: number): HeldRecord {
  const id = clock.next(new Version())
  const value: BenchValue = { bytes: valueBytes, data: new Uint8Array(valueBytes).fill(7) }
  return { ballot: id, version: id, request: id, value, expiresAtMs: 0, sum: null }
}

const kinds: Record<string, () => Message> = {
  'offer, 64 B': () => ({
    kind: MESSAGE.offer,
    ...head(),
    key,
    record: recordOf(64),
    durability: 2,
    cause: 0,
  }),
  'offer, 1 KB': () => ({
    kind: MESSAGE.offer,
    ...head(),
    key,
    record: recordOf(1024),
    durability: 2,
    cause: 0,
  }),
  offered: () => ({
    kind: MESSAGE.offered,
    ...head(),
    votes: true,
    lives: [],
    verdict: VERDICT.held,
    above: ZERO,
  }),
  read: () => ({ kind: MESSAGE.read, ...head(), key, wantsValue: true }),
  'state, 64 B': () => ({
    kind: MESSAGE.state,
    ...head(),
    votes: true,
    lives: [],
    record: recordOf(64),
    isHeld: true,
  }),
  'state, 1 KB': () => ({
    kind: MESSAGE.state,
    ...head(),
    votes: true,
    lives: [],
    record: recordOf(1024),
    isHeld: true,
  }),
}

let sum = 0
const onMessage = (message: Message) => {
  sum += message.kind
}
const batches = Object.entries(kinds).map(([name, make]) => {
  const messages = Array.from({ length: BATCH }, make)
  const written = new MessageWriter(forms)
  for (const message of messages) written.add(message)
  const bytes = written.bytes.slice(0, written.length)
  return { name, messages, bytes, write: [] as number[], read: [] as number[] }
})
const writer = new MessageWriter(forms)
const PER_ROUND = Math.ceil(REPEATS / BATCH)

function timed(into: number[], task: () => void): void {
  const from = process.hrtime.bigint()
  for (let again = 0; again < PER_ROUND; again++) task()
  into.push(Number(process.hrtime.bigint() - from) / (PER_ROUND * BATCH))
}

for (let round = 0; round < ROUNDS; round++) {
  for (const { messages, bytes, write, read } of batches) {
    timed(write, () => {
      writer.clear()
      for (const message of messages) writer.add(message)
    })
    timed(read, () => {
      readMessages(bytes, 0, bytes.length, forms, onMessage)
    })
  }
}

const median = (all: number[]) => Math.round(all.sort((a, b) => a - b)[all.length >> 1]!)
console.log(`node ${process.version}, ns a message; ${sum}`)
console.table(
  Object.fromEntries(
    batches.map(({ name, bytes, write, read }) => {
      return [name, { bytes: bytes.length / BATCH, write: median(write), read: median(read) }]
    }),
  ),
)
