import { mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import t from 'tap'
import { difference, History } from '../src/model/history.ts'
import { protocolWith, storageWith } from '../src/planted-source.ts'
import type { Findings, Obstacle, Row } from '../src/row.ts'
import { NO_CHECKSUM } from '../src/rows/damage.ts'
import { TAKES_NEWER } from '../src/rows/data-formats.ts'
import { EARLY_PURGE } from '../src/rows/equals-map.ts'
import { KEY_IS_TRUSTED, MEMORY_BY_ANNOUNCEMENT, ONE_BYTE_EARLY } from '../src/rows/malformed.ts'
import { ROWS } from '../src/rows.ts'
import { readResults, runRow, writeResults } from '../src/scorecard.ts'

const red: Findings = { n: 4, failures: ['lost'] }

function rowOf(findings: Findings, control: Findings | null, obstacle: Obstacle | null = null): Row {
  return {
    number: 99,
    claim: 'a claim',
    cases: { smoke: 4, ci: 40, long: 400 },
    obstacle: () => obstacle,
    run: async () => findings,
    controls: control === null ? [] : [{ fault: 'a fault', run: async () => control }],
  }
}

function judge(row: Row, isComplete = true) {
  return runRow(row, {
    profile: 'smoke',
    seed: 1,
    commit: 'c',
    machine: 'm',
    isComplete,
    progress: () => {},
    nowMs: () => 0,
  })
}

t.test('green needs enough cases, no failure and a control that went red', async (t) => {
  const all: Findings = { n: 4, failures: [] }
  t.equal((await judge(rowOf(all, red))).status, 'green')
  t.match(await judge(rowOf({ n: 3, failures: [] }, red)), { status: 'red', why: 'only 3 of 4 cases ran' })
  t.match(await judge(rowOf({ n: 4, wanted: 9, failures: [] }, red)), { why: 'only 4 of 9 cases ran' })
  t.match(await judge(rowOf(red, red)), { status: 'red', failures: 1, examples: ['lost'] })
  t.match(await judge(rowOf(all, all)), { status: 'red', why: 'its control stayed green: a fault' })
  t.match(await judge(rowOf(all, null)), { status: 'red', why: 'it has no control' })
})

t.test('what breaks is red, in the cases and in the control', async (t) => {
  const breaking = async () => {
    throw new Error('no disk')
  }
  const all: Findings = { n: 4, failures: [] }
  t.match(await judge({ ...rowOf(all, red), run: breaking }), { status: 'red', examples: [/no disk/] })
  const broken = { ...rowOf(all, red), controls: [{ fault: 'a fault', run: breaking }] }
  t.match(await judge(broken), { status: 'red', control: [{ noticed: 0, first: /broke: no disk/ }] })
})

t.test(
  'what cannot run is skipped and not green; a missing program is red where all was set up',
  async (t) => {
    const privilege = rowOf(red, red, { kind: 'privilege', why: 'not root' })
    const tool = rowOf(red, red, { kind: 'tool', why: 'no strace' })
    t.match(await judge(privilege), { status: 'skipped', why: 'not root', n: 0 })
    t.match(await judge(tool, false), { status: 'skipped' })
    t.match(await judge(tool, true), { status: 'red', why: 'no strace' })
  },
)

t.test('results replace those of the same row only', async (t) => {
  const folder = mkdtempSync(join(tmpdir(), 'minivault-'))
  t.teardown(() => rmSync(folder, { recursive: true, force: true }))
  const path = join(folder, 'below', 'reliability.json')
  const result = await judge(rowOf({ n: 4, failures: [] }, red))
  writeResults(path, [
    { ...result, row: 7 },
    { ...result, row: 3 },
  ])
  writeResults(path, [{ ...result, row: 7, n: 5 }])
  t.same(
    readResults(path).map(({ row, n }) => [row, n]),
    [
      [3, 4],
      [7, 5],
    ],
  )
})

/** Three processes a case, and three for its control. */
const TOO_LONG_FOR_SMOKE = [17, 18, 19, 20, 24, 25]

t.test('every row has cases in every profile, a tenth of them in smoke, and a control', async (t) => {
  for (const { number, cases, controls } of ROWS) {
    const isTooLong = TOO_LONG_FOR_SMOKE.includes(number)
    t.equal(cases.smoke === 0, isTooLong, `row ${number}: in smoke`)
    t.ok(cases.smoke <= cases.ci && cases.ci <= cases.long, `row ${number}`)
    t.ok(cases.smoke * 10 >= cases.ci || isTooLong || number === 23, `row ${number}: a tenth`)
    t.ok(controls.length > 0, `row ${number} has a control`)
  }
})

t.test(
  'a store may hold the state after a prefix that reaches what was acknowledged, and no other',
  async (t) => {
    const cell = (value: string) => ({ value, expiresAtMs: 0, version: '' })
    const recovered = (held: [string, string][]) => {
      const history = new History()
      history.ask(['a', cell('1')]).acknowledged = 2
      history.ask(['b', cell('2')], ['c', cell('3')])
      history.ask(['a', undefined])
      return history.recover(new Map(held.map(([key, value]) => [key, cell(value)])), 2, 0)
    }
    t.equal(recovered([['a', '1']]), null)
    t.equal(
      recovered([
        ['a', '1'],
        ['b', '2'],
        ['c', '3'],
      ]),
      null,
    )
    t.equal(
      recovered([
        ['b', '2'],
        ['c', '3'],
      ]),
      null,
    )
    t.equal(recovered([]), 'a is missing', 'acknowledged')
    t.equal(
      recovered([
        ['a', '1'],
        ['b', '2'],
      ]),
      'b is there, and must not be',
      'half of a batch',
    )
    t.equal(recovered([['a', '9']]), 'a holds another value')
  },
)

t.test('every fault that is planted in the sources still has its place', async (t) => {
  const folder = () => {
    const made = mkdtempSync(join(tmpdir(), 'minivault-'))
    t.teardown(() => rmSync(made, { recursive: true, force: true }))
    return made
  }
  for (const fault of [NO_CHECKSUM, EARLY_PURGE, TAKES_NEWER]) {
    t.type((await storageWith(fault, folder())).Store.open, 'function', fault.file)
  }
  for (const fault of [KEY_IS_TRUSTED, ONE_BYTE_EARLY, MEMORY_BY_ANNOUNCEMENT]) {
    t.type((await protocolWith(fault, folder())).decodeDocumented, 'function', fault.file)
  }
  const nowhere = { ...TAKES_NEWER, edits: [['no such text', ''] as const] }
  await t.rejects(storageWith(nowhere, folder()), /stands 0 times/)
})

t.test('an expired cell is one that is not there', async (t) => {
  const cells = new Map([['a', { value: '1', expiresAtMs: 10, version: '' }]])
  t.equal(difference(cells, new Map(), 9), 'a is missing')
  t.equal(difference(cells, new Map(), 10), null)
  t.equal(difference(cells, cells, 10), 'a is there, and must not be')
})
