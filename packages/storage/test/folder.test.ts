import { type ChildProcess, execFileSync, spawn } from 'node:child_process'
import { once } from 'node:events'
import {
  chmodSync,
  existsSync,
  mkdirSync,
  mkdtempSync,
  readdirSync,
  readFileSync,
  rmSync,
  writeFileSync,
} from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { createInterface } from 'node:readline'
import { nodeFileSystem } from '@minivault/wal'
import t from 'tap'
import { FORMAT_VERSION, LAYOUT_HASH } from '../src/folder.ts'
import { FolderLock } from '../src/folder-lock.ts'
import { Store } from '../src/index.ts'
import { nodeProcesses } from '../src/node-ports.ts'

const root = mkdtempSync(join(tmpdir(), 'minivault-folder-'))
t.teardown(() => rmSync(root, { recursive: true, force: true }))

let folders = 0
const fresh = () => join(root, `data${++folders}`)
const bytes = (text: string) => new TextEncoder().encode(text)

/** Another process with a store. */
class Opener {
  readonly process: ChildProcess
  readonly #lines: AsyncIterator<string>

  constructor() {
    const file = join(import.meta.dirname, 'fixtures', 'opener.ts')
    this.process = spawn(process.execPath, ['--import=tsx', '--conditions=minivault:source', file], {
      stdio: ['pipe', 'pipe', 'inherit'],
    })
    this.#lines = createInterface({ input: this.process.stdout! })[Symbol.asyncIterator]()
  }

