// scripts/startup.sh: a master and volumes with one command, as the documents say.

import { once } from 'node:events'
import { readdirSync } from 'node:fs'
import net from 'node:net'
import { join } from 'node:path'
import { freePort } from '@minivault/free-port'
import t from 'tap'
import { StartScript } from '../src/start-script.ts'

const READY = /^ready in .*(?:\n {2}.*)+/m

async function freePorts(count: number): Promise<number[]> {
  const ports = new Set<number>()
  while (ports.size < count) ports.add(await freePort())
  return [...ports]
}

async function portWords(volumes: number) {
  const [master, ...ports] = await freePorts(volumes + 1)
  return { ports, master: master!, words: ['--master-port', `${master}`, '--volume-ports', ports.join(',')] }
}

t.test('the words', async (t) => {
  const end = (...words: string[]) => new StartScript(t, t.testdirName, words).ended
  t.testdir({})
  const help = await end('--help')
  t.equal(help.code, 0)
  for (const option of ['master-port', 'volume-ports', 'data-dir', 'auth', 'binary'])
    t.match(help.stdout, `--${option} <`)
  const wrong: [string[], RegExp][] = [
    [['--volume-port', '1,2'], /--volume-port is not an option/],
    [['4000'], /4000 is not an option/],
    [['--volume-ports', '4000,x'], /takes ports from 1 to 65535, not "x"/],
    [['--volume-ports', '4000,3000'], /port 3000 is given twice/],
    [['--data-dir', '--auth', 'k'], /--data-dir needs a value/],
  ]
  for (const [words, message] of wrong) {
    const { code, stdout, stderr } = await end(...words)
    t.equal(code, 2, words.join(' '))
    t.match(stderr, message)
    t.equal(`${stdout}${stderr}`.trimEnd().split('\n').length, 1, 'one line')
  }
})

t.test('a folder that cannot be made', async (t) => {
  const { words } = await portWords(2)
  const { code, stderr } = await new StartScript(t, t.testdir({}), [...words, '--data-dir', '/proc/x']).ended
  t.equal(code, 1)
  t.match(stderr, /^minivault: --data-dir: \/proc\/x cannot be made \(\w+\)$/m)
})

t.test('three volumes: what is created at one is read at another at once', async (t) => {
  const folder = t.testdir({})
  const { words, ports, master } = await portWords(3)
  const cluster = new StartScript(t, folder, words)
  t.comment((await cluster.until(READY))[0])
  for (const name of ['master', ...ports.map((port) => `volume-${port}`)])
    t.match(cluster.stdout, new RegExp(`^  ${name} .*http://localhost:\\d+ +ready`, 'm'))
  const [first, second] = ports
  const body = '{"value": "hello"}'
  const created = await fetch(`http://localhost:${first}/test`, { method: 'POST', body })
  t.equal(created.status, 201)
  t.match(await (await fetch(`http://localhost:${second}/test`)).json(), { success: true, data: 'hello' })
  t.equal((await fetch(`http://localhost:${master}/health`)).status, 200)
  t.same(
    readdirSync(join(folder, 'data', 'cluster')).sort(),
    ['clusters.json', 'logs', 'master', ...ports.map((port) => `volume-${port}`)].sort(),
  )

  const busy = await new StartScript(t, folder, words).ended
  t.equal(busy.code, 1)
  t.match(busy.stderr, /^minivault: port \d+ of master is in use: .* --master-port$/m)

  cluster.signal('SIGINT')
  const { code, stderr } = await cluster.ended
  t.equal(code, 0, stderr)
  await Promise.all(
    [master, ...ports].map(async (port) => t.equal(await isTaken(port), false, `${port} is free`)),
  )
})

t.test('two volumes, a key, and one of them dies: all are stopped', async (t) => {
  const folder = t.testdir({})
  const { words, ports, master } = await portWords(2)
  const cluster = new StartScript(t, folder, [...words, '--auth', 'k', '--data-dir', 'there'], {
    MINIVAULT_AUTHMODE: 'all',
  })
  await cluster.until(READY)
  t.equal((await fetch(`http://localhost:${ports[0]}/test`)).status, 401)
  const headers = { Authorization: 'Bearer k' }
  t.equal((await fetch(`http://localhost:${ports[0]}/test`, { headers })).status, 404)
  const [, pid] = await cluster.until(new RegExp(`volume-${ports[1]} .*\\(pid (\\d+)\\)`))
  process.kill(Number(pid), 'SIGKILL')
  const { code, stderr } = await cluster.ended
  t.equal(code, 1)
  t.match(
    stderr,
    new RegExp(`^minivault: volume-${ports[1]} was ended by SIGKILL.*; stopping the others$`, 'm'),
  )
  for (const port of [master, ...ports]) t.equal(await isTaken(port), false, `${port} is free`)
})

async function isTaken(port: number): Promise<boolean> {
  const socket = net.connect(port, '127.0.0.1')
  try {
    await once(socket, 'connect')
    return true
  } catch {
    return false
  } finally {
    socket.destroy()
  }
}
