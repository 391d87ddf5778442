import { readFileSync } from 'node:fs'
import { join } from 'node:path'
import { Version } from '@minivault/clock'
import { hashKey, KeyHash } from '@minivault/codec'
import { MemoryFileSystem, seededRandom } from '@minivault/wal/testing'
import fc from 'fast-check'
import t from 'tap'
import { AwakeHints } from '../src/hint/awake-hints.ts'
import type { KeyRange } from '../src/hint/entry-list.ts'
import { HintBlock, HintDamaged } from '../src/hint/hint-block.ts'
import { HintFile } from '../src/hint/hint-file.ts'
import { HINT_HOLDS, hintName } from '../src/hint/hint-format.ts'
import { HintWriter } from '../src/hint/hint-writer.ts'
import { MergedCursor } from '../src/hint/key-cursor.ts'
import { ENTRY_FLAG, KeyEntry } from '../src/hint/key-entry.ts'
import type { KeyRun } from '../src/hint/key-run.ts'
import { OTHER_SPACE_BIT, TOMBSTONE_BIT } from '../src/keydir.ts'
import { AWAKE_HINTS_MAX } from '../src/limits.ts'
import {
  collect,
  type Item,
  item,
  itemsOf,
  keyBytes,
  order,
  runOf,
  text,
  textOf,
  winners,
} from './fixtures/hint-items.ts'

const EXPECTED = { number: 7, seed: 0x89abcdef | 0, bytes: 1 << 20, layoutHash: 0x1234567 }
const PATH = `/hints/${hintName(7)}`

function writeHint(disk: MemoryFileSystem, run: KeyRun, hash = hashKey, steps = 1000): HintWriter {
  disk.makeDirectory('/hints')
  const more = { ...EXPECTED, ageMin: 3, ageMax: 6, hash }
  const writer = new HintWriter(run.cursor(), { fileSystem: disk, path: PATH, ...more })
  while (!writer.step(steps));
  return writer
}

function hintOf(items: readonly Item[], hash = hashKey): HintFile {
  const disk = new MemoryFileSystem()
  writeHint(disk, runOf(items), hash, 7)
  return HintFile.open(disk, PATH, EXPECTED)!
}

/** Looks a key up as the engine does. */
function find(hint: HintFile, space: number, key: Buffer, hash = hashKey): string | null {
  const entry = new KeyEntry()
  if (!hint.mayHave(space, hash(key, 0, key.length, new KeyHash()))) return null
  const number = hint.blockOf(space, key, 0, key.length)
  if (number < 0) return null
  const block = new HintBlock()
  hint.readBlockSync(number, block)
  return block.search(space, key, 0, key.length, hint.segment, entry) ? textOf(entry) : null
}

