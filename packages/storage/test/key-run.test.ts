import { Version } from '@minivault/clock'
import { hashKey, KeyHash } from '@minivault/codec'
import { seededRandom } from '@minivault/wal/testing'
import fc from 'fast-check'
import t from 'tap'
import { Bloom } from '../src/hint/bloom.ts'
import { compactRuns } from '../src/hint/compact-runs.ts'
import { MergedCursor } from '../src/hint/key-cursor.ts'
import { entryBytes, KeyEntry, readEntry, writeEntry } from '../src/hint/key-entry.ts'
import { type KeyRun, RunBuilder } from '../src/hint/key-run.ts'
import { Overtaken } from '../src/keys/overtaken.ts'
import { collect, item, itemOf, itemsOf, runOf, text, textOf, winners } from './fixtures/hint-items.ts'

t.test('an entry is read as it was written', async (t) => {
  const entry = new KeyEntry()
  fc.assert(
    fc.property(itemOf, fc.nat(5), (each, at) => {
      const { space, key, offset, lengthWord, ballot, expiresAtMs, blob, traits } = each
      const length = entryBytes(key.length, expiresAtMs, blob !== null)
      const bytes = new Uint8Array(at + length + 1)
      const args = [space, key, 0, key.length, offset, lengthWord, ballot, expiresAtMs, blob, 0] as const
      if (writeEntry(bytes, at, ...args, traits) !== at + length) return false
      return readEntry(bytes, at, 9, entry) === at + length && textOf(entry) === text(each, 9)
    }),
  )
  t.equal(entry.end - entry.start > 24, true)
})

t.test('a run is sorted and keeps the newest of each key', async (t) => {
  fc.assert(
    fc.property(itemsOf, (items) => {
      t.same(
        collect(runOf(items).cursor()),
        winners(items).map((each) => text(each, 7)),
      )
    }),
  )
  const random = seededRandom(5)
  const many = (count: number, make: (i: number) => Buffer) =>
    Array.from({ length: count }, (_, i) => item(make(i), i, { ballot: Version.of(i % 7, 0, 1) }))
  const prefix = Buffer.alloc(65_000, 'p')
  const sets = {
    'like the benchmark': many(5000, () => Buffer.from(`key:${String(random() * 9999).slice(0, 6)}`)),
    'zeros at the end': many(3000, () => Buffer.alloc(1 + Math.floor(random() * 30))),
    'one key': many(3000, () => Buffer.from('hot')),
    'each begins the next': many(300, (i) => prefix.subarray(0, 1 + (i % 200))),
    'a long common beginning': many(40, (i) => Buffer.concat([prefix, Buffer.from(String(i % 33))])),
    'a fork behind it': [
      ...many(30, (i) => Buffer.concat([prefix, Buffer.from(`${i}`)])),
      item('q'),
      item('pp'),
    ],
    'random bytes': many(3000, () => Buffer.from([random() * 256, random() * 256, random() * 3])),
    'the longest key': [item(Buffer.alloc(65_535, 1)), item(Buffer.alloc(65_534, 1)), item('\u0001')],
    spaces: many(3000, (i) => Buffer.from(String(i % 100))).map((each, i) => ({ ...each, space: i % 3 })),
  }
  const builder = new RunBuilder()
  for (const [name, items] of Object.entries(sets)) {
    builder.clear()
    const expected = winners(items).map((each) => text(each, 7))
    const run = runOf(items, 7, builder)
    t.same(collect(run.cursor()), expected, name)
    t.equal(run.count, expected.length)
    const { key } = items[items.length >> 1]!
    const entry = new KeyEntry()
    t.equal(run.find(items[items.length >> 1]!.space, key, 0, key.length, entry), true)
    t.equal(entry.keyEnd - entry.keyStart, key.length)
    t.equal(run.find(9, key, 0, key.length, entry), false)
    t.same(collect(runOf([], 7, builder).cursor()), expected, 'the builder keeps what it has')
  }
  builder.clear()
  t.equal(builder.toRun(1).count, 0)
})