  async line(): Promise<string> {
    return (await this.#lines.next()).value as string
  }

  ask(line: string): Promise<string> {
    this.process.stdin!.write(`${line}\n`)
    return this.line()
  }

  async kill(): Promise<void> {
    const gone = once(this.process, 'exit')
    this.process.kill('SIGKILL')
    await gone
  }
}

t.test('two processes want one folder: exactly one gets it, new, released, or left by a kill', async (t) => {
  const openers = [new Opener(), new Opener()]
  const doomed = [new Opener(), new Opener()]
  const all = [...openers, ...doomed]
  t.teardown(() => all.map((opener) => opener.process.kill('SIGKILL')))
  for (const opener of all) t.equal(await opener.line(), 'ready')
  const race = async (directory: string) => {
    const said = await Promise.all(openers.map((opener) => opener.ask(`open ${directory}`)))
    t.same(said.toSorted(), ['STORAGE_LOCKED', 'open'], directory.slice(root.length))
    t.equal(await openers[said.indexOf('open')]!.ask('close'), 'closed')
  }
  for (let i = 0; i < 20; i++) await race(join(root, `new${i}`))
  for (let i = 0; i < 10; i++) await race(join(root, 'new0'))
  for (const [i, holder] of doomed.entries()) {
    const directory = join(root, `killed${i}`)
    t.equal(await holder.ask(`open ${directory}`), 'open')
    t.equal(await openers[0]!.ask(`open ${directory}`), 'STORAGE_LOCKED', 'while it lives')
    await holder.kill()
    await race(directory)
  }
})

t.test('one process a folder; what is not ours is refused', async (t) => {
  const directory = fresh()
  const store = await Store.open({ directory })
  await t.rejects(Store.open({ directory }), { code: 'STORAGE_LOCKED', message: /this process/ })
  const entry = JSON.stringify(join(import.meta.dirname, '../src/index.ts'))
  const script = `import(${entry})
    .then((m) => m.Store.open({ directory: process.argv[1] }))
    .then(() => process.kill(process.pid, 'SIGKILL'), (e) => console.log(e.code, e.message))`
  const run = (args: string[]) => {
    try {
      return execFileSync(
        process.execPath,
        ['--import=tsx', '--conditions=minivault:source', '-e', script, ...args],
        { encoding: 'utf8' },
      )
    } catch {
      return 'killed'
    }
  }
  t.match(run([directory]), new RegExp(`STORAGE_LOCKED .*process ${process.pid}`))
  await store.close()
  t.equal(run([directory]), 'killed')
  const after = await Store.open({ directory })
  t.pass('a dead holder does not keep the folder')
  await after.close()
  writeFileSync(
    join(directory, 'FORMAT'),
    readFileSync(join(directory, 'FORMAT'), 'utf8').replace('format 1', 'format 9'),
  )
  await t.rejects(Store.open({ directory }), { code: 'STORAGE_FORMAT', message: /another data folder/ })
  const foreign = fresh()
  mkdirSync(foreign)
  writeFileSync(join(foreign, 'letter.txt'), 'dear')
  await t.rejects(Store.open({ directory: foreign }), { code: 'STORAGE_FOLDER', message: /letter.txt/ })
  const shared = t.testdir({ cluster: { 'volume-3001': {} } })
  await (await Store.open({ directory: shared })).close()
  await t.rejects(Store.open({ directory: join(foreign, 'letter.txt') }), { code: 'STORAGE_FOLDER' })
  await t.rejects(Store.open({ directory: fresh(), cacheBytes: 3 }), { code: 'STORAGE_OPTION' })
  if (process.getuid?.() !== 0) {
    chmodSync(foreign, 0o500)
    await t.rejects(Store.open({ directory: join(foreign, 'x') }), { code: 'STORAGE_FOLDER' })
  }
  t.notOk(existsSync(join(foreign, 'FORMAT')))
})

t.test('a lock whose content a power cut took holds nobody', async (t) => {
  const directory = fresh()
  mkdirSync(directory)
  writeFileSync(join(directory, 'LOCK.3'), '')
  const store = await Store.open({ directory })
  t.ok(existsSync(join(directory, 'LOCK.4')))
  await store.close()
})

t.test('racing for a stale lock: one wins, whoever looks when', async (t) => {
  const directory = fresh()
  mkdirSync(directory)
  writeFileSync(
    join(directory, 'LOCK.3'),
    `pid 1\nstart another life\nhost ${nodeProcesses.host}\nstate held\n`,
  )
  const first = FolderLock.acquire(nodeFileSystem, directory, nodeProcesses, 'a')
  t.throws(() => FolderLock.acquire(nodeFileSystem, directory, nodeProcesses, 'b'), {
    code: 'STORAGE_LOCKED',
  })
  t.same(readdirSync(directory), ['LOCK.4'])
  first.release()
  const elsewhere = { ...nodeProcesses, host: 'elsewhere' }
  const second = FolderLock.acquire(nodeFileSystem, directory, elsewhere, 'c')
  t.throws(() => FolderLock.acquire(nodeFileSystem, directory, nodeProcesses, 'd'), {
    message: /elsewhere.*remove/,
  })
  second.release()
  // A slow opener that saw LOCK.3 as the highest while all of this went on.
  let isSlow = true
  const slow = {
    ...nodeFileSystem,
    list: (path: string) => {
      const names = isSlow ? ['LOCK.3'] : nodeFileSystem.list(path)
      return names
    },
    readFile: (path: string) =>
      path.endsWith('LOCK.3') ? bytes('state released\n') : nodeFileSystem.readFile(path),
    link: (from: string, to: string) => {
      isSlow = false
      return nodeFileSystem.link(from, to)
    },
  }
  const third = FolderLock.acquire(nodeFileSystem, directory, nodeProcesses, 'e')
  t.throws(() => FolderLock.acquire(slow, directory, nodeProcesses, 'f'), { code: 'STORAGE_LOCKED' })
  t.same(readdirSync(directory), ['LOCK.6'])
  third.release()
})

t.test('a folder of another format is refused in one line that says both, and the way out', async (t) => {
  const directory = fresh()
  await (await Store.open({ directory })).close()
  const path = join(directory, 'FORMAT')
  const right = readFileSync(path, 'utf8')
  const refused: [string, RegExp][] = [
    [right.replace('format 1', 'format 2'), /says format 2, .* reads format 1: a newer minivault .*another/],
    ['minivault data folder\nformat 2\nof a kind unknown\n', /format 2, .* reads format 1: a newer/],
    [right.replace('format 1', 'format 0'), /says format 0, .* reads format 1: .*before the first release/],
    [right.replace(/layout .{8}/, 'layout 0badcafe'), /layout 0badcafe, .* layout 35312722: .*another/],
    [`${right}more\n`, /is damaged: restore it/],
    [right.slice(0, 20), /is damaged or not ours/],
  ]
  for (const [text, message] of refused) {
    writeFileSync(path, text)
    const error = await Store.open({ directory }).then(
      () => null,
      (reason: Error) => reason,
    )
    t.match(error, { code: 'STORAGE_FORMAT', path, message })
    t.notMatch(error?.message, /\n/)
  }
  writeFileSync(path, right)
  await (await Store.open({ directory })).close()
})

t.test('another layout is another format version, and the history says so', async (t) => {
  const page = readFileSync(join(import.meta.dirname, '../../../docs/DATA_FILE.md'), 'utf8')
  const history = page.slice(page.lastIndexOf('### History'))
  // A changed layout: raise FORMAT_VERSION, go on reading the one before, add a line to the history of part
  // 2, its hash here, and a golden folder. That of version 1 never changes.
  const layouts = new Map([[1, 0x35312722]])
  t.equal(layouts.get(FORMAT_VERSION), LAYOUT_HASH)
  t.match(history, new RegExp(`^\\| ${FORMAT_VERSION} \\|`, 'm'))
  t.notMatch(history, new RegExp(`^\\| ${FORMAT_VERSION + 1} \\|`, 'm'))
})
