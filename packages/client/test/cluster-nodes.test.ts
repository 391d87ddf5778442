/**
 * Whom a client of several nodes asks, by scripted ones: the layout, members that cannot be reached, nodes
 * that do not say what they are.
 */
import { hashKey, KeyHash } from '@minivault/codec'
import { CAPABILITIES_OF_ALL, CAPABILITY, FRAME_FLAG, FRAME_OPCODE } from '@minivault/protocol'
import { createLayout, encodeLayout, nextLayout, partitionOf } from '@minivault/topology'
import t from 'tap'
import { LAYOUT_MS_MAX } from '../src/limits.ts'
import { systemTime } from '../src/time.ts'
import { open } from './support/open.ts'
import { listen, type Seen, scriptedNodes } from './support/scripted.ts'

const WITH_LAYOUT = CAPABILITIES_OF_ALL | CAPABILITY.layout
const nodes = (all: Seen[]) => new Set(all.map(({ node }) => node)).size

t.test('the layout says who is asked first, and the newer one counts', async (t) => {
  let layout: Uint8Array = new Uint8Array(0)
  let asked = 0
  let aheadMs = 0
  const { ports, all } = await scriptedNodes(
    t,
    3,
    (seen, socket) => {
      if (seen.opcode !== FRAME_OPCODE.layout) return void socket.write(seen.reply(undefined, 'value'))
      asked++
      all.pop()
      socket.write(seen.reply(undefined, Buffer.from(layout).toString('latin1')))
    },
    WITH_LAYOUT,
  )
  const members = ports.map((port) => ({ name: `127.0.0.1:${port}` }))
  const first = createLayout(members, { replicas: 2 })
  layout = encodeLayout(first)
  // By one host under another name, and one that is no member.
  const [one, two] = ports
  const time = { ...systemTime, now: () => Date.now() + aheadMs }
  const client = open(t, `minivault://localhost:${one},127.0.0.1:${two}`, { time })
  const likely = (current: typeof first, key: string) => {
    const place = current.replicasOf(partitionOf(hashKey(Buffer.from(key), 0, key.length, new KeyHash())))[0]!
    return current.members[place]!.name
  }
  while (asked === 0) await client.get('key')
  await client.get('key')
  all.length = 0
  for (let i = 0; i < 60; i++) await client.get(`key ${i}`)
  for (const { key, node } of all) t.equal(`127.0.0.1:${ports[node]}`, likely(first, key), key)
  t.equal(nodes(all), 3)

  layout = encodeLayout(nextLayout(first, members.slice(0, 2)))
  asked = 0
  aheadMs = LAYOUT_MS_MAX
  while (asked === 0) await client.get('key')
  await client.get('key')
  all.length = 0
  for (let i = 0; i < 60; i++) await client.get(`key ${i}`)
  t.same([...new Set(all.map(({ node }) => node))].sort(), [0, 1])

  const connections = () => Math.max(...all.map(({ connection }) => connection))
  const before = connections()
  // An older one, bytes that are none, and members that are spoken to in another way change nothing.
  const web = nextLayout(nextLayout(first, members), [{ name: 'http://127.0.0.1:1' }])
  for (layout of [encodeLayout(first), Buffer.from('nonsense'), encodeLayout(web)]) {
    asked = 0
    aheadMs += LAYOUT_MS_MAX
    while (asked === 0) await client.get('key')
    await client.get('key')
  }
  all.length = 0
  for (let i = 0; i < 60; i++) await client.get(`key ${i}`)
  t.same([...new Set(all.map(({ node }) => node))].sort(), [0, 1])
  t.ok(connections() <= before, 'nobody was cut off for it')
})

t.test('members that cannot be reached: the hosts of the URL', async (t) => {
  const gone = await listen(t, (socket) => socket.destroy())
  const layout = encodeLayout(createLayout([{ name: `127.0.0.1:${gone}` }]))
  let asked = 0
  const { url, all } = await scriptedNodes(
    t,
    2,
    (seen, socket) => {
      if (seen.opcode === FRAME_OPCODE.layout) asked++
      const value = seen.opcode === FRAME_OPCODE.layout ? Buffer.from(layout).toString('latin1') : 'value'
      socket.write(seen.reply(undefined, value))
    },
    WITH_LAYOUT,
  )
  const client = open(t, url)
  while (asked === 0) await client.get('key')
  all.length = 0
  for (let i = 0; i < 20; i++) await client.set(`${i}`, 'value')
  t.ok(all.length >= 20)
})

t.test('a node that does not answer HELLO is not taken for an old one', async (t) => {
  const opcodes: number[] = []
  const frozen = await listen(t, (socket) => void socket.on('data', (bytes) => opcodes.push(bytes[0]!)))
  const { url } = await scriptedNodes(t, 1, (seen, socket) => void socket.write(seen.reply()))
  const client = open(t, `${url},127.0.0.1:${frozen}`, { helloTimeoutMs: 20, tryTimeoutMs: 60_000 })
  await Promise.all(Array.from({ length: 20 }, (_, i) => client.set(`${i}`, 'value')))
  t.same([...new Set(opcodes)], [FRAME_OPCODE.hello])
})

t.test('a large value from a source goes where a node is', async (t) => {
  const gone = await listen(t, (socket) => socket.destroy())
  let received = 0
  const { url } = await scriptedNodes(t, 1, (seen, socket) => {
    received += seen.value.length
    if ((seen.request.flags & FRAME_FLAG.more) === 0) socket.write(seen.reply())
  })
  const size = 5 * 1024 * 1024
  async function* source() {
    for (let i = 0; i < 5; i++) yield new Uint8Array(1024 * 1024)
  }
  for (const key of ['a', 'b', 'c', 'd']) {
    await open(t, `${url},127.0.0.1:${gone}`).setStream(key, source(), { size })
  }
  t.equal(received, 4 * size)
})
