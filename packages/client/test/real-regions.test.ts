/**
 * A client that asks for a region, and real nodes in two: its members are asked and no others; when
 * they are gone the others answer.
 */
import { once } from 'node:events'
import { freePorts } from '@minivault/free-port'
import t, { type Test } from 'tap'
import type { Client } from '../src/index.ts'
import { open } from './support/open.ts'
import { type Server, startServer } from './support/server.ts'

const KEYS = Array.from({ length: 50 }, (_, i) => `key ${i}`)
const pause = (ms: number) => new Promise((resolve) => setTimeout(resolve, ms))

interface Placed extends Server {
  readonly name: string
}

/** One member for each of these regions, brought together by a master. */
async function startRegions(t: Test, regions: readonly string[]): Promise<Placed[]> {
  const words = ['-mode', 'master', '-founders', `${regions.length}`, '-replicas', '2']
  const master = await startServer(t, words)
  const ports = await freePorts(regions.length)
  return Promise.all(
    regions.map(async (region, index) => {
      const name = `127.0.0.1:${ports[index]}`
      const own = ['-port', `${ports[index]}`, '-public-url', name, '-region', region, '-durability', 'os']
      const server = await startServer(t, [...own, '-master', `http://127.0.0.1:${master.port}`])
      return { ...server, name }
    }),
  )
}

/** All values are there, as this client sees it. */
async function readsAll(client: Client): Promise<boolean> {
  const values = await Promise.all(KEYS.map((key) => client.text().get(key)))
  return values.every((value, i) => value === `value of ${KEYS[i]}`)
}

t.test('the region that is asked for, and the other when it is gone', async (t) => {
  const all = (await startRegions(t, ['eu', 'us', 'us'])) as [Placed, Placed, Placed]
  const [eu, ...us] = all
  const near = open(t, `minivault://${all.map(({ name }) => name).join(',')}`, {
    region: 'us',
    timeoutMs: 20_000,
  })
  const down: string[] = []
  near.on('down', ({ node }) => down.push(node))
  let regions: string[] = []
  near.on('layout', ({ members }) => {
    regions = members.map(({ region }) => region)
  })
  const there = open(t, `minivault://${eu.name}`, { timeoutMs: 20_000 })
  for (const key of KEYS) await there.set(key, `value of ${key}`)
  while (!(await readsAll(near)) || regions.length === 0) await pause(50)
  t.same(regions.sort(), ['eu', 'us', 'us'])

  eu.child.kill('SIGSTOP')
  for (let turn = 0; turn < 4; turn++) t.ok(await readsAll(near), 'with the other region frozen')
  await near.set('written', 'here')
  t.equal(await near.text().get('written'), 'here', 'a plain write, too')
  t.same(down, [], 'nobody there was asked')
  eu.child.kill('SIGCONT')

  for (const { child } of us) {
    const ended = once(child, 'close')
    child.kill('SIGKILL')
    await ended
  }
  for (let turn = 0; turn < 4; turn++) t.ok(await readsAll(near), 'with its own region gone')
  t.same([...new Set(down)].sort(), us.map(({ name }) => name).sort())
})