t.test('a cursor passes over what was overtaken in its segment', async (t) => {
  const overtaken = new Overtaken()
  const items = Array.from({ length: 500 }, (_, i) => item(`key${i}`, i * 4096 + 8))
  for (let i = 0; i < 500; i += 3) overtaken.add(i * 4096 + 8)
  const left = items.filter((_, i) => i % 3 !== 0)
  const all = winners(items).map((each) => text(each, 7))
  const run = runOf(items)
  t.same(
    collect(run.cursor({}, overtaken)),
    winners(left).map((each) => text(each, 7)),
  )
  t.same(
    collect(run.cursor({ reverse: true }, overtaken)),
    winners(left)
      .map((each) => text(each, 7))
      .reverse(),
  )
  t.same(collect(run.cursor()), all, 'a scan that asks for all gets all')
  t.notOk(overtaken.has(1 << 29), 'beyond all that was added')
})

t.test('runs are merged so that they stay few', async (t) => {
  const random = seededRandom(8)
  const items = Array.from({ length: 3000 }, (_, i) =>
    item(`k${Math.floor(random() * 700)}`, i, { ballot: Version.of(1 + Math.floor(random() * 50), 0, 1) }),
  )
  const runs: KeyRun[] = []
  for (let at = 0; at < items.length; ) {
    const count = 1 + Math.floor(random() * 5)
    const run = runOf(items.slice(at, at + count))
    const before = text(winners(items.slice(at, at + count))[0]!, 7)
    runs.push(run)
    compactRuns(runs, 500)
    t.equal(collect(run.cursor())[0], before, 'a run never changes')
    at += count
  }
  t.ok(runs.length < 20 && runs.every(({ count }) => count <= 500), `${runs.map(({ count }) => count)}`)
  const all = collect(new MergedCursor(runs.map((run) => run.cursor())))
  t.same(
    all,
    winners(items).map((each) => text(each, 7)),
  )
})

t.test('the bloom never denies, and is rarely wrong', async (t) => {
  const bloom = Bloom.sized(50_000)
  const hash = new KeyHash()
  const of = (i: number) => hashKey(Buffer.from(`key:${i}`), 0, `key:${i}`.length, hash)
  for (let i = 0; i < 50_000; i++) bloom.add(of(i).high, of(i).low)
  const probe = new Bloom(bloom.words)
  let denied = 0
  let wrong = 0
  for (let i = 0; i < 50_000; i++) if (!probe.mayHave(of(i).high, of(i).low)) denied += 1
  for (let i = 50_000; i < 150_000; i++) if (probe.mayHave(of(i).high, of(i).low)) wrong += 1
  t.equal(denied, 0)
  t.ok(wrong > 0 && wrong <= 1500, `${wrong / 1000} % false`)
  t.ok((bloom.words.length * 32) / 50_000 < 11, 'bits a key')
  t.equal(Bloom.sized(0).mayHave(1, 2), false)
})

t.test('a merged cursor hands out the winners and names the losers', async (t) => {
  const sourcesOf = fc.array(itemsOf, { maxLength: 6 })
  fc.assert(
    fc.property(sourcesOf, fc.boolean(), (sources, reverse) => {
      const losers: string[] = []
      const runs = sources.map((items, i) => runOf(items, i + 1))
      const merged = new MergedCursor(
        runs.map((run) => run.cursor({ reverse })),
        { reverse, onLoser: (entry) => losers.push(textOf(entry)) },
      )
      const all = sources.flatMap((items, i) => winners(items).map((each) => ({ each, segment: i + 1 })))
      const newest = winners(all.map(({ each }) => each))
      const expected = newest.map((each) => text(each, all.find((other) => other.each === each)!.segment))
      if (reverse) expected.reverse()
      t.same(collect(merged), expected)
      const lost = all
        .map(({ each, segment }) => text(each, segment))
        .filter((line) => !expected.includes(line))
      t.same(losers.sort(), lost.sort())
    }),
  )
  const copies = [2, 9, 5].map((segment) => runOf([item('a', 100 - segment)], segment).cursor())
  const oneRecord = new MergedCursor(copies)
  oneRecord.next()
  t.equal(oneRecord.entry.segment, 9, 'of copies with one ballot the one in the highest segment')
  const merged = new MergedCursor([runOf([item('a'), item('b')]).cursor()])
  t.equal(merged.next(), true)
  merged.close()
  t.equal(merged.next(), false)
})
