/** What members send each other, as bytes: the vectors both ways, and what is refused. */
import { readdirSync, readFileSync } from 'node:fs'
import { Version } from '@minivault/clock'
import { createLayout } from '@minivault/topology'
import t from 'tap'
import {
  BATCH,
  BatchHeader,
  encodeStart,
  firstState,
  HEADER_ERROR,
  HeaderWriter,
  type HeldRecord,
  type LayoutState,
  MALFORMED,
  MESSAGE,
  type Message,
  MessageWriter,
  readMessages,
  readStarts,
  type StartMessage,
  VERDICT,
  ZERO,
} from '../src/index.ts'
import { forms, hexValue, keyOf, tables } from './support/peer-forms.ts'

const ballot = Version.of(0x010203040506, 1, 7)
const version = Version.of(0x010203040506, 0, 7)
const request = Version.of(0x010203040505, 3, 0xfffffff0)
const head = { exchange: 0x1_23456789, epoch: 7, time: Version.of(0x01a2b3c4d5e6, 2, 9) }
const lives = [
  { member: 0, life: 0x1_89abcdef },
  { member: 2, life: 0x7_00000001 },
]
const none: typeof lives = []
const [key, other] = [keyOf('user:1'), keyOf('\xff')]
const hello = hexValue('000000000500000068656c6c6f')
const tombstone: HeldRecord = { ballot, version, request, value: null, expiresAtMs: 0, sum: null }
const floor = { partition: 7, leaf: 0x1a, upTo: ballot, expiredBeforeMs: 0x01a2b3c4d5e0 }
const evidence = [
  { ballot, version, sum: -2n },
  { ballot: version, version, sum: null },
]
const digests = Int32Array.from({ length: 514 }, (_, index) => (index < 512 ? index : -index))
const state: LayoutState = firstState(createLayout([{ name: 'localhost:3001' }]))

/** What each vector in test/vectors/ says. */
const MESSAGES: Readonly<Record<string, Message>> = {
  offer: {
    kind: MESSAGE.offer,
    ...head,
    key,
    record: { ...tombstone, value: hello, expiresAtMs: 0x01a2b3c4e000 },
    durability: 2,
    cause: 0,
  },
  offered: { kind: MESSAGE.offered, ...head, votes: true, lives, verdict: VERDICT.held, above: ZERO },
  prepare: { kind: MESSAGE.prepare, ...head, key, ballot, request, attempt: 1 },
  promised: {
    kind: MESSAGE.promised,
    ...head,
    votes: true,
    lives: none,
    verdict: VERDICT.held,
    above: ZERO,
    record: { ...tombstone, value: hello, sum: -2n },
    evidence,
    isForgetful: true,
    isHeld: true,
  },
  read: { kind: MESSAGE.read, ...head, key, wantsValue: true },
  state: {
    kind: MESSAGE.state,
    ...head,
    votes: true,
    lives: none,
    record: { ...tombstone, value: undefined },
    isHeld: true,
  },
  roots: { kind: MESSAGE.roots, ...head, partitions: [7, 0x3ff], roots: Int32Array.of(1, -2, 0, 0) },
  'roots-differ': { kind: MESSAGE.rootsDiffer, ...head, partitions: [7] },
  leaves: {
    kind: MESSAGE.leaves,
    ...head,
    partition: 7,
    digests,
    from: 3,
    floors: [floor],
    wantsRecords: false,
  },
  entries: {
    kind: MESSAGE.entries,
    ...head,
    leaves: [0x1a, 0xff],
    entries: [
      { key, ballot },
      { key: other, ballot: version },
    ],
    next: 0x100,
    floors: [floor],
  },
  fetch: { kind: MESSAGE.fetch, ...head, keys: [key, other] },
  fetched: { kind: MESSAGE.fetched, ...head, records: [{ key, record: tombstone }], answered: 2 },
  introduce: { kind: MESSAGE.introduce, ...head, life: 0x1_89abcdef, partitions: [7, 0x3ff] },
  introduced: {
    kind: MESSAGE.introduced,
    ...head,
    lives,
    votes: [true, false],
    promised: [ballot, new Version()],
    floors: [floor],
  },
  fence: { kind: MESSAGE.fence, ...head, ...floor },
  fenced: { kind: MESSAGE.fenced, ...head, lives: lives.slice(0, 1), digest: Int32Array.of(-1, 5) },
  release: { kind: MESSAGE.release, ...head, ...floor },
  released: { kind: MESSAGE.released, ...head, partition: 7, leaf: 0x1a },
  hello: { kind: MESSAGE.hello, ...head, lives, votes: true },
  learn: { kind: MESSAGE.learn, ...head },
  layout: { kind: MESSAGE.layout, ...head, state },
  ready: { kind: MESSAGE.ready, ...head },
  'leaves-of-records': {
    kind: MESSAGE.leaves,
    ...head,
    partition: 7,
    digests,
    from: 3,
    floors: [floor],
    wantsRecords: true,
  },
  copied: {
    kind: MESSAGE.copied,
    ...head,
    leaves: [0x1a, 0xff],
    entries: [{ key: other, ballot: version }],
    next: 0x100,
    floors: [floor],
    records: [{ key, record: tombstone }],
  },
}

