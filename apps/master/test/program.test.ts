/** The command `minivault-master`: its ready line, its end, and what it cannot begin with. */
import { spawn } from 'node:child_process'
import { fileURLToPath } from 'node:url'
import { Store } from '@minivault/storage'
import t from 'tap'
import { readSettings } from '../src/settings/settings.ts'
import { temporaryFolder } from './support/tried-master.ts'

const MAIN = fileURLToPath(new URL('../src/main.ts', import.meta.url))

interface Run {
  readonly stdout: string
  readonly stderr: string
  readonly code: number | null
}

/** To its end; SIGTERM once it is ready. */
function run(words: readonly string[]): Promise<Run> {
  const args = ['--import=tsx', '--conditions=minivault:source', MAIN, ...words]
  const child = spawn(process.execPath, args, { stdio: ['ignore', 'pipe', 'pipe'] })
  let stdout = ''
  let stderr = ''
  child.stdout.on('data', (text) => {
    stdout += text
    if (stdout.includes('ready')) child.kill('SIGTERM')
  })
  child.stderr.on('data', (text) => {
    stderr += text
  })
  return new Promise((resolve) => child.on('close', (code) => resolve({ stdout, stderr, code })))
}

t.test('settings', async (t) => {
  const read = (line: string) => readSettings('minivault-master', line.split(' ').filter(Boolean), {})
  t.match(read(''), { port: 3000, directory: './data', authKey: null, tls: null, caFile: null })
  t.same(read('-geo stretched -replicas 5 -founders 3').rules, {
    mode: 'stretched',
    replicas: 5,
    foundersMin: 3,
  })
  t.equal(read('-mode master -auth key').authKey, 'key')
  for (const [line, message] of [
    ['-mode worker', /^-mode takes master, not "worker"/],
    ['-geo round', /^-geo takes federated, stretched/],
    ['-replicas 9', /^-replicas takes a whole number from 1 to 7/],
    ['-durability os', /^-durability is not a flag: see minivault-master --help/],
    ['-tls-cert c', /^-tls-cert needs its private key/],
  ] as const)
    t.throws(() => read(line), { message })
})

t.test('the program', async (t) => {
  const folder = temporaryFolder(t)
  const words = ['-port', '0', '-host', '127.0.0.1', '-data', folder]
  const first = await run(words)
  t.match(first, { code: 0, stdout: /^minivault ready: master on http:\/\/127\.0\.0\.1:\d+ · registry / })
  t.match(await run(words), { code: 0 }, 'again, over its folder')

  const workers = temporaryFolder(t)
  const store = await Store.open({ directory: workers })
  await store.set('key', 'value')
  await store.close()
  const refused = await run(['-port', '0', '-data', workers])
  t.equal(refused.code, 1)
  t.match(
    refused.stderr,
    /^minivault-master: .* is the data folder of a worker: give the master one of its own/,
  )
  t.equal(refused.stderr.trimEnd().split('\n').length, 1)
  const unread = await run(['-port', '0', '-data', workers, '-tls-ca', '/nowhere'])
  t.match(unread, { code: 2, stderr: /^minivault-master: -tls-ca \/nowhere cannot be read \(ENOENT\): give/ })
  t.match(await run(['-prot', '1']), { code: 2, stderr: /^minivault-master: -prot is not a flag \(did you/ })
})
