import { Version } from '@minivault/clock'
import { hashKey } from '@minivault/codec'
import { MemoryFileSystem, seededRandom } from '@minivault/wal/testing'
import fc from 'fast-check'
import t from 'tap'
import { HintFile } from '../src/hint/hint-file.ts'
import { HintWriter } from '../src/hint/hint-writer.ts'
import { ENTRY_FLAG, type KeyEntry } from '../src/hint/key-entry.ts'
import { type KeyRun, RunBuilder } from '../src/hint/key-run.ts'
import { OTHER_SPACE_BIT, TOMBSTONE_BIT } from '../src/keydir.ts'
import { SCAN_COUNT_MAX, SCAN_HOLD_MS_MAX, SCAN_READS_LATER_MAX, SCAN_READS_MAX } from '../src/limits.ts'
import { ReadPace } from '../src/scan/read-pace.ts'
import type { Scan } from '../src/scan/scan.ts'
import { rangeOf, type ScanOptions } from '../src/scan/scan-range.ts'
import type { ScanEntry, ScanSource, ScanView } from '../src/scan/scan-source.ts'
import { Scans } from '../src/scan/scans.ts'
import { StorageError } from '../src/storage-error.ts'

const HINT = { number: 1, seed: 3, bytes: 4096, layoutHash: 5 }
const closed = new StorageError('STORAGE_CLOSED', 'the store is closed')

/** Numbered keys in one hint file; the offset of a key is its number, and its value that number as text. */
class NumberedKeys implements ScanSource {
  readonly disk = new MemoryFileSystem()
  readonly #run: KeyRun
  held = 0
  reading = 0
  readingMax = 0
  reads = 0
  repairs = 0
  nowMs = 1000
  turns = 0
  timers = new Set<() => void>()
  fails: unknown = null
  isCold = false
  isDurable = true

  constructor(count: number, isDead = false) {
    const builder = new RunBuilder()
    const ballot = Version.of(1, 2, 3)
    for (let i = 0; i < count; i++) {
      const key = nameOf(i)
      const traits = i % 5 === 1 ? ENTRY_FLAG.json : i % 5 === 2 ? ENTRY_FLAG.ownVersion : 0
      const lengthWord = isDead || i % 10 === 3 ? TOMBSTONE_BIT : 100
      const expiresAtMs = i % 10 === 4 ? 2000 : i % 10 === 5 ? 1 : 0
      builder.add(0, key, 0, key.length, i, lengthWord, ballot, expiresAtMs, null, 0, traits)
      builder.add(1, key, 0, key.length, i, OTHER_SPACE_BIT | 10, ballot, 0, null, 0)
    }
    this.#run = builder.toRun(1)
    this.disk.makeDirectory('/hints')
    this.write()
  }

  write(): void {
    const more = { ...HINT, ageMin: 1, ageMax: 1, hash: hashKey }
    const writer = new HintWriter(this.#run.cursor(), { fileSystem: this.disk, path: '/hints/1', ...more })
    while (!writer.step(100));
  }

  /** The numbers that a scan is to find now. */
  alive(count: number): number[] {
    const isAlive = (i: number) => i % 10 !== 3 && i % 10 !== 5 && (i % 10 !== 4 || this.nowMs < 2000)
    return Array.from({ length: count }, (_, i) => i).filter(isAlive)
  }

  view(): ScanView {
    const source = this
    let hint = HintFile.open(this.disk, '/hints/1', HINT)!
    this.held += 1
    return {
      mayShow: () => this.isDurable,
      cursor: (range) => hint.cursor(range),
      isExpired: (expiresAtMs) => expiresAtMs > 0 && expiresAtMs <= this.nowMs,
      read: (entry) => (this.isCold ? this.#readLater(this.#read(entry)) : this.#read(entry)),
      async repair() {
        source.repairs += 1
        if (source.repairs > 1) return
        hint.close()
        source.write()
        hint = HintFile.open(source.disk, '/hints/1', HINT)!
      },
      release: () => {
        this.held -= 1
        hint.close()
      },
    }
  }

  #read({ bytes, keyStart, keyEnd, offset, expiresAtMs, flags }: KeyEntry): ScanEntry {
    this.reads += 1
    return {
      key: bytes.slice(keyStart, keyEnd),
      value: Buffer.from(String(offset)),
      version: (flags & ENTRY_FLAG.ownVersion) !== 0 ? 'own' : Version.of(1, 2, 3).toString(),
      type: (flags & ENTRY_FLAG.json) !== 0 ? 1 : 0,
      expiresAtMs,
    }
  }

  /** Later ones first. */
  async #readLater(entry: ScanEntry): Promise<ScanEntry> {
    this.reading += 1
    this.readingMax = Math.max(this.readingMax, this.reading)
    const turns = 5 - (this.reads % 5)
    for (let i = 0; i < turns; i++) await new Promise((resolve) => setImmediate(resolve))
    this.reading -= 1
    if (this.fails !== null && this.reads > 50) throw this.fails
    return entry
  }
}

