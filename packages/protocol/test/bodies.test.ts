/**
 * What SCAN, BATCH and INCREMENT carry, against the vectors and against a plain reference: bytes to fields
 * and back, cut anywhere, changed anywhere.
 */
import fc from 'fast-check'
import t from 'tap'
import * as protocol from '../src/index.ts'
import {
  BATCH_OPERATIONS_MAX,
  type BatchWrite,
  decodeBatch,
  decodeScanPage,
  decodeVersions,
  ERROR,
  encodeBatch,
  encodeScanRequest,
  encodeVersions,
  FRAME_OPCODE,
  FRAME_REPLY_HEAD_BYTES,
  FRAME_REQUEST_HEAD_BYTES,
  flagsFit,
  readI64,
  SCAN_PAGE_BYTES_MAX,
  SCAN_PAGE_HEAD_BYTES,
  ScanPageEntry,
  ScanPageWriter,
  writeI64,
} from '../src/index.ts'
import { bodiesOf, readBatch, readScanPage, readScanRequest } from '../src/testing/index.ts'
import { vector } from './support/vectors.ts'

const FIRST_ID = '018c2f3a4b5c0001decade01'
const SECOND_ID = '018c2f3a4b600000a0000002'
const THIRD_ID = '018c2f3a4b610000a0000002'
const EMPTY = new Uint8Array(0)

const hex = (bytes: Uint8Array) => Buffer.from(bytes).toString('hex')
const latin1 = (text: string) => Buffer.from(text, 'latin1')
const requestBody = (name: string, keyBytes = 0) => vector(name).slice(FRAME_REQUEST_HEAD_BYTES + keyBytes)
const replyBody = (name: string) => vector(name).slice(FRAME_REPLY_HEAD_BYTES)

const { scanRequest, scanPage, batch } = bodiesOf(protocol)

const PAGE = {
  cursor: 'CURSOR',
  entries: [
    {
      ...{ isJson: false, isTooLarge: false, valueBytes: 3, version: FIRST_ID, expiresAtMs: 0 },
      ...{ key: 'a', value: 'Ada' },
    },
    {
      ...{ isJson: true, isTooLarge: false, valueBytes: 2, version: SECOND_ID, expiresAtMs: 0x18c2f3a4b5c },
      ...{ key: 'bb', value: '42' },
    },
    {
      ...{ isJson: false, isTooLarge: true, valueBytes: 104_857_600, version: THIRD_ID, expiresAtMs: 0 },
      ...{ key: 'c', value: '' },
    },
  ],
}

/** Each body with its decoder under test, its reference, and how it is written. */
const BODIES = {
  scan: { body: requestBody('frame-scan'), decode: scanRequest, reference: readScanRequest },
  scanRange: { body: requestBody('frame-scan-range', 5), decode: scanRequest, reference: readScanRequest },
  page: {
    body: replyBody('frame-reply-scan'),
    decode: (body: Uint8Array) => scanPage(body, false),
    reference: (body: Uint8Array) => readScanPage(body, false),
  },
  keysPage: {
    body: replyBody('frame-reply-scan-keys'),
    decode: (body: Uint8Array) => scanPage(body, true),
    reference: (body: Uint8Array) => readScanPage(body, true),
  },
  batch: { body: requestBody('frame-batch'), decode: batch, reference: readBatch },
}

function writtenPage(page: typeof PAGE, start = 3): Uint8Array {
  const target = new Uint8Array(SCAN_PAGE_BYTES_MAX + 10).fill(0xaa)
  const writer = new ScanPageWriter()
  writer.begin(target, start, SCAN_PAGE_BYTES_MAX)
  const entry = new ScanPageEntry()
  for (const { key, value, version, ...fields } of page.entries) {
    Object.assign(entry, fields)
    const bytes = Buffer.from(version, 'hex')
    entry.version.set(bytes.readInt32BE(0), bytes.readInt32BE(4), bytes.readInt32BE(8))
    writer.add(entry, latin1(key), latin1(value))
  }
  const next = writer.finish(latin1(page.cursor))
  const around = [...target.subarray(0, start), ...target.subarray(next, next + 4)]
  if (around.some((byte) => byte !== 0xaa)) throw new Error('the writer wrote beside its place')
  return target.slice(start, next)
}