const clusterId = '101112131415161718191a1b1c1d1e1f'
const membersHash = 'c4e123d36d5b10f0'
const nodeId = '202122232425262728292a2b2c2d2e2f'
const asking = 0x1_23456789
const STARTS: Readonly<Record<string, StartMessage<LayoutState>>> = {
  'start-whose': { kind: 'whose', asking, clusterId: null },
  'start-theirs': { kind: 'theirs', asking, clusterId, membersHash, layout: state, hasHeardOfYou: true },
}

const VECTORS = new URL('vectors/', import.meta.url)
const hexOf = (bytes: Uint8Array) => Buffer.from(bytes).toString('hex')
const vector = (name: string): Buffer => {
  const text = readFileSync(new URL(`peer-${name}.hex`, VECTORS), 'utf8')
  return Buffer.from(text.replace(/#.*/g, '').replace(/\s/g, ''), 'hex')
}

function read(bytes: Uint8Array, start = 0, end = bytes.length): Message[] | number {
  const messages: Message[] = []
  const count = readMessages(bytes, start, end, forms, (message) => messages.push(message))
  return count < 0 ? count : messages
}

t.test('the vectors, both ways', async (t) => {
  const writer = new MessageWriter(forms)
  for (const [name, message] of Object.entries(MESSAGES)) {
    const bytes = vector(name)
    writer.clear()
    t.ok(writer.add(message))
    t.equal(hexOf(writer.bytes.subarray(0, writer.length)), hexOf(bytes), name)
    t.strictSame(read(bytes), [message], name)
  }
  for (const [name, message] of Object.entries(STARTS)) {
    const bytes = vector(name)
    t.equal(hexOf(encodeStart(message, tables)), hexOf(bytes), name)
    const read: unknown[] = []
    t.equal(
      readStarts(bytes, 0, bytes.length, tables, (one) => read.push(one)),
      1,
    )
    t.strictSame(read, [message], name)
  }
  const names = readdirSync(VECTORS).filter((name) => name.startsWith('peer-'))
  const others = ['batch-header', 'list-which', 'list-these']
  const known = [...Object.keys(MESSAGES), ...Object.keys(STARTS), ...others]
  t.same(names.sort(), known.map((name) => `peer-${name}.hex`).sort())
})

t.test('a message has the shape of the one that the core makes', async (t) => {
  for (const [name, message] of Object.entries(MESSAGES)) {
    const [back] = read(vector(name)) as Message[]
    t.same(Object.keys(back!), Object.keys(message), name)
  }
})

t.test('many in a row, anywhere in a buffer', async (t) => {
  const messages = Object.values(MESSAGES)
  const writer = new MessageWriter(forms)
  for (const message of messages) writer.add(message)
  const bytes = Buffer.concat([Buffer.alloc(13, 0xee), writer.bytes.subarray(0, writer.length)])
  t.strictSame(read(bytes, 13), messages)
  t.strictSame(read(bytes, 13, 13), [])
})

t.test('cut anywhere, or with a byte more, it is malformed', async (t) => {
  for (const name of Object.keys(MESSAGES)) {
    const bytes = vector(name)
    const cuts = [...bytes.keys()].slice(1).filter((cut) => cut < 200 || cut % 97 === 0)
    for (const cut of cuts) {
      t.equal(read(bytes, 0, cut), MALFORMED, `${name} ${cut}`)
      const short = Buffer.from(bytes.subarray(0, cut))
      if (cut < 32) continue
      short.writeUInt32LE(cut, 4)
      t.equal(read(short), MALFORMED, `${name} says ${cut}`)
    }
    const longer = Buffer.concat([bytes, Buffer.alloc(1)])
    longer.writeUInt32LE(longer.length, 4)
    t.equal(read(longer), MALFORMED, `${name} is longer`)
  }
})

t.test('what no kind has is malformed', async (t) => {
  const refused = (name: string, at: number, byte: number) => {
    const bytes = vector(name)
    bytes[at] = byte
    t.equal(read(bytes), MALFORMED, `${name} ${at}`)
  }
  refused('learn', 0, 0)
  refused('learn', 0, 24)
  refused('learn', 1, 1)
  refused('offered', 1, 2)
  refused('read', 1, 16)
  refused('learn', 4, 31)
  refused('learn', 14, 0x20)
  refused('hello', 42, 0x20)
  refused('offer', 32, 3)
  refused('offer', 33, 5)
  refused('offer', 42 + 42, 3)
  refused('offer', 42 + 42, 0)
  refused('offer', 42 + 43, 2)
  refused('offer', 42 + 48, 0xff)
  refused('offered', 32 + 24, 5)
  refused('promised', 32, 5)
  refused('leaves', 35, 2)
  refused('entries', 33, 2)
  refused('introduced', 32 + 24 + 4, 2)
  refused('layout', 60, 1)
  t.strictSame(read(vector('released').fill(9, 35, 35)), [MESSAGES['released']])
})

t.test('what stands before a bad message was handed over', async (t) => {
  const messages: Message[] = []
  const bytes = Buffer.concat([vector('hello'), vector('learn'), vector('offer').subarray(0, 60)])
  t.equal(
    readMessages(bytes, 0, bytes.length, forms, (message) => messages.push(message)),
    MALFORMED,
  )
  t.strictSame(messages, [MESSAGES['hello'], MESSAGES['learn']])
})

t.test('more than a message can say is not added', async (t) => {
  const writer = new MessageWriter(forms)
  writer.add(MESSAGES['learn']!)
  const many = new Array(0x10000).fill(7)
  t.notOk(writer.add({ kind: MESSAGE.rootsDiffer, ...head, partitions: many }))
  t.notOk(writer.add({ kind: MESSAGE.read, ...head, key: keyOf('x'.repeat(0x10000)), wantsValue: false }))
  const large = { ...tombstone, value: hexValue('00'.repeat(3 * 1024 * 1024)) }
  const records = [1, 2].map(() => ({ key, record: large }))
  t.notOk(writer.add({ kind: MESSAGE.fetched, ...head, records, answered: 2 }))
  t.ok(writer.add({ kind: MESSAGE.fetched, ...head, records: records.slice(1), answered: 1 }))
  t.ok(writer.bytes.length > 3 * 1024 * 1024)
  writer.clear()
  t.ok(writer.bytes.length < 128 * 1024)
  t.equal(writer.length, 0)
})

t.test('the header of a batch', async (t) => {
  const facts = { clusterId, nodeId, membersHash, name: 'localhost:3001' }
  const writer = new HeaderWriter(facts)
  const bytes = Buffer.alloc(writer.length + 3)
  writer.write(BATCH.messages, 0x01a2b3c4d5e6, bytes, 3)
  t.equal(hexOf(bytes.subarray(3)), hexOf(vector('batch-header')))
  const header = new BatchHeader()
  const check = (kind: number, wallMs: number, expected: object) => {
    t.equal(header.read(bytes, 3, bytes.length), bytes.length)
    const { clusterId, nodeId, membersHash, name } = header
    t.same([header.kind, header.wallMs, { clusterId, nodeId, membersHash, name }], [kind, wallMs, expected])
  }
  check(BATCH.messages, 0x01a2b3c4d5e6, facts)
  writer.write(BATCH.firstStart, 2 ** 48 - 1, bytes, 3)
  check(BATCH.firstStart, 2 ** 48 - 1, facts)
  const unknown = { ...facts, clusterId: null }
  new HeaderWriter(unknown).write(BATCH.firstStart, 0, bytes, 3)
  check(BATCH.firstStart, 0, unknown)
  bytes[bytes.length - 1] = 0x32
  check(BATCH.firstStart, 0, { ...unknown, name: 'localhost:3002' })
  for (let cut = 3; cut < bytes.length; cut++) t.equal(header.read(bytes, 3, cut), HEADER_ERROR.malformed)
  bytes[7] = 2
  t.equal(header.read(bytes, 3, bytes.length), HEADER_ERROR.otherVersion)
  t.equal(header.version, 2)
  bytes[3] = 0
  t.equal(header.read(bytes, 3, bytes.length), HEADER_ERROR.malformed)
  for (const bad of [
    { name: '' },
    { name: 'ä' },
    { clusterId: 'ABC' },
    { nodeId: '' },
    { membersHash: 'x'.repeat(16) },
  ]) {
    t.throws(() => new HeaderWriter({ ...facts, ...bad }), RangeError)
  }
})

t.test('first starts that are cut, or none', async (t) => {
  const count = (bytes: Uint8Array, end = bytes.length) => readStarts(bytes, 0, end, tables, () => {})
  for (const name of Object.keys(STARTS)) {
    const bytes = vector(name)
    for (let cut = 1; cut < bytes.length; cut += cut < 100 ? 1 : 97) t.equal(count(bytes, cut), -1)
    t.equal(count(Buffer.concat([bytes, bytes])), 2)
    t.equal(count(Buffer.concat([bytes, Buffer.alloc(1)])), -1)
    for (const kind of [0, 3]) t.equal(count(Buffer.concat([Buffer.of(kind), bytes.subarray(1)])), -1)
  }
  const damaged = vector('start-theirs')
  damaged[100]! ^= 1
  t.equal(count(damaged), -1)
  const empty = { ...STARTS['start-theirs']!, layout: null, clusterId: null } as StartMessage<LayoutState>
  t.equal(count(encodeStart(empty, tables)), 1)
})