function nameOf(i: number): Buffer {
  return Buffer.from(`k${String(i).padStart(4, '0')}`)
}

function numberOf({ key }: { key: Uint8Array }): number {
  return Number(Buffer.from(key).toString().slice(1))
}

function scansOf(source: NumberedKeys): Scans {
  return new Scans(source, () => source.nowMs, {
    afterTurn(run) {
      source.turns += 1
      setImmediate(run)
    },
    after: (_ms, run) => source.timers.add(run) && run,
    cancel: (run) => source.timers.delete(run as () => void),
  })
}

async function allOf(scan: Scan): Promise<ScanEntry[]> {
  const found: ScanEntry[] = []
  for await (const entry of scan) found.push(entry)
  return found
}

t.test('pages in order, whatever is in memory and whatever is not', async (t) => {
  const source = new NumberedKeys(2000)
  const scans = scansOf(source)
  for (const isCold of [false, true]) {
    source.isCold = isCold
    for (const reverse of [false, true]) {
      const found = await allOf(scans.open({ reverse }))
      const expected = source.alive(2000)
      if (reverse) expected.reverse()
      t.same(found.map(numberOf), expected)
      t.ok(found.every((entry) => Buffer.from(entry.value).toString() === String(numberOf(entry))))
    }
  }
  t.equal(source.readingMax, SCAN_READS_MAX)
  source.reads = 0
  const keys = await allOf(scans.open({ keysOnly: true, gte: 'k0001', lt: 'k0007' }))
  t.same(
    keys.map(({ value, version, type, expiresAtMs }) => [value.length, version, type, expiresAtMs]),
    [
      [0, Version.of(1, 2, 3).toString(), 1, 0],
      [0, 'own', 0, 0],
      [0, Version.of(1, 2, 3).toString(), 0, 2000],
      [0, Version.of(1, 2, 3).toString(), 1, 0],
    ],
  )
  t.equal(source.reads, 1, 'only what is not known without its record')
  const first = scans.open()
  source.reads = 0
  t.equal(numberOf((await first.next()).value), 0)
  t.ok(source.reads < 20, `${source.reads} reads for the first entry`)
  first.close()
  source.nowMs = 2000
  t.same((await allOf(scans.open())).map(numberOf), source.alive(2000), 'expired since')
  t.equal(source.held, 0)
  t.equal(scans.count, 0)
})

