/**
 * A small store to damage: what its files hold, what its keys hold, and how a store on changed files is to
 * behave: the right value or a typed error for every key, by every way of reading.
 */
import { dirname } from 'node:path'
import type { Store } from '@minivault/storage'
import { MemoryFileSystem } from '@minivault/wal/testing'
import { payloadOf, print } from '../model/payload.ts'
import { type Engine, Machine, SMALL } from './machine.ts'

/** What is written last, in a life of its own. */
const TAIL_BYTES = 2048

export type Files = Map<string, Uint8Array>

export interface SmallStore {
  files: Files
  /** What each key holds; undefined: it was deleted. */
  values: Map<string, string | undefined>
}

/** STORAGE_FOLDER: without its FORMAT the folder is not known for ours, and not empty. */
const TYPED = new Set(['STORAGE_CORRUPT', 'STORAGE_FORMAT', 'STORAGE_FOLDER'])

/**
 * About `bytes` on disk in segments of 4 KiB, with overwritten and deleted keys, a merge, and a value in a
 * file of its own. `isCrashed`: the last writes are not synced and the store is not closed.
 */
export async function buildStore(bytes: number, isCrashed: boolean, engine?: Engine): Promise<SmallStore> {
  const disk = new MemoryFileSystem()
  const machine = new Machine(disk, SMALL, engine)
  const values = new Map<string, string | undefined>()
  let store = await machine.open()
  const set = async (key: string, n: number, size: number, durability: 'os' | 'fsync') => {
    const value = payloadOf(n, size)
    values.set(key, print(value))
    await machine.until(store.set(key, value, { durability }))
  }
  const used = () => [...disk.files().values()].reduce((sum, file) => sum + file.length, 0)
  for (let n = 0; n < 12 || used() < bytes - TAIL_BYTES; n++) {
    await set(`key ${n}`, n, 20 + ((n * 91) % 400), 'os')
    if (n % 3 === 2) await set(`key ${n - 1}`, n + 1000, 30, 'os')
    if (n % 4 === 3) {
      await machine.until(store.delete(`key ${n - 3}`))
      values.set(`key ${n - 3}`, undefined)
    }
    if (n === 5) await set('long', n + 2000, 1400, 'fsync')
    if (n === 9) await machine.until(store.merge())
  }
  await machine.until(store.close())
  store = await machine.open()
  for (let n = 0; n < 6; n++) await set(`late ${n}`, n + 3000, 60, 'fsync')
  if (isCrashed) for (let n = 0; n < 3; n++) await set(`last ${n}`, n + 4000, 60, 'os')
  else await machine.until(store.close())
  // The lock holds no data: a process that finds it changed says who is to remove it.
  const files = [...disk.files()].filter(([path]) => !path.includes('/LOCK'))
  return { files: new Map(files), values }
}

export function diskOf(files: Files): MemoryFileSystem {
  const disk = new MemoryFileSystem()
  for (const [path, bytes] of files) {
    disk.makeDirectory(dirname(path))
    disk.plant(path, bytes)
  }
  return disk
}

/** Files whose every byte `verify` reads. Hints are derived data, and made again. */
const VERIFIED = /\/(log\/\d+\.seg|blobs\/.*)$/

export interface Outcome {
  /** The error of the open; null: it opened. */
  refusal: { code: string; message: string } | null
  /** Keys that answered with a typed error. */
  errors: number
  /** Null: every answer was right or a typed error. */
  problem: string | null
}

/** Opens the files, reads every key, and has all of it verified. `damaged`: which file was changed. */
export async function inspect(
  files: Files,
  values: SmallStore['values'],
  damaged: string | null,
  engine?: Engine,
): Promise<Outcome> {
  const machine = new Machine(diskOf(files), SMALL, engine)
  const outcome: Outcome = { refusal: null, errors: 0, problem: null }
  let store: Store
  try {
    store = await machine.open()
  } catch (error) {
    const code = typedCode(error)
    if (code === null) return { ...outcome, problem: `opening it: ${error}` }
    return { ...outcome, refusal: { code, message: (error as Error).message } }
  }
  for (const [key, value] of values) {
    const answers = [() => machine.until(store.get(key)), async () => store.getSync(key)]
    for (const answer of answers) {
      try {
        const held = await answer()
        const isRight = value === undefined ? held === undefined : held !== undefined && print(held) === value
        if (!isRight) return { ...outcome, problem: `${key}: ${held ? 'a wrong value' : 'a silent miss'}` }
      } catch (error) {
        if (typedCode(error) === null) return { ...outcome, problem: `${key}: ${error}` }
        outcome.errors += 1
      }
    }
  }
  outcome.problem = await scanProblem(machine, store, values)
  if (outcome.problem !== null) return outcome
  const { bad } = await machine.until(store.verify())
  const isNamed = bad.some(({ path }) => path === damaged)
  const mustName = damaged !== null && (outcome.errors > 0 || VERIFIED.test(damaged))
  if (mustName && !isNamed) outcome.problem = `verify does not name the file: ${JSON.stringify(bad)}`
  if (damaged === null && bad.length > 0) outcome.problem = `verify says ${JSON.stringify(bad)}`
  return outcome
}

/** A scan gives out what is right, up to a typed error: it leaves nothing out in silence. */
async function scanProblem(machine: Machine, store: Store, values: SmallStore['values']) {
  const keys = [...values.keys()].filter((key) => values.get(key) !== undefined).sort()
  const scan = store.scan()
  try {
    for (const key of keys) {
      const [entry] = await machine.until(scan.nextPage(1))
      if (entry === undefined) return `a scan ends before ${key}`
      if (print(entry.key) !== key) return `a scan gives ${print(entry.key)} in the place of ${key}`
      if (print(entry.value) !== values.get(key)) return `a scan gives ${key} a wrong value`
    }
    return (await machine.until(scan.nextPage(1))).length === 0 ? null : 'a scan gives out too much'
  } catch (error) {
    return typedCode(error) === null ? `a scan: ${error}` : null
  } finally {
    scan.close()
  }
}

function typedCode(error: unknown): string | null {
  const { name, code } = error as { name?: string; code?: string }
  return name === 'StorageError' && code !== undefined && TYPED.has(code) ? code : null
}
