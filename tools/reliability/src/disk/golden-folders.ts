/**
 * The folders that earlier programs wrote (packages/storage/test/golden), each opened from a copy on the real
 * disk: does it hold what its digests say, and go on from there?
 */
import { cpSync, rmSync } from 'node:fs'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { Store, type StoreOptions } from '@minivault/storage'
import {
  contentLines,
  fileLines,
  GOLDEN_NOW_MS,
  type GoldenFolder,
  goldenFolders,
} from '@minivault/storage/testing'
import { type Context, type Findings, failureText, NOTICED_ENOUGH } from '../row.ts'
import type { Engine } from './machine.ts'

const GOLDEN = goldenFolders(
  fileURLToPath(new URL('../../../../packages/storage/test/golden', import.meta.url)),
)
const KEY_OF_TODAY = 'a key of today'

interface Way {
  what: string
  options?: Partial<StoreOptions>
  change?(copy: string): void
}

/** In each of them the folder must hold the same. */
const WAYS: readonly Way[] = [
  { what: 'as it is' },
  { what: 'with hardly any index in memory', options: { keydirBytes: 4096 } },
  { what: 'without its hints', change: (copy) => rmSync(join(copy, 'hints'), { recursive: true }) },
]

/** Files, every way, and what comes of writing to it. */
export const GOLDEN_CASES: number = GOLDEN.length * (WAYS.length + 2)

export async function openGolden(context: Context, engine: Engine = Store): Promise<Findings> {
  const failures: string[] = []
  let n = 0
  const attempt = async (what: string, body: () => Promise<string | null> | string | null) => {
    let problem: string | null
    try {
      problem = await body()
    } catch (error) {
      problem = failureText(error)
    }
    if (problem !== null) failures.push(`${what}: ${problem}`)
    n += 1
  }
  const folder = context.folder()
  for (const golden of GOLDEN) {
    // A planted engine has shown enough with the first.
    if (engine !== Store && failures.length >= NOTICED_ENOUGH) break
    await attempt(`${golden.name}, its files`, () => difference(golden.files, fileLines(golden.directory)))
    for (const way of WAYS) {
      await attempt(`${golden.name}, ${way.what}`, () =>
        readOne(join(folder, `${golden.name} ${way.what}`), golden, way, engine),
      )
    }
    await attempt(`${golden.name}, written to`, () =>
      writeOne(join(folder, `${golden.name} written`), golden, engine),
    )
    context.progress(n, GOLDEN_CASES)
  }
  return { n, failures }
}

function open(directory: string, engine: Engine, options: Partial<StoreOptions> = {}): Promise<Store> {
  const now = () => GOLDEN_NOW_MS
  return engine.open({ directory, cacheBytes: 1 << 20, now, mayRelease: () => false, ...options })
}

async function readOne(copy: string, golden: GoldenFolder, way: Way, engine: Engine): Promise<string | null> {
  cpSync(golden.directory, copy, { recursive: true })
  way.change?.(copy)
  const store = await open(copy, engine, way.options)
  try {
    const { bad } = await store.verify()
    return bad.length > 0
      ? `verify says ${JSON.stringify(bad[0])}`
      : await contentProblem(store, golden, null)
  } finally {
    await store.close()
  }
}

/** A key is added and one overwritten, all of it merged, and opened again. */
async function writeOne(copy: string, golden: GoldenFolder, engine: Engine): Promise<string | null> {
  cpSync(golden.directory, copy, { recursive: true })
  const [, overwritten = ''] = /^0 (\S+) value .* expires 0 /m.exec(golden.contents.join('\n')) ?? []
  const keys = [Buffer.from(KEY_OF_TODAY), Buffer.from(overwritten, 'hex')]
  let store = await open(copy, engine)
  for (const key of keys) await store.set(key, 'written today')
  await store.merge()
  await store.close()
  store = await open(copy, engine)
  try {
    for (const key of keys) {
      const value = await store.get(key)
      if (Buffer.from(value ?? []).toString() !== 'written today')
        return `${key} does not hold what was written`
    }
    const changed = new Set(keys.map((key) => `0 ${key.toString('hex')}`))
    return await contentProblem(store, golden, changed)
  } finally {
    await store.close()
  }
}

/** `changed`: keys that are not looked at; nor are notes on segments, where a merge has run. */
async function contentProblem(
  store: Store,
  { contents }: GoldenFolder,
  changed: ReadonlySet<string> | null,
): Promise<string | null> {
  const isKept = (line: string) =>
    changed === null || !(line.startsWith('3 ') || changed.has(line.split(' ', 2).join(' ')))
  return difference(contents.filter(isKept), (await contentLines(store)).filter(isKept))
}

function difference(expected: readonly string[], found: readonly string[]): string | null {
  const at = expected.findIndex((line, i) => line !== found[i])
  if (at >= 0) return `not "${expected[at]}" but "${found[at] ?? 'nothing'}"`
  return found.length > expected.length ? `more than there was: "${found[expected.length]}"` : null
}