t.test('any range, limit, cursor and seek give what a filter gives', async (t) => {
  const source = new NumberedKeys(60)
  const scans = scansOf(source)
  const bound = fc.oneof(
    fc.nat(61).map((i) => nameOf(i)),
    fc
      .constantFrom('', 'k', 'k00', 'k001', 'k0019x', 'l', 'a', '\u00ff')
      .map((text) => Buffer.from(text, 'latin1')),
  )
  const optionsOf: fc.Arbitrary<ScanOptions> = fc
    .record(
      {
        prefix: bound,
        lower: fc.tuple(fc.constantFrom('gt', 'gte'), bound),
        upper: fc.tuple(fc.constantFrom('lt', 'lte'), bound),
        limit: fc.nat(70),
        reverse: fc.boolean(),
      },
      { requiredKeys: [] },
    )
    .map(({ lower, upper, ...rest }) => ({
      ...rest,
      ...(lower && { [lower[0]]: lower[1] }),
      ...(upper && { [upper[0]]: upper[1] }),
    }))
  const isIn =
    ({ prefix, gt, gte, lt, lte }: ScanOptions) =>
    (i: number) => {
      const key = nameOf(i)
      const order = (other: unknown) => Buffer.compare(key, other as Buffer)
      if (prefix && !key.subarray(0, prefix.length).equals(prefix as Buffer)) return false
      if ((gt && order(gt) <= 0) || (gte && order(gte) < 0)) return false
      return !((lt && order(lt) >= 0) || (lte && order(lte) > 0))
    }
  await fc.assert(
    fc.asyncProperty(optionsOf, bound, fc.nat(20), fc.boolean(), async (options, target, taken, isCold) => {
      source.isCold = isCold
      const inRange = source.alive(60).filter(isIn(options))
      if (options.reverse) inRange.reverse()
      const expected = inRange.slice(0, options.limit)
      const scan = scans.open(options)
      const start = taken > 0 ? await scan.nextPage(taken) : []
      t.same(start.map(numberOf), expected.slice(0, taken))
      const { cursor } = scan
      const behind = await allOf(scans.open({ ...options, ...(cursor !== undefined && { cursor }) }))
      t.same(behind.map(numberOf), inRange.slice(start.length).slice(0, options.limit))
      scan.seek(target)
      const isBehind = (i: number) => Buffer.compare(nameOf(i), target) * (options.reverse ? -1 : 1) >= 0
      const left = (options.limit ?? Number.POSITIVE_INFINITY) - start.length
      const rest = await allOf(scan)
      t.same(rest.map(numberOf), inRange.filter(isBehind).slice(0, left))
    }),
  )
  t.equal(source.held, 0)
})

t.test('calls that overlap get each entry once; a seek or close ends a page on its way', async (t) => {
  const source = new NumberedKeys(1000)
  source.isCold = true
  const scans = scansOf(source)
  const scan = scans.open()
  const steps = await Promise.all(Array.from({ length: 40 }, () => scan.next()))
  t.same(
    steps.map(({ value }) => numberOf(value)),
    source.alive(1000).slice(0, 40),
  )
  const [page, rest] = await Promise.all([scan.nextPage(200), scan.nextPage(2000)])
  const both = [...page, ...rest].map(numberOf).sort((a, b) => a - b)
  t.same(both, source.alive(1000).slice(40))
  for (let turns = 0; turns < 12; turns++) {
    scan.seek('k0900')
    scan.seek('k0100')
    let isAnswered = false
    const asked = scan.nextPage(5).finally(() => {
      isAnswered = true
    })
    for (let i = 0; i < turns; i++) await new Promise((resolve) => setImmediate(resolve))
    const expected = isAnswered ? [100, 500] : [500, 507]
    scan.seek('k0500')
    const first = numberOf((await asked)[0]!)
    t.same([first, numberOf((await scan.next()).value)], expected, `${turns} turns later`)
  }
  const waiting = scan.nextPage(500)
  scan.close()
  t.ok((await waiting).length < 500)
  t.equal((await scan.next()).done, true)
  t.equal(source.held, 0)
})

t.test('what is not durable is asked for, whole dead stretches let others go on', async (t) => {
  const source = new NumberedKeys(20)
  source.isDurable = false
  t.equal((await allOf(scansOf(source).open({ keysOnly: true }))).length, source.reads)
  const dead = new NumberedKeys(10_000, true)
  t.same(await allOf(scansOf(dead).open()), [])
  t.equal(dead.turns, 2)
  t.same(await allOf(scansOf(new NumberedKeys(0)).open({ reverse: true })), [])
})

t.test('a scan held too long, too many of them, a closed store', async (t) => {
  const source = new NumberedKeys(100)
  const scans = scansOf(source)
  const old = scans.open()
  await old.next()
  const { cursor } = old
  source.nowMs += SCAN_HOLD_MS_MAX
  await old.nextPage(20)
  source.nowMs += 1
  await t.rejects(old.nextPage(50), { code: 'STORAGE_SCAN_EXPIRED' })
  await t.rejects(old.next(), { code: 'STORAGE_SCAN_EXPIRED' })
  t.equal(source.held, 0)
  t.equal(numberOf((await scans.open({ cursor: cursor! }).next()).value), 1, 'its cursor goes on')
  t.equal(source.timers.size, 1)
  source.nowMs += SCAN_HOLD_MS_MAX + 1
  for (const run of source.timers) {
    source.timers.delete(run)
    run()
  }
  t.equal(source.held, 0, 'and without being asked')
  t.equal(source.timers.size, 0)
  const many = Array.from({ length: SCAN_COUNT_MAX }, () => scans.open())
  t.equal(source.held, SCAN_COUNT_MAX)
  t.throws(() => scans.open(), { code: 'STORAGE_SCANS_MAX' })
  await many[5]!.nextPage(1000)
  const another = scans.open()
  await t.rejects(many[5]!.next(), { code: 'STORAGE_SCAN_EXPIRED' }, 'one at its end gave way')
  many[7]!.close()
  many[7]!.close()
  t.equal(scans.count, SCAN_COUNT_MAX - 1)
  scans.close(closed)
  t.equal(source.held, 0)
  await t.rejects(another.next(), { code: 'STORAGE_CLOSED' })
  t.throws(() => scans.open(), { code: 'STORAGE_CLOSED' })
  t.equal((await many[7]!.next()).done, true)
})

