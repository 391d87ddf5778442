/** What a client tells of itself: by scripted nodes, one after the other. */

import { hashKey, KeyHash } from '@minivault/codec'
import { CAPABILITIES_OF_ALL, CAPABILITY, FRAME_OPCODE } from '@minivault/protocol'
import { createLayout, encodeLayout, partitionOf } from '@minivault/topology'
import t from 'tap'
import type { ClientEvent, KeyValueClient } from '../src/index.ts'
import { open } from './support/open.ts'
import { type Seen, scriptedNodes } from './support/scripted.ts'

const WITH_LAYOUT = CAPABILITIES_OF_ALL | CAPABILITY.layout
/** What must have happened by then. */
const CALLS_MAX = 5_000
const EVENTS: ClientEvent[] = ['connected', 'disconnected', 'retry', 'down', 'up', 'layout']

function record(client: KeyValueClient): [ClientEvent, Record<string, unknown>][] {
  const told: [ClientEvent, Record<string, unknown>][] = []
  for (const name of EVENTS) client.on(name, (event) => told.push([name, event as never]))
  return told
}

t.test('one node: a connection breaks, the call is made again', async (t) => {
  let calls = 0
  const { url, ports } = await scriptedNodes(t, 1, (seen, socket) => {
    if (++calls === 1) socket.destroy()
    else socket.write(seen.reply())
  })
  const client = open(t, url)
  const told = record(client)
  await client.set('key', 'value')
  const node = `127.0.0.1:${ports[0]}`
  const error = { code: 'CLIENT_DISCONNECTED', retryable: true }
  t.match(told, [
    ['connected', { node }],
    ['disconnected', { node, error }],
    ['retry', { node, error, attempt: 1 }],
    ['connected', { node }],
  ])
})

t.test('several: the layout, one that is away, and back', async (t) => {
  let layout: Uint8Array = new Uint8Array(0)
  let isAway = true
  const { url, ports } = await scriptedNodes(
    t,
    2,
    (seen, socket) => {
      const body = seen.opcode === FRAME_OPCODE.layout ? Buffer.from(layout).toString('latin1') : ''
      if (isAway && seen.opcode === FRAME_OPCODE.set && seen.node === 0) socket.destroy()
      else socket.write(seen.reply(undefined, body))
    },
    WITH_LAYOUT,
  )
  const members = ports.map((port) => ({ name: `127.0.0.1:${port}` }))
  layout = encodeLayout(createLayout(members))
  const client = open(t, url)
  const told = record(client)
  const names = () => new Set(told.map(([name]) => name))
  for (let i = 0; i < CALLS_MAX && !(names().has('retry') && names().has('layout')); i++) {
    await client.set(`${i}`, 'value')
  }
  isAway = false
  for (let i = 0; i < CALLS_MAX && !names().has('up'); i++) await client.set(`${i}`, 'value')
  const node = members[0]!.name
  t.match(told.find(([name]) => name === 'down')![1], { node })
  t.match(told.find(([name]) => name === 'up')![1], { node })
  t.match(told.find(([name]) => name === 'retry')![1], { node, error: { name: 'ClientError' }, attempt: 1 })
  const [, event] = told.find(([name]) => name === 'layout')!
  t.match(event, { epoch: 1 })
  t.match(
    new Set((event['members'] as { name: string }[]).map(({ name }) => name)),
    new Set(members.map(({ name }) => name)),
  )
})

t.test('a listener may be taken off, and what it throws is its own', async (t) => {
  const client = open(t, '127.0.0.1:1', { timeoutMs: 200 })
  let count = 0
  const off = client.on('disconnected', () => count++)
  const thrown = new Promise((resolve) => process.once('uncaughtException', resolve))
  const offThrowing = client.on('disconnected', () => {
    offThrowing()
    throw new Error('mine')
  })
  const call = t.rejects(client.get('key'), { code: 'CLIENT_TIMEOUT' }, 'nobody has to listen')
  t.match(await thrown, { message: 'mine' })
  await call
  t.ok(count > 0)
  off()
  const before = count
  await t.rejects(client.get('key'), { code: 'CLIENT_TIMEOUT' })
  t.equal(count, before)
})

t.test('members of the region that is asked for come first', async (t) => {
  let layout: Uint8Array = new Uint8Array(0)
  let asked = 0
  const all: Seen[] = []
  const { url, ports } = await scriptedNodes(
    t,
    4,
    (seen, socket) => {
      const isLayout = seen.opcode === FRAME_OPCODE.layout
      if (isLayout) asked++
      else all.push(seen)
      if (!isLayout && isAway && seen.node >= 2) return void socket.destroy()
      socket.write(seen.reply(undefined, isLayout ? Buffer.from(layout).toString('latin1') : 'value'))
    },
    WITH_LAYOUT,
  )
  let isAway = false
  const members = ports.map((port, node) => {
    return { name: `127.0.0.1:${port}`, region: node < 2 ? 'eu' : 'us' }
  })
  const table = createLayout(members, { replicas: 1 })
  layout = encodeLayout(table)
  const client = open(t, url, { region: 'us' })
  while (asked === 0) await client.get('key')
  await client.get('key')
  all.length = 0
  for (let i = 0; i < 40; i++) await client.set(`key ${i}`, 'value')
  for (const { key, node } of all) {
    const partition = partitionOf(hashKey(Buffer.from(key), 0, key.length, new KeyHash()))
    const [place] = table.votersOf(partition, 'us')
    t.equal(`127.0.0.1:${ports[node]}`, table.members[place!]!.name, key)
  }
  isAway = true
  all.length = 0
  for (let i = 0; i < 20; i++) await client.set(`key ${i}`, 'value')
  t.ok(all.at(-1)!.node < 2, 'and the others when nobody is there')
})