t.test('the vectors, both ways', async (t) => {
  t.same(scanRequest(BODIES.scan.body), {
    ...{ entriesMax: 1000, bytesMax: SCAN_PAGE_BYTES_MAX, fromExclusive: false, toInclusive: false },
    ...{ from: '', to: '', cursor: '' },
  })
  t.equal(hex(encodeScanRequest({})), hex(BODIES.scan.body))
  const wanted = { entriesMax: 2, bytesMax: 4096, fromExclusive: true, toInclusive: true }
  t.same(scanRequest(BODIES.scanRange.body), { ...wanted, from: 'user:1', to: 'user:9', cursor: 'CURSOR' })
  const bounds = { from: latin1('user:1'), to: latin1('user:9'), cursor: latin1('CURSOR') }
  t.equal(hex(encodeScanRequest({ ...wanted, ...bounds })), hex(BODIES.scanRange.body))

  t.same(scanPage(BODIES.page.body, false), PAGE)
  t.equal(hex(writtenPage(PAGE)), hex(BODIES.page.body))
  const keys = readScanPage(BODIES.keysPage.body, true) as typeof PAGE
  t.same(scanPage(BODIES.keysPage.body, true), keys)
  t.same(
    [keys.cursor, keys.entries.map(({ key, valueBytes }) => [key, valueBytes])],
    [
      '',
      [
        ['user:9', 12],
        ['user:8', 5],
      ],
    ],
  )
  t.equal(hex(writtenPage(keys)), hex(BODIES.keysPage.body))

  t.same(batch(BODIES.batch.body), [
    { opcode: FRAME_OPCODE.set, isJson: true, ttlMs: 60_000, key: 'a', value: '42' },
    { opcode: FRAME_OPCODE.delete, isJson: false, ttlMs: 0, key: 'bb', value: '' },
    { opcode: FRAME_OPCODE.set, isJson: false, ttlMs: 0, key: 'c', value: '' },
  ])
  const writes: BatchWrite[] = [
    { key: latin1('a'), value: latin1('42'), isJson: true, ttlMs: 60_000 },
    { key: latin1('bb'), value: null },
    { key: latin1('c'), value: EMPTY },
  ]
  t.equal(hex(encodeBatch(writes)), hex(BODIES.batch.body))
  const versions = replyBody('frame-reply-batch')
  t.same(decodeVersions(versions, 0, versions.length, 3), [FIRST_ID, SECOND_ID, THIRD_ID])
  t.equal(hex(encodeVersions([FIRST_ID, SECOND_ID, THIRD_ID])), hex(versions))
  t.equal(decodeVersions(versions, 0, versions.length, 2), null)
  t.equal(decodeVersions(versions, 0, versions.length - 1, 3), null)
  t.equal(readI64(requestBody('frame-increment', 4), 0), -2n)
  t.equal(readI64(replyBody('frame-reply-increment'), 0), 40n)
})

t.test('cut at every byte, and with every byte changed to every other: as the reference', async (t) => {
  for (const [name, { body, decode, reference }] of Object.entries(BODIES)) {
    for (let cut = 0; cut < body.length; cut++) {
      const piece = body.subarray(0, cut)
      if (JSON.stringify(decode(piece)) !== JSON.stringify(reference(piece))) t.fail(`${name} cut at ${cut}`)
    }
    const changed = new Uint8Array(body)
    let refused = 0
    for (let at = 0; at < body.length; at++) {
      for (let byte = 0; byte < 256; byte++) {
        changed[at] = byte
        const got = decode(changed)
        if (got === null) refused++
        if (JSON.stringify(got) !== JSON.stringify(reference(changed)))
          t.fail(`${name}: byte ${at} = ${byte}`)
      }
      changed[at] = body[at]!
    }
    t.ok(refused > 0, `${name}: ${refused} refused`)
  }
})

t.test('random bodies survive the way there', async () => {
  const string = fc.uint8Array({ maxLength: 300 }).map((bytes) => Buffer.from(bytes).toString('latin1'))
  const u48 = fc.nat(2 ** 48 - 1)
  const entry = fc
    .record({
      ...{ isJson: fc.boolean(), isTooLarge: fc.boolean(), valueBytes: fc.nat(104_857_600) },
      ...{ version: fc.stringMatching(/^[0-9a-f]{24}$/), expiresAtMs: u48, key: string, value: string },
    })
    .map((one) => (one.isTooLarge ? { ...one, value: '' } : { ...one, valueBytes: one.value.length }))
  fc.assert(
    fc.property(fc.record({ cursor: string, entries: fc.array(entry, { maxLength: 20 }) }), (page) => {
      return JSON.stringify(scanPage(writtenPage(page), false)) === JSON.stringify(page)
    }),
    { numRuns: 500 },
  )
  const wanted = fc.record({
    ...{ entriesMax: fc.integer({ min: 1, max: 10_000 }), bytesMax: fc.integer({ min: 1, max: 262_104 }) },
    ...{ fromExclusive: fc.boolean(), toInclusive: fc.boolean(), from: string, to: string, cursor: string },
  })
  fc.assert(
    fc.property(wanted, (one) => {
      const bounds = { from: latin1(one.from), to: latin1(one.to), cursor: latin1(one.cursor) }
      return JSON.stringify(scanRequest(encodeScanRequest({ ...one, ...bounds }))) === JSON.stringify(one)
    }),
    { numRuns: 500 },
  )
  const operation = fc.oneof(
    fc.record({ opcode: fc.constant(0x14), isJson: fc.boolean(), ttlMs: u48, key: string, value: string }),
    fc.record({
      ...{ opcode: fc.constant(0x15), isJson: fc.constant(false), ttlMs: fc.constant(0), key: string },
      value: fc.constant(''),
    }),
  )
  fc.assert(
    fc.property(fc.array(operation, { maxLength: 20 }), (operations) => {
      const writes = operations.map(({ opcode, isJson, ttlMs, key, value }) => ({
        ...{ key: latin1(key), value: opcode === 0x14 ? latin1(value) : null, isJson, ttlMs },
      }))
      const expected = operations.some(({ key }) => key === '') ? null : operations
      return JSON.stringify(batch(encodeBatch(writes))) === JSON.stringify(expected)
    }),
    { numRuns: 500 },
  )
  fc.assert(
    fc.property(fc.bigInt({ min: -(2n ** 63n), max: 2n ** 63n - 1n }), (value) => {
      const bytes = Buffer.alloc(12, 0xaa)
      writeI64(value, bytes, 2)
      return bytes.readBigInt64LE(2) === value && readI64(bytes, 2) === value && bytes[10] === 0xaa
    }),
  )
})

