/**
 * The README's commands for two regions whose addresses are https, run as printed but for the names: master
 * and domains are this machine, each port is a free one. One region has a certificate of its own, the other
 * stands behind a proxy that has it.
 */
import { execFile, execFileSync } from 'node:child_process'
import { readFileSync } from 'node:fs'
import net from 'node:net'
import { join, resolve } from 'node:path'
import { setTimeout as sleep } from 'node:timers/promises'
import tls from 'node:tls'
import { promisify } from 'node:util'
import { Authority, type Pair } from '@minivault/certificates'
import { freePort } from '@minivault/free-port'
import t, { type Test } from 'tap'
import { startProgram } from '../../packing/src/running-node.ts'
import { readBlocks } from '../src/blocks.ts'

const ROOT = resolve(import.meta.dirname, '../../..')
const PATIENCE_MS = 30_000
const LOOK_MS = 100
const call = promisify(execFile)

/** `pnpm exec NAME` → the program of this repository, and what else is said of it. */
function asRun(line: string, names: Readonly<Record<string, string>>, environment: string): string {
  let text = line.replace(/^pnpm exec minivault-(\w+)/, (_, app) => {
    const command = join(ROOT, `apps/${app}/bin/minivault-${app}.js`)
    return `${environment} exec '${process.execPath}' '${command}'`
  })
  for (const [printed, own] of Object.entries(names)) text = text.replaceAll(printed, own)
  return text
}

/** Ends TLS in front of a node that speaks plainly. */
async function startProxy(t: Test, { cert, key }: Pair, target: number): Promise<number> {
  const sockets = new Set<net.Socket>()
  const proxy = tls.createServer({ cert, key }, (outside) => {
    const inside = net.connect(target, '127.0.0.1')
    for (const [from, to] of [
      [outside, inside],
      [inside, outside],
    ] as const) {
      sockets.add(from)
      from.on('error', () => to.destroy())
      from.pipe(to)
    }
  })
  await new Promise<void>((listening) => proxy.listen(0, listening))
  t.teardown(() => {
    proxy.close()
    for (const socket of sockets) socket.destroy()
  })
  return (proxy.address() as net.AddressInfo).port
}

t.test('regions behind https, as README.md starts them', async (t) => {
  const page = readFileSync(join(ROOT, 'README.md'), 'utf8')
  const block = readBlocks(page, 'sh').find(({ commands }) => commands.includes('https://eu.'))
  for (const app of ['master', 'node'])
    execFileSync(process.execPath, [join(ROOT, 'tools/bundle/bundle.mjs'), join(ROOT, `apps/${app}`)])
  const authority = new Authority(t)
  const trusts = `NODE_EXTRA_CA_CERTS='${authority.file}'`
  const [eu, us] = [authority.issue('eu'), authority.issue('us')]
  const [master, euPort, usPort] = [await freePort(), await freePort(), await freePort()]
  const proxy = await startProxy(t, us, usPort)
  const names = { 'master:8080': `localhost:${master}`, '-port 8080': `-port ${master}` }
  const euNames = { '-port 3000': `-port ${euPort}`, 'eu.domain.com': `localhost:${euPort}` }
  const usNames = { '-port 3000': `-port ${usPort}`, 'us.domain.com': `localhost:${proxy}` }
  const shown = `MINIVAULT_TLS_CERT='${eu.certFile}' MINIVAULT_TLS_KEY='${eu.keyFile}'`
  const lines = block?.commands.split('\n') ?? []
  t.equal(lines.length, 3, 'a master and two workers')
  const start = async (index: number, own: object, environment: string) => {
    const command = asRun(lines[index]!, { ...names, ...own }, `${trusts} ${environment}`)
    const program = await startProgram('bash', ['-c', command], t.testdirName)
    t.teardown(() => program.stop())
    return program
  }
  // A machine of its own for each, as far as folders go.
  t.testdir({})
  const folders = ['', '-data ./eu', '-data ./us']
  folders.forEach((words, index) => {
    lines[index] = `${lines[index]} ${words}`
  })
  await start(0, {}, '')
  await Promise.all([start(1, euNames, shown), start(2, usNames, '')])

  const curl = async (...words: string[]) => {
    const { stdout } = await call('curl', ['-s', '--cacert', authority.file, ...words])
    return stdout
  }
  const [inEu, inUs] = [`https://localhost:${euPort}/key`, `https://localhost:${proxy}/key`]
  t.equal(await curl('-X', 'PUT', inEu, '-d', '{"value": "hello"}'), '{"success":true}')
  const deadline = performance.now() + PATIENCE_MS
  while (!(await curl(inUs)).includes('hello') && performance.now() < deadline) await sleep(LOOK_MS)
  t.equal(await curl(inUs), '{"success":true,"data":"hello"}', 'written in one region, read in the other')
  const again = await curl('-X', 'POST', inUs, '-d', '{"value": "again"}')
  t.match(again, /"code":"KEY_EXISTS"/, 'decided in the home region')
  const health = JSON.parse(await curl(`https://localhost:${euPort}/health`))
  t.match(health, { region: 'eu', lag_seconds_us: Number, lag_keys_us: Number, master_state: 'member' })
  const layout = JSON.parse(await curl(`http://localhost:${master}/-/admin/layout`))
  const members = layout.members.map(({ name, region }: Record<string, string>) => `${region} ${name}`)
  t.same(members.sort(), [`eu https://localhost:${euPort}`, `us https://localhost:${proxy}`])
})