t.test('an error closes the scan; a damaged hint is made anew once', async (t) => {
  const source = new NumberedKeys(1000)
  const scans = scansOf(source)
  source.isCold = true
  source.fails = Object.assign(new Error('EIO'), { code: 'EIO' })
  const failing = scans.open()
  await t.rejects(allOf(failing), { code: 'STORAGE_IO' })
  await t.rejects(failing.nextPage(1), { code: 'STORAGE_IO' })
  t.equal(source.held, 0)
  source.fails = null
  const random = seededRandom(3)
  for (const what of ['repaired', 'damaged again']) {
    const scan = scans.open()
    const found = await scan.nextPage(30)
    const bytes = source.disk.peek('/hints/1')!
    for (let i = 0; i < 300; i++) bytes[5000 + Math.floor(random() * 25_000)]! ^= 255
    if (what === 'repaired') {
      found.push(...(await allOf(scan)))
      t.same(found.map(numberOf), source.alive(1000), 'no entry twice, none left out')
    } else await t.rejects(allOf(scan), { name: 'StorageError' })
    t.equal(source.held, 0)
  }
  t.equal(source.repairs, 2)
})

t.test('reads from disk are tried at once while that is quick', async (t) => {
  let elapsedMs = 0
  const pace = new ReadPace(() => elapsedMs)
  const later = (ms: number) => {
    let count = 0
    while (!pace.mayReadNow()) count += 1
    pace.readNow(() => {
      elapsedMs += ms
    })
    return count
  }
  t.same([0.01, 0.05, 1, 1, 0.01, 1, 0.01, 0.01].map(later), [0, 0, 0, 16, 32, 0, 16, 0])
  t.equal(Math.max(...Array.from({ length: 12 }, () => later(9))), SCAN_READS_LATER_MAX)
})

t.test('what begins with a prefix ends where the next prefix begins', async (t) => {
  for (const [prefix, end] of [
    ['61', '62'],
    ['61ff', '62'],
    ['00ffff', '01'],
  ] as const) {
    const { from, to } = rangeOf({ prefix: Buffer.from(prefix, 'hex') })
    t.same([Buffer.from(from.key).toString('hex'), from.isInclusive], [prefix, true])
    t.same([Buffer.from(to.key).toString('hex'), to.isInclusive], [end, false])
  }
  for (const prefix of ['', 'ff', 'ffff']) {
    t.same(rangeOf({ prefix: Buffer.from(prefix, 'hex') }).to, rangeOf({}).to, 'all there are')
  }
})

t.test('cursors that no scan gave', async (t) => {
  const scans = scansOf(new NumberedKeys(10))
  const scan = scans.open()
  await scan.nextPage(3)
  const cursor = scan.cursor!
  const wrong = { code: 'STORAGE_SCAN' }
  for (let i = 0; i < cursor.length; i++) {
    const other = cursor[i] === 'A' ? 'B' : 'A'
    t.throws(() => scans.open({ cursor: cursor.slice(0, i) + other + cursor.slice(i + 1) }), wrong)
    t.throws(() => scans.open({ cursor: cursor.slice(0, i) }), wrong)
  }
  t.throws(() => scans.open({ cursor, reverse: true }), wrong, 'of the other direction')
  t.throws(() => scans.open({ cursor: 'A'.repeat(100_000) }), wrong)
  t.throws(() => scans.open({ reverse: 1 } as never), wrong)
  t.throws(() => scans.open(null as never), wrong)
  t.equal(scans.count, 1, 'what is refused holds nothing')
})