t.test('a page is never fuller than asked for', async (t) => {
  const writer = new ScanPageWriter()
  const target = new Uint8Array(200)
  writer.begin(target, 0, 100)
  t.ok(writer.fits(10, 56, 0), '8 + 26 + 10 + 56')
  t.notOk(writer.fits(10, 57, 0))
  t.notOk(writer.fits(10, 56, 1), 'the cursor has its place')
  writer.add(new ScanPageEntry(), new Uint8Array(10), new Uint8Array(20))
  t.ok(writer.fits(4, 0, 6) && !writer.fits(4, 0, 7))
  t.equal(writer.finish(new Uint8Array(6)), 70)
  writer.begin(target, 0, 100)
  t.equal(writer.finish(EMPTY), SCAN_PAGE_HEAD_BYTES, 'a page without entries')
  t.ok(new ScanPageWriter().fits(65_535, 0, 87_388), 'the largest key and its cursor')
})

t.test('counts and lengths at and beyond every limit', async (t) => {
  for (const [entriesMax, taken] of [
    [0, 1000],
    [1, 1],
    [10_000, 10_000],
    [10_001, 10_000],
    [2 ** 32 - 1, 10_000],
  ]) {
    const got = scanRequest(encodeScanRequest({ entriesMax: entriesMax! }))
    t.equal(got!['entriesMax'], taken)
  }
  for (const [bytesMax, taken] of [
    [0, 262_104],
    [1, 1],
    [262_105, 262_104],
    [2 ** 32 - 1, 262_104],
  ]) {
    t.equal(scanRequest(encodeScanRequest({ bytesMax: bytesMax! }))!['bytesMax'], taken)
  }
  const many = (count: number) => encodeBatch(new Array(count).fill({ key: latin1('k'), value: null }))
  const [most, more] = [many(BATCH_OPERATIONS_MAX), many(BATCH_OPERATIONS_MAX + 1)]
  t.equal(
    decodeBatch(most, 0, most.length, () => {}),
    BATCH_OPERATIONS_MAX,
  )
  t.equal(
    decodeBatch(more, 0, more.length, () => t.fail('given')),
    -ERROR.BAD_REQUEST,
  )
  t.equal(
    decodeBatch(EMPTY, 0, 0, () => t.fail('given')),
    0,
    'nothing at all is a batch',
  )
  const noKey = encodeBatch([{ key: EMPTY, value: null }])
  t.equal(
    decodeBatch(noKey, 0, noKey.length, () => t.fail('given')),
    -ERROR.KEY_MISSING,
  )
  const announced = new Uint8Array(SCAN_PAGE_HEAD_BYTES).fill(0xff, 0, 4)
  t.equal(
    decodeScanPage(announced, 0, 8, false, () => t.fail('given')),
    -ERROR.BAD_REQUEST,
  )
})

t.test('flags belong to opcodes', async (t) => {
  const FLAGS: Readonly<Record<number, number>> = { 19: 192, 20: 31, 21: 8, 32: 160, 33: 3, 34: 8, 48: 3 }
  for (let opcode = 0; opcode < 256; opcode++) {
    for (let flags = 0; flags < 256; flags++) {
      const fit = (flags | (FLAGS[opcode] ?? 0)) === (FLAGS[opcode] ?? 0)
      if (flagsFit(opcode, flags) !== fit) t.fail(`flags ${flags} of opcode ${opcode}`)
    }
  }
})