t.test('a hint file answers for each of its keys, and for no other', async (t) => {
  fc.assert(
    fc.property(itemsOf, keyBytes, (items, other) => {
      const kept = winners(items)
      const hint = hintOf(items)
      const { header } = hint
      t.equal(header.entries, kept.length)
      t.equal(header.tombstones, kept.filter(({ lengthWord }) => lengthWord & TOMBSTONE_BIT).length)
      const users = kept.filter(({ lengthWord }) => (lengthWord & (TOMBSTONE_BIT | OTHER_SPACE_BIT)) === 0)
      t.equal(header.userKeys, users.length)
      const ballots = kept.filter(({ space }) => space === 0).map(({ ballot }) => String(ballot))
      t.equal(String(header.highestBallot), ballots.sort().at(-1) ?? String(new Version()))
      t.equal(
        (header.flags & HINT_HOLDS.blobs) !== 0,
        kept.some(({ blob }) => blob),
      )
      t.equal(
        (header.flags & HINT_HOLDS.expiries) !== 0,
        kept.some(({ expiresAtMs }) => expiresAtMs > 0),
      )
      t.equal(
        (header.flags & HINT_HOLDS.otherSpaces) !== 0,
        kept.some(({ space }) => space > 0),
      )
      t.same([header.ageMin, header.ageMax], [3, 6])
      for (const each of kept) t.equal(find(hint, each.space, each.key), text(each, 7))
      const absent = kept.every(({ space, key }) => space !== 0 || Buffer.compare(key, other) !== 0)
      if (absent) t.equal(find(hint, 0, Buffer.from(other)), null)
    }),
    { numRuns: 50 },
  )
  const constant: typeof hashKey = (_bytes, _start, _end, into) => Object.assign(into, { high: -1, low: 5 })
  const items = Array.from({ length: 1000 }, (_, i) => item(`k${i}`, i))
  const hint = hintOf(items, constant)
  t.ok(hint.blockCount > 5)
  for (const each of items) t.equal(find(hint, 0, each.key, constant), text(each, 7))
  for (const other of ['k', 'k1000', 'j', 'l']) t.equal(find(hint, 0, Buffer.from(other), constant), null)
  const longest = [Buffer.alloc(65_535, 7), Buffer.alloc(65_535, 8), Buffer.from([0]), Buffer.from([255])]
  const long = hintOf(longest.map((key) => item(key)))
  for (const key of longest) t.equal(find(long, 0, key), text(item(key), 7))
  t.equal(find(long, 0, Buffer.alloc(65_534, 7)), null)
  const memory = hint.memoryBytes
  hint.dropMemory()
  t.equal(hint.memoryBytes, 0)
  t.equal(collect(hint.cursor()).length, 1000)
  t.ok(hint.memoryBytes > 0 && hint.memoryBytes < memory / 2, 'a cursor needs no bloom')
  t.equal(find(hint, 0, Buffer.from('k77'), constant), text(item('k77', 77), 7), 'it comes back')
  t.equal(hint.memoryBytes, memory)
  const number = hint.blockOf(0, Buffer.from('k5'), 0, 2)
  const block = await new Promise<HintBlock>((resolve, reject) =>
    hint.readBlock(number, (error, read) => (read ? resolve(read) : reject(error))),
  )
  const entry = new KeyEntry()
  t.equal(block.search(0, Buffer.from('k5'), 0, 2, 7, entry), true)
  t.equal(entry.offset, 5)
})

t.test('cursors go through any range, both ways', async (t) => {
  const bound = fc.option(
    fc.record({
      space: fc.nat(2),
      key: fc.oneof(keyBytes, fc.constant(new Uint8Array())),
      isInclusive: fc.boolean(),
    }),
    { nil: undefined },
  )
  const inRange = (range: KeyRange) => (each: Item) => {
    const { from, to } = range
    const low = from ? order(each, item(Buffer.from(from.key), 0, { space: from.space })) : 1
    const high = to ? order(each, item(Buffer.from(to.key), 0, { space: to.space })) : -1
    return (low > 0 || (low === 0 && from!.isInclusive)) && (high < 0 || (high === 0 && to!.isInclusive))
  }
  const check = (items: Item[], hint: HintFile, range: KeyRange) => {
    const expected = winners(items)
      .filter(inRange(range))
      .map((each) => text(each, 7))
    if (range.reverse) expected.reverse()
    t.same(collect(hint.cursor(range)), expected)
    t.same(collect(runOf(items).cursor(range)), expected)
  }
  fc.assert(
    fc.property(itemsOf, bound, bound, fc.boolean(), fc.nat(), (items, from, to, reverse, pick) => {
      const hint = hintOf(items)
      check(items, hint, { from, to, reverse })
      if (items.length === 0) return
      const { space, key } = items[pick % items.length]!
      check(items, hint, { from: { space, key, isInclusive: pick % 2 === 0 }, to, reverse })
      check(items, hint, { from, to: { space, key, isInclusive: pick % 2 === 0 }, reverse })
    }),
  )
  const items = Array.from({ length: 3000 }, (_, i) => item(String(10_000 + 2 * i), i))
  const hint = hintOf(items)
  t.ok(hint.blockCount > 20)
  const random = seededRandom(11)
  for (let i = 0; i < 150; i++) {
    const end = () => ({
      space: 0,
      key: Buffer.from(String(9_999 + Math.floor(random() * 6005))),
      isInclusive: random() < 0.5,
    })
    check(items, hint, { from: end(), to: end(), reverse: random() < 0.5 })
  }
  const disk = new MemoryFileSystem()
  writeHint(disk, runOf(items))
  const counted = HintFile.open(disk, PATH, EXPECTED)!
  const reads = disk.counts.get('read')
  for (const key of ['9', '16000'].map((text) => Buffer.from(text))) {
    t.equal(
      counted.cursor({ from: { space: 0, key: Buffer.from('20000'), isInclusive: true } }).next(),
      false,
    )
    t.equal(counted.cursor({ to: { space: 0, key: Buffer.from('1'), isInclusive: true } }).next(), false)
    t.equal(counted.cursor({ from: { space: 1, key, isInclusive: false }, reverse: true }).next(), false)
  }
  t.equal(disk.counts.get('read'), reads, 'what is out of range is not read')
  const cursor = hint.cursor()
  cursor.next()
  cursor.close()
  t.equal(cursor.next(), false)
})

