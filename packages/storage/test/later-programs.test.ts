/**
 * What a later program of the same format version may leave in a folder (docs/DATA_FILE.md, "What may change
 * within version 1"): we read past it, and keep it through a merge.
 */
import { mkdtempSync, readdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { crc32, DURABILITY, Log } from '@minivault/wal'
import t from 'tap'
import { folderAt, LAYOUT_HASH } from '../src/folder.ts'
import { Store } from '../src/index.ts'
import { contentLines } from '../src/testing/index.ts'

const root = mkdtempSync(join(tmpdir(), 'minivault-later-'))
t.teardown(() => rmSync(root, { recursive: true, force: true }))

const ballotOf = (ms: number) => `${ms.toString(16).padStart(12, '0')}000100000007`
const open = (directory: string) => Store.open({ directory, cacheBytes: 1 << 20, mayRelease: () => false })

/** A record with a tag 200 of three bytes, in hexadecimal. */
function recordOf({
  space = 0,
  key,
  value,
  flags = 0,
  ms = 1000,
}: Partial<Record<'space' | 'flags' | 'ms', number>> & {
  key: string
  value: string
}): Buffer {
  const tagged = 'c803aabbcc'
  const head = Buffer.alloc(24)
  head[0] = flags | 8
  head[1] = space
  head.writeUInt16LE(key.length, 2)
  head.writeUInt32LE(value.length, 4)
  head.write(ballotOf(ms), 8, 'hex')
  head.writeUInt16LE(tagged.length / 2, 22)
  return Buffer.concat([head, Buffer.from(tagged, 'hex'), Buffer.from(key), Buffer.from(value)])
}

/** Appends records as they are to the log of a closed store. */
async function append(directory: string, records: readonly Buffer[]): Promise<void> {
  const { logDirectory } = folderAt(directory)
  const log = await Log.open(
    { directory: logDirectory, layoutHash: LAYOUT_HASH, onProgress: () => {} },
    { entry: () => {} },
  )
  for (const record of records) {
    log.window.set(record, log.reserve(record.length))
    log.commit()
  }
  log.demand(DURABILITY.fsync)
  await log.sync()
  await log.close()
}

t.test('tags, spaces and metadata that nobody knows are passed over and kept', async (t) => {
  const directory = join(root, 'unknown')
  let store = await open(directory)
  await store.set('ours', 'one')
  await store.close()
  const records = [
    recordOf({ key: 'theirs', value: 'with a tag' }),
    recordOf({ key: 'gone', value: '', flags: 1 }),
    recordOf({ key: 'theirs', value: 'another space', space: 9 }),
    recordOf({ key: 'of a later program', value: 'fact', space: 2, ms: 1 }),
    recordOf({ key: 'ordered', value: 'a note', space: 3, ms: 1 }),
  ]
  await append(directory, records)
  store = await open(directory)
  t.equal(Buffer.from((await store.get('theirs'))!).toString(), 'with a tag')
  t.equal((await store.getEntry('theirs'))?.version, ballotOf(1000))
  t.equal(await store.get('gone'), undefined)
  const keys: string[] = []
  for await (const { key } of store.scan()) keys.push(Buffer.from(key).toString())
  t.same(keys, ['ours', 'theirs'])
  const before = (await contentLines(store)).filter((line) => !line.startsWith('3 '))
  t.equal(before.length, 5)
  await store.set('ours', 'two')
  await store.merge()
  await store.close()
  const segments = readdirSync(join(directory, 'log')).filter((name) => name.endsWith('.seg'))
  const all = Buffer.concat(segments.map((name) => readFileSync(join(directory, 'log', name))))
  for (const record of records.slice(0, 4)) t.ok(all.includes(record), record.toString('latin1'))
  store = await open(directory)
  const ours = `0 ${Buffer.from('ours').toString('hex')} `
  const after = (await contentLines(store)).filter((line) => !line.startsWith('3 '))
  const others = (lines: readonly string[]) => lines.filter((line) => !line.startsWith(ours))
  t.same(others(after), others(before))
  t.same((await store.verify()).bad, [])
  await store.close()
})

t.test('a hint of a later version is made anew', async (t) => {
  const directory = join(root, 'hints')
  let store = await open(directory)
  await store.set('key', 'value')
  await store.close()
  store = await open(directory)
  await store.sync()
  const before = await contentLines(store)
  await store.close()
  const { hintDirectory } = folderAt(directory)
  const names = readdirSync(hintDirectory)
  t.ok(names.length > 0)
  for (const name of names) {
    const bytes = readFileSync(join(hintDirectory, name))
    bytes.writeUInt16LE(2, 4)
    bytes.writeInt32LE(crc32(bytes, 0, 124, 0), 124)
    writeFileSync(join(hintDirectory, name), bytes)
  }
  store = await open(directory)
  t.same(await contentLines(store), before)
  await store.close()
  for (const name of names) t.equal(readFileSync(join(hintDirectory, name)).readUInt16LE(4), 1, 'ours again')
})
