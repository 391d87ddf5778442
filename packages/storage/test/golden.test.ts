/**
 * Folders that earlier programs wrote, kept as they are: a copy of each opens, holds what it held, and goes
 * on. One that changes, or that is made anew, is red here: its files have other digests.
 */
import { spawnSync } from 'node:child_process'
import { createHash } from 'node:crypto'
import { cpSync, mkdtempSync, readdirSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import t from 'tap'
import { FORMAT_VERSION } from '../src/folder.ts'
import { Store, type StoreOptions } from '../src/index.ts'
import { KEYDIR_BYTES_MIN } from '../src/limits.ts'
import { contentLines, fileLines, GOLDEN_NOW_MS, goldenFolders } from '../src/testing/index.ts'

const root = mkdtempSync(join(tmpdir(), 'minivault-golden-'))
t.teardown(() => rmSync(root, { recursive: true, force: true }))
let copies = 0

const HERE = join(import.meta.dirname, 'golden')
const GOLDEN = goldenFolders(HERE)
const NAMES = ['v1-closed', 'v1-killed', 'v1-merged', 'v1-snapshot']

function copyOf(directory: string): string {
  const copy = join(root, `copy${++copies}`)
  cpSync(directory, copy, { recursive: true })
  return copy
}

function open(directory: string, more: Partial<StoreOptions> = {}): Promise<Store> {
  return Store.open({
    directory,
    cacheBytes: 1 << 20,
    now: () => GOLDEN_NOW_MS,
    mayRelease: () => false,
    ...more,
  })
}

const sha256 = (bytes: Uint8Array) => createHash('sha256').update(bytes).digest('hex')
/** Notes on segments go and come with merges. */
const withoutNotes = (lines: readonly string[]) => lines.filter((line) => !line.startsWith('3 '))
const hex = (key: string) => Buffer.from(key).toString('hex')

t.test('every folder is there, with its digests, and holds something of every kind', async (t) => {
  const folders = readdirSync(HERE, { withFileTypes: true }).filter((entry) => entry.isDirectory())
  t.same(folders.map(({ name }) => name).sort(), NAMES)
  t.same(
    GOLDEN.map(({ name }) => name),
    NAMES,
  )
  t.ok(
    NAMES.some((name) => name.startsWith(`v${FORMAT_VERSION}-`)),
    'of the version that is written today',
  )
  for (const { name, directory, files } of GOLDEN) t.same(fileLines(directory), files, `${name} is as it was`)
  const lines = GOLDEN.flatMap(({ contents }) => contents)
  for (const kind of [
    ...['value', 'expired', 'deleted', 'note', 'json', 'plain', 'zstd', 'lz4', 'file'].map(
      (word) => ` ${word} `,
    ),
    ...['memory', 'os', 'fsync'].map((level) => ` ${level} bytes`),
    ...['0 ', '1 ', '2 ', '3 '],
  ]) {
    t.ok(
      lines.some((line) => line.startsWith(kind) || line.includes(kind)),
      kind,
    )
  }
  t.notOk(lines.some((line) => line.includes('not-found')))
  t.ok(GOLDEN.find(({ name }) => name === 'v1-killed')!.files.some((line) => line.endsWith('.seg')))
})

t.test('what writes them never writes one that is there', async (t) => {
  const words = ['--import=tsx', '--conditions=minivault:source', join(HERE, 'make.ts')]
  const { status, stderr } = spawnSync(process.execPath, [...words, ...NAMES], { encoding: 'utf8' })
  t.equal(status, 1)
  t.match(stderr, /v1-closed is there: a golden folder is never written again/)
  t.same(fileLines(join(HERE, 'v1-closed')), GOLDEN[0]!.files)
})

for (const { name, directory, contents } of GOLDEN) {
  t.test(`${name} opens and holds what it held`, async (t) => {
    const ways: [string, Partial<StoreOptions>, ((copy: string) => void)?][] = [
      ['as it is', {}],
      ['with hardly any index in memory', { keydirBytes: KEYDIR_BYTES_MIN }],
      ['with small segments', { segmentBytes: 4096, windowBytes: 4096 }],
      ['without its hints', {}, (copy) => rmSync(join(copy, 'hints'), { recursive: true })],
    ]
    for (const [way, options, change] of ways) {
      const copy = copyOf(directory)
      change?.(copy)
      const store = await open(copy, options)
      const { recovery } = store.engine.log
      t.equal(recovery.cleanClose, name !== 'v1-killed', way)
      t.equal(recovery.corruptPlaces, 0, way)
      t.same(await contentLines(store), contents, way)
      t.same((await store.verify()).bad, [], way)
      await store.close()
    }
  })

  t.test(`${name}: a scan and promised reads give the same`, async (t) => {
    const store = await open(copyOf(directory))
    const seen: string[] = []
    for await (const { key, value } of store.scan()) {
      seen.push(`0 ${Buffer.from(key).toString('hex')} value ${sha256(value)}`)
      t.same(Buffer.from((await store.get(key))!), Buffer.from(value))
    }
    const live = contents.filter((line) => line.startsWith('0 ') && line.split(' ')[2] === 'value')
    t.same(seen.sort(), live.map((line) => line.replace(/ value .* sha256 /, ' value ')).sort())
    await store.close()
  })

  t.test(`${name} is written to, merged, opened again`, async (t) => {
    const copy = copyOf(directory)
    let store = await open(copy)
    const values = contents
      .filter((line) => /^0 \S+ value .* expires 0 /.test(line))
      .map((line) => line.split(' ')[1]!)
    const [overwritten, deleted] = values as [string, string]
    const { version } = await store.set(Buffer.from(overwritten, 'hex'), 'written anew')
    const ballots = contents.flatMap((line) => /^[01] .* ballot (\S+)/.exec(line)?.[1] ?? [])
    t.ok(
      ballots.every((ballot) => ballot < version),
      'above every ballot that was there',
    )
    t.equal(await store.delete(Buffer.from(deleted, 'hex')), true)
    await store.set('key of today', 'new')
    const expected = (lines: readonly string[]) => {
      const changed = [overwritten, deleted, hex('key of today')]
      return withoutNotes(lines).filter(
        (line) => !(line.startsWith('0 ') && changed.includes(line.split(' ')[1]!)),
      )
    }
    await store.merge()
    t.same(expected(await contentLines(store)), expected(contents))
    await store.close()
    for (let life = 0; life < 2; life++) {
      store = await open(copy)
      t.same(expected(await contentLines(store)), expected(contents))
      t.equal(Buffer.from((await store.get(Buffer.from(overwritten, 'hex')))!).toString(), 'written anew')
      t.equal(await store.get(Buffer.from(deleted, 'hex')), undefined)
      t.equal(Buffer.from((await store.get('key of today'))!).toString(), 'new')
      t.same((await store.verify()).bad, [])
      await store.close()
    }
  })
}
