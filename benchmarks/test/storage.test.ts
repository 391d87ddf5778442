import { mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import t from 'tap'
import { Latencies } from '../src/latencies.ts'
import { machineFacts } from '../src/machine.ts'
import { drawChart } from '../src/storage/chart.ts'
import { runSpeedRow } from '../src/storage/contest.ts'
import { Contestant } from '../src/storage/contestant.ts'
import { judgeSpeed, type RowResult, speedFigure } from '../src/storage/figures.ts'
import { present } from '../src/storage/native.ts'
import { markdownCosts, markdownTable, rowLine, type StorageFacts } from '../src/storage/report.ts'
import { ROWS, SPEED_ROWS } from '../src/storage/rows.ts'
import { TINY } from '../src/storage/sizes.ts'
import { compareHashes } from '../src/storage/storage.ts'
import { readStorageOptions } from '../src/storage/storage-options.ts'
import { Workload } from '../src/storage/workload.ts'
import { linesOf } from '../src/storage/write-results.ts'

const facts: StorageFacts = { ...machineFacts(), lmdb: '1', classicLevel: '2', betterSqlite3: '3' }

const isMissing = present(['better-sqlite3']).length === 0
if (isMissing) t.comment('better-sqlite3 takes no part: pnpm bench storage compiles it')

t.test('a row of each kind of speed, a moment each', async (test) => {
  const kinds = new Map(SPEED_ROWS.map((row) => [row.measure, row]))
  test.equal(kinds.size, 8)
  for (const row of kinds.values()) {
    const result = await runSpeedRow(row, TINY)
    compareHashes(result)
    test.same(
      result.figures.map(({ contestant }) => contestant),
      present(row.engines),
    )
    for (const { contestant, value, cpuMicrosPerOp } of result.figures) {
      test.ok(value.median > 0 && cpuMicrosPerOp!.median >= 0, `${row.name}: ${contestant}`)
    }
    test.equal(result.goals.length, row.goal === undefined ? 0 : 1)
  }
})

t.test('open, churn and sustained', async (test) => {
  const run = async (name: string) => ROWS.find((row) => row.name === name)!.run(TINY)
  const [open, memory] = await run('open')
  test.ok(open!.figures.every(({ value }) => value.median > 0))
  test.ok(memory!.figures[0]!.more!['tableBytesAKey']! > 0, 'the keydir says what it weighs')
  for (const { figures } of await run('churn')) {
    test.ok(
      figures.every(({ value }) => value.median >= 1),
      'live bytes are on the disk at least once',
    )
  }
  const [sustained] = await run('sustained')
  test.same(
    sustained!.figures.map(({ contestant }) => contestant),
    ['minivault', 'dd'],
  )
  test.equal(sustained!.goals.length, 2)
})

t.test('a store that gives another value than was written makes the run invalid', async (test) => {
  const options = {
    engine: 'minivault',
    durability: 'os',
    cacheBytes: 2 ** 20,
    shape: { keyCount: 600, valueBytes: 64 },
  } as const
  const directory = mkdtempSync(join(tmpdir(), 'minivault-bench-'))
  t.teardown(() => rmSync(directory, { recursive: true, force: true }))
  {
    await using writer = await Contestant.start(options, directory)
    await writer.call('open')
    await writer.call('makeKeys')
    await test.rejects(writer.call('check'), { code: 'BENCH_INVALID' }, 'nothing was loaded')
    await writer.call('load')
    await writer.call('check')
    await writer.call('round', 'view', 0.01, 1)
    await writer.call('round', 'set', 0.01, 16)
    await writer.call('close')
  }
  {
    await using stranger = await Contestant.start(options, directory)
    await stranger.call('open')
    await stranger.call('makeKeys')
    const invalid = { code: 'BENCH_INVALID' }
    await test.rejects(stranger.call('round', 'view', 0.01, 1), invalid, 'it does not know of the sets')
    await test.rejects(stranger.call('round', 'copy', 0.01, 1), invalid)
    await test.rejects(stranger.call('round', 'get', 0.01, 16), invalid)
    await test.rejects(stranger.call('round', 'scan', 0.01, 1), invalid)
    await test.rejects(stranger.call('check'), invalid)
  }
  const two = (hash: string) => speedFigure('lmdb', [round(1)], hash)
  const row: RowResult = { row: 'x', title: 'x', durability: 'os', unit: 'ops/s', figures: [], goals: [] }
  test.throws(() => compareHashes({ ...row, figures: [two('a'), two('b')] }), { code: 'BENCH_INVALID' })
  compareHashes({ ...row, figures: [two('a'), two('a')] })
})

const round = (seconds: number) => ({
  operations: 30_000,
  seconds,
  cpuSeconds: 0.3,
  p50Micros: 5,
  p99Micros: 1234,
})

t.test('targets, tables, lines and the chart', async (test) => {
  const atLeast = judgeSpeed({ against: 'lmdb', what: 'put', atLeast: 4 }, [
    [8, 2],
    [9, 3],
    [20, 2],
  ])
  test.same(atLeast, { wanted: '≥ 4× lmdb put', reached: '4.00× (3.00–10.0)', isMet: true })
  const atMost = judgeSpeed({ against: 'pread', atMost: 1.5 }, [[2, 4]])
  test.same(atMost, { wanted: '≤ 1.5× pread', reached: '2.00×', isMet: false })
  const figures = [speedFigure('minivault', [round(1)], 'abc'), speedFigure('lmdb', [round(2)], 'abc')]
  const one: RowResult = {
    row: 'set-1k',
    title: 'set 1 KB',
    durability: 'os',
    unit: 'ops/s',
    figures,
    goals: [atLeast],
  }
  const cells = 'set 1 KB | os | ops/s | 30 k | 15 k | – | – | – |  | ≥ 4× lmdb put | 4.00× (3.00–10.0) ✓'
  test.ok(markdownTable([one]).includes(`| ${cells} |`), markdownTable([one]))
  test.match(rowLine(one), /^set 1 KB +os +ops\/s +30 k +15 k/)
  test.ok(markdownCosts([one]).includes('| set 1 KB | os | 10.0; 5.00 · 1,234 | 10.0; 5.00 · 1,234 | –'))
  test.match(drawChart(facts, [one]), /^<svg [\s\S]*set 1 KB, os[\s\S]*15 k\/s[\s\S]*<\/svg>\n$/)
  const lines = linesOf(facts, TINY, [one]).trimEnd().split('\n')
  const [first, second] = lines.map((line) => JSON.parse(line))
  test.match(first, { benchmark: 'storage', row: 'set-1k', contestant: 'minivault', resultHash: 'abc' })
  test.equal(first.goals[0].isMet, true)
  test.equal(second.goals, undefined, 'targets are ours')
})

t.test('keys in flight at the same time differ', async (test) => {
  const work = new Workload({ keyCount: 1000, valueBytes: 8 })
  for (let batch = 0; batch < 100; batch++) {
    const keys = new Set(Array.from({ length: 256 }, (_, part) => work.nextOf(part, 256)))
    test.equal(keys.size, 256)
  }
  const index = work.next()
  const value = work.nextValue(index)
  test.equal(work.valueOf(index), value)
  test.equal(value[0], work.written[index])
})

t.test('latencies of a long run stand for all of it', async (test) => {
  const latencies = new Latencies()
  test.equal(latencies.percentile(0.5), 0)
  const count = 1_000_000
  for (let ms = 0; ms < count; ms++) latencies.add(ms)
  test.ok(latencies.count <= 1 << 17)
  for (const share of [0.01, 0.5, 0.99]) {
    const off = Math.abs(latencies.percentile(share) / 1000 / count - share)
    test.ok(off < 0.001, `${share}: off by ${off}`)
  }
})

t.test('flags', async (test) => {
  test.equal(readStorageOptions([])!.complete, true)
  test.equal(readStorageOptions([])!.rows.length, ROWS.length)
  const part = readStorageOptions(['--rows', 'set-1k,open', '--rounds', '5'])!
  test.same(
    [part.complete, part.rows.map(({ name }) => name), part.sizes.rounds],
    [false, ['set-1k', 'open'], 5],
  )
  test.equal(readStorageOptions(['--quick'])!.complete, false, 'a smoke run writes nothing')
  test.equal(readStorageOptions(['--help']), null)
  for (const words of [['--nonsense'], ['--rounds', '0'], ['--rows', 'nothing']]) {
    test.throws(() => readStorageOptions(words), { code: 'BENCH_USAGE' }, words.join(' '))
  }
})