t.test('of many hint files few have a descriptor', async (t) => {
  const disk = new MemoryFileSystem()
  const items = Array.from({ length: 100 }, (_, i) => item(`k${i}`, i))
  writeHint(disk, runOf(items))
  const awake = new AwakeHints()
  const files = Array.from(
    { length: AWAKE_HINTS_MAX + 40 },
    () => HintFile.open(disk, PATH, EXPECTED, awake)!,
  )
  t.equal(awake.count, AWAKE_HINTS_MAX)
  for (const file of files) t.equal(file.cursor().next(), true, 'one that rests wakes')
  t.equal(awake.count, AWAKE_HINTS_MAX)
  for (const file of files) file.close()
  t.equal(awake.count, 0)
})

t.test('the writer goes on in slices and leaves nothing unfinished', async (t) => {
  const disk = new MemoryFileSystem()
  const run = runOf(Array.from({ length: 500 }, (_, i) => item(`key ${i}`)))
  const options = { fileSystem: disk, path: PATH, ...EXPECTED, ageMin: 1, ageMax: 1, hash: hashKey }
  disk.makeDirectory('/hints')
  disk.plant(`${PATH}.new`, Buffer.from('of a crash'))
  const writer = new HintWriter(run.cursor(), options)
  let steps = 1
  while (!writer.step(50)) steps += 1
  t.ok(steps > 10, `${steps} steps`)
  t.equal(writer.step(50), true)
  writer.abort()
  t.same(disk.list('/hints'), [hintName(7)])
  const bytes = Buffer.from(disk.peek(PATH)!)
  const other = new HintWriter(run.cursor(), options)
  other.step(10)
  other.abort()
  t.equal(other.step(10), true)
  t.same(disk.list('/hints'), [hintName(7)], 'given up')
  const unordered = new HintWriter(
    new MergedCursor([run.cursor({ reverse: true })], { reverse: true }),
    options,
  )
  t.throws(() => unordered.step(10), RangeError)
  const full = new HintWriter(run.cursor(), options)
  full.step(1000)
  full.step(1000)
  disk.fault = { call: disk.calls + 1, what: 'ENOSPC' }
  t.throws(() => full.step(1000), { code: 'ENOSPC' })
  t.same(disk.list('/hints'), [hintName(7)])
  t.equal(Buffer.compare(disk.peek(PATH)!, bytes), 0)
  t.equal(disk.openCount(), 0)
})

