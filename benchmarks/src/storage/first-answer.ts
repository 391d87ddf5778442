/**
 * Open after a clean close: how long until the first answer, and what the index weighs. Each round is a fresh
 * process; the page cache is as the load has left it.
 */
import { mkdtempSync, rmSync } from 'node:fs'
import { join } from 'node:path'
import { DATA_PARENT } from '../machine.ts'
import { spread } from '../spread.ts'
import { Contestant } from './contestant.ts'
import type { EngineName } from './engines/engine.ts'
import type { Figure, Goal, RowResult } from './figures.ts'
import { present } from './native.ts'
import type { FirstAnswer } from './session.ts'
import type { Sizes } from './sizes.ts'

const STORES = ['minivault', 'lmdb', 'classic-level', 'better-sqlite3'] as const
const VALUE_BYTES = 1024
const CACHE_BYTES = 16 * 2 ** 20
const OPEN_SECONDS_MAX = 1
const INDEX_BYTES_MAX = 64

export async function runFirstAnswer({ openKeys, rounds }: Sizes): Promise<RowResult[]> {
  const engines = present(STORES)
  const parent = mkdtempSync(join(DATA_PARENT, 'minivault-bench-'))
  const shape = { keyCount: openKeys, valueBytes: VALUE_BYTES }
  const start = (engine: EngineName, directory: string) =>
    Contestant.start({ engine, durability: 'os', cacheBytes: CACHE_BYTES, shape }, directory)
  try {
    const folders = engines.map(() => mkdtempSync(join(parent, 'store-')))
    for (const [at, engine] of engines.entries()) {
      await using loader = await start(engine, folders[at]!)
      await loader.call('open')
      await loader.call('load')
      await loader.call('close')
    }
    const answers = engines.map((): FirstAnswer[] => [])
    for (let round = 0; round < rounds; round++) {
      for (const [at, engine] of engines.entries()) {
        await using asked = await start(engine, folders[at]!)
        answers[at]!.push(await asked.call('firstAnswer'))
        await asked.call('close')
      }
    }
    return rowsOf(openKeys, engines, answers)
  } finally {
    rmSync(parent, { recursive: true, force: true })
  }
}

function rowsOf(
  openKeys: number,
  engines: readonly EngineName[],
  answers: readonly FirstAnswer[][],
): RowResult[] {
  const keys = `${openKeys / 1000} k keys of 1 KB`
  const figuresOf = (pick: (answer: FirstAnswer) => number, more: (answer: FirstAnswer) => Figure['more']) =>
    engines.map((contestant, at): Figure => {
      const value = spread(answers[at]!.map(pick))
      return { contestant, value, more: more(answers[at]!.at(-1)!)! }
    })
  const open = figuresOf(
    ({ seconds }) => seconds * 1000,
    ({ loadedSeconds }) => ({ loadedMs: loadedSeconds * 1000 }),
  )
  const memory = figuresOf(
    ({ grownBytes }) => grownBytes / openKeys,
    ({ indexBytes: { table, rest } }) => ({
      tableBytesAKey: table / openKeys,
      otherIndexBytesAKey: rest / openKeys,
    }),
  )
  const first = open[0]!.value.median
  const loaded = open[0]!.more!['loadedMs']!
  const { tableBytesAKey: table = 0, otherIndexBytesAKey: hints = 0 } = memory[0]!.more!
  const openGoal: Goal = {
    wanted: `≤ ${OPEN_SECONDS_MAX} s`,
    reached: `${(first / 1000).toFixed(2)} s; all loaded ${(loaded / 1000).toFixed(2)} s`,
    isMet: first <= OPEN_SECONDS_MAX * 1000,
  }
  const memoryGoal: Goal = {
    wanted: `keydir ≤ ${INDEX_BYTES_MAX} bytes a key`,
    reached: `${table.toFixed(1)} bytes; hints ${hints.toFixed(1)} more`,
    isMet: table <= INDEX_BYTES_MAX,
  }
  const shared = { durability: 'os' } as const
  const openRow = { row: 'open', title: `open to first answer, ${keys}`, unit: 'ms', ...shared } as const
  const title = `memory of the process, ${keys}, loaded`
  const memoryRow = { row: 'open', title, unit: 'bytes a key', ...shared } as const
  return [
    { ...openRow, figures: open, goals: [openGoal] },
    { ...memoryRow, figures: memory, goals: [memoryGoal] },
  ]
}
