/**
 * Writes golden folders, those named that are not there yet: one that is there is never written again.
 *
 *     node --import=tsx --conditions=minivault:source packages/storage/test/golden/make.ts v1-closed …
 */
import { spawn } from 'node:child_process'
import { once } from 'node:events'
import { cpSync, existsSync, mkdtempSync, readdirSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { Version } from '@minivault/clock'
import { nodeFileSystem } from '@minivault/wal'
import { seededRandom } from '@minivault/wal/testing'
import { Store, type StoreOptions } from '../../src/index.ts'
import {
  contentLines,
  fileLines,
  GOLDEN_DIGEST_SUFFIX,
  GOLDEN_NOW_MS,
  goldenText,
} from '../../src/testing/index.ts'
import { SMALL, WRITTEN_MS, writeOfReplica, writePacked, writeUserKeys } from './content.ts'

const HERE = import.meta.dirname

function open(directory: string, seed: number, more: Partial<StoreOptions> = {}): Promise<Store> {
  const bits = seededRandom(seed)
  return Store.open({
    ...SMALL,
    directory,
    now: () => WRITTEN_MS,
    random: (n) => Uint8Array.from({ length: n }, () => Math.floor(bits() * 256)),
    autoMerge: false,
    ...more,
  })
}

const MAKERS: Readonly<Record<string, (directory: string) => Promise<void>>> = {
  /** One life, closed cleanly. */
  async 'v1-closed'(directory) {
    const store = await open(directory, 1)
    await writeUserKeys(store, 'closed')
    writeOfReplica(store)
    await store.close()
  },

  /** A life that was closed, and one that kill -9 ended: its tail was never sealed. */
  async 'v1-killed'(directory) {
    const before = await open(directory, 2)
    await writeUserKeys(before, 'before')
    await before.close()
    const words = ['--import=tsx', '--conditions=minivault:source', import.meta.filename, '--life', directory]
    const life = spawn(process.execPath, words, { stdio: ['ignore', 'pipe', 'inherit'] })
    await once(life.stdout, 'data')
    life.kill('SIGKILL')
    await once(life, 'exit')
  },

  /** Three lives with another codec each, and a merge: its outputs, hints, tombstones that stay. */
  async 'v1-merged'(directory) {
    await writeMerged(directory, async () => {})
  },

  /** A snapshot of the same store while it is open. */
  async 'v1-snapshot'(directory) {
    const source = `${directory}-source`
    await writeMerged(source, async (store) => void (await store.snapshot(directory, { copy: true })))
  },
}

/** The life that is killed: says one word when its writes are acknowledged, and waits. */
async function live(directory: string): Promise<void> {
  const store = await open(directory, 3)
  await writeUserKeys(store, 'killed')
  writeOfReplica(store)
  await store.set('killed/last at os', 'acknowledged', { durability: 'os' })
  process.stdout.write('acknowledged\n')
  await new Promise((resolve) => setTimeout(resolve, 60_000))
}

async function writeMerged(directory: string, atTheEnd: (store: Store) => Promise<void>): Promise<void> {
  for (const [life, compression] of (['zstd', 'lz4', 'none'] as const).entries()) {
    const store = await open(directory, 10 + life, {
      compression,
      // Of every other key the tombstone stays, as where another replica may still hold an older record.
      mayRelease: ({ low }) => (low & 1) === 0,
    })
    await writeUserKeys(store, compression)
    writePacked(store, `${compression}/packed zstd`, 'zstd', Version.of(WRITTEN_MS, 20 + life, 5))
    writePacked(store, `${compression}/packed lz4`, 'lz4', Version.of(WRITTEN_MS, 30 + life, 5))
    for (let i = 0; i < 40; i++)
      await store.set(`short-lived ${i}`, `${compression} ${i}`, { durability: 'os' })
    for (let i = 0; i < 20; i++) await store.delete(`short-lived ${i * 2}`, { durability: 'os' })
    if (compression === 'lz4') {
      writeOfReplica(store)
      await store.merge()
      await store.set('after the merge', 'a segment that no merge has touched')
    }
    await whenHinted(store, directory)
    if (compression === 'none') await atTheEnd(store)
    await store.close()
  }
}

/** Resolves when every sealed segment has its hint file. */
async function whenHinted(store: Store, directory: string): Promise<void> {
  await store.sync()
  await store.engine.log.settled()
  const sealed = store.engine.log.segments().filter((segment) => segment.sealed)
  const isThere = () => {
    const names = existsSync(join(directory, 'hints')) ? readdirSync(join(directory, 'hints')) : []
    return sealed.every(({ id }) => names.includes(`${String(id).padStart(10, '0')}.hint`))
  }
  while (!isThere()) await new Promise(setImmediate)
}

/** What is written in a folder of its own is read from a copy, and only then put into its place. */
async function make(name: string): Promise<void> {
  const maker = MAKERS[name]
  if (maker === undefined) throw new Error(`${name} is none of ${Object.keys(MAKERS).join(', ')}`)
  const target = join(HERE, name)
  if (existsSync(target)) throw new Error(`${target} is there: a golden folder is never written again`)
  const root = mkdtempSync(join(tmpdir(), 'minivault-golden-'))
  try {
    const [made, copy] = [join(root, name), join(root, 'copy')]
    await maker(made)
    for (const file of readdirSync(made)) if (file.startsWith('LOCK')) nodeFileSystem.remove(join(made, file))
    cpSync(made, copy, { recursive: true })
    const store = await open(copy, 99, { now: () => GOLDEN_NOW_MS })
    const contents = await contentLines(store)
    await store.close()
    cpSync(made, target, { recursive: true })
    writeFileSync(`${target}${GOLDEN_DIGEST_SUFFIX}`, goldenText(fileLines(target), contents))
  } finally {
    rmSync(root, { recursive: true, force: true })
  }
}

const [first, ...others] = process.argv.slice(2)
if (first === '--life') await live(others[0]!)
else for (const name of first === undefined ? [] : [first, ...others]) await make(name)