t.test('another segment or program does not pass; a disk that fails is not a damaged file', async (t) => {
  const disk = new MemoryFileSystem()
  writeHint(disk, runOf([item('a')]))
  t.equal(HintFile.open(disk, `${PATH}2`, EXPECTED), null, 'missing')
  for (const name of ['number', 'seed', 'bytes', 'layoutHash'] as const) {
    t.equal(HintFile.open(disk, PATH, { ...EXPECTED, [name]: EXPECTED[name] + 1 }), null, name)
  }
  t.equal(disk.openCount(), 0, 'all closed again')
  for (let call = disk.calls + 1, first = call; call <= first + 3; call++) {
    const before = disk.calls
    disk.fault = { call: before + 1 + (call - first), what: 'EIO' }
    t.equal(HintFile.open(disk, PATH, EXPECTED), null, 'EIO: to be made anew')
  }
  disk.fault = { call: disk.calls + 1, what: 'ENOSPC' }
  t.throws(() => HintFile.open(disk, PATH, EXPECTED), { code: 'ENOSPC' })
  const hint = HintFile.open(disk, PATH, EXPECTED)!
  disk.fault = { call: disk.calls + 1, what: 'EIO' }
  t.throws(() => hint.readBlockSync(0, new HintBlock()), HintDamaged)
  disk.fault = { call: disk.calls + 1, what: 'EIO' }
  const reading = new Promise((resolve) => hint.readBlock(0, resolve))
  hint.close()
  hint.close()
  t.equal(disk.openCount(), 1, 'closed once the read has ended')
  t.ok((await reading) instanceof HintDamaged)
  t.equal(disk.openCount(), 0)
  t.throws(() => hint.cursor().next(), HintDamaged, 'closed')
  t.ok((await new Promise((resolve) => hint.readBlock(0, resolve))) instanceof HintDamaged)
})

t.test('every byte changed, every length cut: the right answer or damage', async (t) => {
  const disk = new MemoryFileSystem()
  const items = Array.from({ length: 200 }, (_, i) => item(`key ${i}`, i))
  const run = runOf(items)
  writeHint(disk, run)
  const good = Buffer.from(disk.peek(PATH)!)
  const expected = collect(run.cursor())
  const tried = { refused: 0, damaged: 0, right: 0 }
  const attempt = (bytes: Uint8Array, what: string) => {
    disk.plant(PATH, bytes)
    const hint = HintFile.open(disk, PATH, EXPECTED)
    if (hint === null) return void (tried.refused += 1)
    try {
      const seen = collect(hint.cursor())
      for (const each of items) {
        if (seen.length > 0 && find(hint, 0, each.key) !== text(each, 7)) t.fail(`${what}: a wrong answer`)
      }
      if (seen.join() !== expected.join()) t.fail(`${what}: a wrong answer`)
      tried.right += 1
    } catch (error) {
      if (!(error instanceof HintDamaged)) throw error
      tried.damaged += 1
    }
    hint.close()
  }
  for (let at = 0; at < good.length; at++) {
    const bytes = Buffer.from(good)
    bytes[at]! ^= 1 << (at % 8)
    attempt(bytes, `byte ${at}`)
  }
  for (let length = 0; length < good.length; length++) attempt(good.subarray(0, length), `length ${length}`)
  attempt(Buffer.concat([good, Buffer.from([0])]), 'one byte more')
  t.ok(tried.refused > good.length && tried.damaged > 5000, JSON.stringify(tried))
  t.equal(tried.right, 0)
  attempt(good, 'as it was')
  t.equal(tried.right, 1)
})

t.test('the vector of the format', async (t) => {
  const file = readFileSync(join(import.meta.dirname, 'vectors', 'hint.hex'), 'utf8')
  const vector = Buffer.from(file.replace(/#.*$/gm, '').replace(/\s/g, ''), 'hex')
  const disk = new MemoryFileSystem()
  const blob = Buffer.from('00112233445566778899aabbccddeeff', 'hex')
  const items = [
    item('key', 0x68, { lengthWord: 0x4000001d, traits: ENTRY_FLAG.json }),
    item('late', 0x98, { expiresAtMs: 0x0102030405, blob, lengthWord: 0x60000039 | 0 }),
    item('gone', 0xe0, { lengthWord: 0x5000001c, ballot: Version.of(1001, 1, 7) }),
    item('key', 0x110, { space: 2, lengthWord: 0x4800001f, ballot: Version.of(0, 1, 0) }),
  ]
  writeHint(disk, runOf(items))
  t.equal(Buffer.from(disk.peek(PATH)!).toString('hex'), vector.toString('hex'))
})
