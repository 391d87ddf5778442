// Every client of examples/ passes the one list of cases against nodes of this repository, started as
// programs. A language whose tools are missing is skipped, loudly; where everything was to be installed (CI)
// that is red.

import { execFileSync, spawnSync } from 'node:child_process'
import { readFileSync } from 'node:fs'
import { type AddressInfo, createServer, type Socket } from 'node:net'
import { join, resolve } from 'node:path'
import { setTimeout } from 'node:timers/promises'
import t, { type Test } from 'tap'
import { type RunningNode, startProgram } from '../../packing/src/running-node.ts'
import { CASES, type Case, expectedOn, type NodeName } from '../src/cases.ts'
import { type Door, Driver } from '../src/driver.ts'
import { isInstalled, LANGUAGES, type Language } from '../src/languages.ts'
import { readPrograms } from '../src/programs.ts'

const ROOT = resolve(import.meta.dirname, '../../..')
const NODE_COMMAND = join(ROOT, 'apps/node/bin/minivault-node.js')
const DOORS: readonly Door[] = ['binary', 'http']
const HEALTH_NUMBERS = ['uptime_seconds', 'cache_items', 'cache_size_mb', 'storage_size_mb', 'memory_mb']
const USUAL = { connections: 4, waiting: 64, timeoutMs: 20_000 }

const folder = t.testdir({ open: {}, locked: {}, restarted: {} })
const running = new Set<{ end(): void }>()
const addresses = {} as Record<NodeName, string>

function startNode(name: string, ...words: string[]): Promise<RunningNode> {
  const args = [NODE_COMMAND, '-host', '127.0.0.1', '-data', join(folder, name), ...words]
  return startProgram(process.execPath, args, folder)
}

function startDriver(language: Language, door: Door, command: readonly string[]): Driver {
  const driver = new Driver(language.name, door, command)
  running.add(driver)
  return driver
}

execFileSync(process.execPath, [join(ROOT, 'tools/bundle/bundle.mjs'), join(ROOT, 'apps/node')])
const open = await startNode('open', '-port', '0')
const locked = await startNode('locked', '-port', '0', '-auth', 'secret', '-authmode', 'all')
const taken = new Set<Socket>()
const silent = createServer((socket) => taken.add(socket.on('error', () => {})))
await new Promise<void>((listening) => silent.listen(0, '127.0.0.1', listening))
addresses.open = `127.0.0.1:${open.port}`
addresses.locked = `127.0.0.1:${locked.port}`
addresses.silent = `127.0.0.1:${(silent.address() as AddressInfo).port}`

t.teardown(async () => {
  for (const driver of running) driver.end()
  for (const socket of taken) socket.destroy()
  silent.close()
  await Promise.all([open.stop(), locked.stop()])
})

/** The drivers' commands. Compilers work while the list of another language runs. */
const ready = new Map<Language, readonly string[]>()
const present = LANGUAGES.filter((language) => isInstalled(language.tool))
const prepared = present.map((language) => language.prepare(join(folder, language.name)))
for (const preparing of prepared) preparing.catch(() => {})

for (const language of LANGUAGES) {
  if (present.includes(language)) continue
  const message = `${language.name} is not tested: there is no ${language.tool} on this machine`
  process.stderr.write(`${message}\n`)
  if (process.env['CI']) t.fail(message)
  else t.test(language.name, { skip: message }, async () => {})
}

for (const [index, language] of present.entries()) {
  t.test(`${language.name}: both clients pass the checks of the language and the list`, async (t) => {
    try {
      ready.set(language, await (prepared[index] as Promise<readonly string[]>))
    } catch (error) {
      t.fail(`${language.name}: ${(error as { stderr?: string }).stderr || error}`)
      return
    }
    for (const door of DOORS) {
      const driver = startDriver(language, door, ready.get(language) as readonly string[])
      for (const one of CASES) await pass(t, driver, one)
      await tellHealth(t, driver)
      driver.end()
    }
  })
}

async function pass(t: Test, driver: Driver, { name, node, options, steps }: Case): Promise<void> {
  await driver.run({ do: 'open', address: addresses[node], ...USUAL, ...options })
  const results = []
  for (const { command } of steps) results.push(await driver.run(command))
  const expected = steps.map((step) => expectedOn(driver.door, step))
  t.same(results, expected, `${driver.name}: ${name}`)
  await driver.run({ do: 'close' })
}

async function tellHealth(t: Test, driver: Driver): Promise<void> {
  const health = async () => (await driver.run({ do: 'health' }))['json'] as Record<string, unknown>
  for (const node of ['locked', 'open'] as const) {
    await driver.run({ do: 'open', address: addresses[node], ...USUAL })
    const told = await health()
    const isWhole = HEALTH_NUMBERS.every((field) => typeof told[field] === 'number')
    t.ok(told['status'] === 'ok' && isWhole, `${driver.name}: health of the ${node} node`)
  }
  await driver.run({ do: 'together', callers: 20 })
  // Those of the clients before may take a moment to be gone.
  let connections = Number.POSITIVE_INFINITY
  for (let tries = 0; tries < 50 && connections > USUAL.connections; tries++) {
    connections = Number((await health())['connections'])
    if (connections > USUAL.connections) await setTimeout(100)
  }
  t.ok(connections <= USUAL.connections, `${driver.name}: no more connections than allowed`)
}

t.test('a restart of the node between two calls is not seen', async (t) => {
  let node = await startNode('restarted', '-port', '0')
  const drivers = [...ready].flatMap(([language, command]) =>
    DOORS.map((door) => startDriver(language, door, command)),
  )
  const all = (step: (driver: Driver) => Promise<unknown>) => Promise.all(drivers.map(step))
  const key = (driver: Driver) => Buffer.from(driver.name).toString('hex')
  await all((driver) => driver.run({ do: 'open', address: `127.0.0.1:${node.port}`, ...USUAL }))
  await all((driver) => driver.run({ do: 'together', callers: 8 }))
  await all((driver) => driver.run({ do: 'set', key: key(driver), text: 'kept' }))
  for (const first of ['get', 'set'] as const) {
    t.equal(await node.stop(), 0)
    node = await startNode('restarted', '-port', String(node.port))
    for (const driver of drivers) {
      const result = await driver.run({ do: first, key: key(driver), text: 'kept' })
      t.same(result, first === 'get' ? { text: 'kept' } : {}, `${driver.name}: ${first} after a restart`)
    }
  }
  t.equal(await node.stop(), 0)
  for (const driver of drivers) {
    t.same(await driver.run({ do: 'get', key: key(driver) }), { error: 'CONNECTION' }, `${driver.name}: gone`)
    driver.end()
  }
})

t.test('the programs of examples/README.md print what is shown', async (t) => {
  const programs = readPrograms(readFileSync(join(ROOT, 'examples/README.md'), 'utf8'))
  t.same(programs.map(({ language }) => language).sort(), ['go', 'python', 'rust', 'typescript'])
  for (const { language: name, text, expected } of programs) {
    const language = [...ready.keys()].find((candidate) => candidate.name === name)
    if (language === undefined) continue
    const here = text.replaceAll('localhost:3000', addresses.locked)
    const command = await language.program(join(folder, name), here)
    const result = spawnSync(command[0] as string, command.slice(1), { encoding: 'utf8', timeout: 60_000 })
    t.equal(result.stdout, expected, `${name} (${result.stderr.slice(-2000)})`)
  }
})
