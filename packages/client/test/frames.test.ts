/** What stands in the frames that leave, and what is made of replies that no healthy server gives. */
import {
  CAPABILITY,
  ERROR,
  FRAME_FLAG,
  FRAME_OPCODE,
  type FrameReply,
  ScanPageEntry,
  ScanPageWriter,
} from '@minivault/protocol'
import t, { type Test } from 'tap'
import { Client, type ClientOptions } from '../src/index.ts'
import { type Seen, scripted } from './support/scripted.ts'

const code = (expected: string) => ({ name: 'ClientError', code: expected })
const VERSION = '0000000000010000000200000003'.slice(-24)

function open(t: Test, port: number, options: ClientOptions = {}): Client {
  const url = `minivault://127.0.0.1:${port}`
  const client = Client.open({ url, protocol: 'frames', timeoutMs: 5_000, connections: 1, ...options })
  t.teardown(() => client.close())
  return client
}

t.test('each option in its place', async (t) => {
  const frames: Seen[] = []
  const { port } = await scripted(t, (seen, socket) => {
    frames.push(seen)
    socket.write(
      seen.reply(undefined, seen.opcode === FRAME_OPCODE.increment ? '\u0007'.padEnd(8, '\0') : ''),
    )
  })
  const client = open(t, port)
  const levels = { consistency: 'quorum', durability: 'memory', timeoutMs: 777 } as const
  const options = { ...levels, ttlMs: 2 ** 40 + 1, ifVersion: VERSION }
  const { ifVersion, json, ifAbsent, range, noValue } = FRAME_FLAG
  const cases: [() => Promise<unknown>, number, number, Record<string, number>][] = [
    [() => client.get('k', levels), FRAME_OPCODE.get, 0, { ttlMs: 0 }],
    [() => client.has('k', levels), FRAME_OPCODE.get, noValue, {}],
    [
      () => client.getRange('k', { ...levels, start: 5, end: 12 }),
      FRAME_OPCODE.get,
      range,
      { chunkOffset: 5, totalBytes: 7 },
    ],
    [() => client.set('k', 'v', options), FRAME_OPCODE.set, ifVersion, { ttlMs: 2 ** 40 + 1 }],
    [() => client.create('k', 'v', { ...levels, ttlMs: 1 }), FRAME_OPCODE.set, ifAbsent, { ttlMs: 1 }],
    [() => client.json().set('k', 'v', options), FRAME_OPCODE.set, ifVersion | json, {}],
    [
      () => client.delete('k', { ...levels, ifVersion: VERSION }),
      FRAME_OPCODE.delete,
      ifVersion,
      { ttlMs: 0 },
    ],
    [() => client.touch('k', options), FRAME_OPCODE.touch, ifVersion, { ttlMs: 2 ** 40 + 1 }],
    [() => client.increment('k', 7, { ...levels, ttlMs: 5 }), FRAME_OPCODE.increment, 0, { ttlMs: 5 }],
    [() => client.batch([], levels), FRAME_OPCODE.batch, 0, {}],
    [() => client.setStream('k', [], { ...options, type: 'json' }), FRAME_OPCODE.set, ifVersion | json, {}],
  ]
  for (const [call, opcode, flags, expected] of cases) {
    await call()
    const { request, id } = frames.pop()!
    const isWrite = opcode !== FRAME_OPCODE.get
    t.match(request, { opcode, flags, consistency: 2, durability: 0, attempt: 0, ...expected }, `${call}`)
    t.ok(request.deadlineMs > 600 && request.deadlineMs <= 777, `the deadline: ${request.deadlineMs}`)
    t.equal(id !== '0'.repeat(24), isWrite, 'writes have an id')
  }
})

t.test('a retry has the same id, a higher attempt, and less time', async (t) => {
  const frames: Seen[] = []
  const { port } = await scripted(t, (seen, socket) => {
    frames.push(seen)
    if (frames.length < 3) setTimeout(() => socket.resetAndDestroy(), 60)
    else socket.write(seen.reply(undefined, '\u0007'.padEnd(8, '\0')))
  })
  t.equal(await open(t, port).increment('k', 7), 7n)
  t.same(
    frames.map(({ attempt }) => attempt),
    [0, 1, 2],
  )
  t.equal(new Set(frames.map(({ id }) => id)).size, 1)
  const [first, second, third] = frames.map(({ request }) => request.deadlineMs)
  t.ok(first! > second! + 50 && second! > third! + 50, `${first} ${second} ${third}`)
})

t.test('a server that cannot, by its HELLO, is not asked', async (t) => {
  let asked = 0
  const { port } = await scripted(t, () => asked++, CAPABILITY.batch)
  const client = open(t, port)
  const options = { ttlMs: 1 }
  const calls: (() => Promise<unknown>)[] = [
    () => client.scan().next(),
    () => client.increment('k'),
    () => client.touch('k'),
    () => client.set('k', 'v', options),
    () => client.set('k', 'v', { ifVersion: VERSION }),
    () => client.getRange('k', { end: 1 }),
    () => client.setStream('k', [], options),
    () => client.setStream('k', [Buffer.alloc(5 * 1024 * 1024)], { size: 5 * 1024 * 1024, ...options }),
  ]
  for (const call of calls) {
    await t.rejects(call(), code('CLIENT_UNSUPPORTED'), `${call}`)
  }
  t.equal(asked, 0)
})

function page(names: string[], cursor: string): string {
  const bytes = new Uint8Array(10_000)
  const writer = new ScanPageWriter()
  writer.begin(bytes, 0, bytes.length)
  for (const name of names) writer.add(new ScanPageEntry(), Buffer.from(name), new Uint8Array(0))
  return Buffer.from(bytes.subarray(0, writer.finish(Buffer.from(cursor)))).toString('latin1')
}

t.test('a scan asks one page ahead, goes on by the cursor, and nothing more when it is left', async (t) => {
  let asked = 0
  const { port } = await scripted(t, (seen, socket) => {
    const text = page([`${asked}a`, `${asked}b`], `cursor ${++asked}`)
    socket.write(seen.reply((reply) => (reply.flags = FRAME_FLAG.more), text))
  })
  const scan = open(t, port).scan()
  await scan.next()
  await new Promise((resolve) => setTimeout(resolve, 50))
  t.equal(asked, 2, 'the page, and the one behind it')
  await scan.next()
  await new Promise((resolve) => setTimeout(resolve, 50))
  t.equal(asked, 2)
  t.equal(Buffer.from((await scan.next()).value!.key).toString(), '1a')
  await new Promise((resolve) => setTimeout(resolve, 50))
  t.equal(asked, 3)
  scan.close()
  t.same(await scan.next(), { done: true, value: undefined })
  await new Promise((resolve) => setTimeout(resolve, 50))
  t.equal(asked, 3)
})

t.test('a page that is cut is asked for again, and nothing is seen twice', async (t) => {
  const asked: [connection: number, cursor: string][] = []
  const pages = [page(['a', 'b'], 'one'), page(['c', 'd'], 'two'), page(['e'], '')]
  const { port } = await scripted(t, (seen, socket) => {
    const cursor = seen.value.subarray(20).toString()
    asked.push([seen.connection, cursor])
    const index = ['', 'one', 'two'].indexOf(cursor)
    const more = (reply: FrameReply) => (reply.flags = index < 2 ? FRAME_FLAG.more : 0)
    const whole = seen.reply(more, pages[index]!)
    if (seen.connection === 1 && index === 1) socket.write(whole.subarray(0, 60), () => socket.destroy())
    else socket.write(whole)
  })
  const found: string[] = []
  for await (const { key } of open(t, port).scan()) found.push(Buffer.from(key).toString())
  t.same(found, ['a', 'b', 'c', 'd', 'e'])
  t.same(asked, [
    [1, ''],
    [1, 'one'],
    [2, 'one'],
    [2, 'two'],
  ])
})

t.test('what is no page, no sum, no versions', async (t) => {
  for (const text of ['', 'x', page(['a'], '').slice(0, -1), `${page(['a'], '')}x`, page(['a'], 'cursor')]) {
    const { port } = await scripted(t, (seen, socket) => socket.write(seen.reply(undefined, text)))
    const client = open(t, port)
    await t.rejects(client.scan().next(), code('CLIENT_PROTOCOL'))
    await t.rejects(client.increment('k'), code('CLIENT_PROTOCOL'))
    await t.rejects(client.batch([{ type: 'delete', key: 'k' }]), code('CLIENT_PROTOCOL'))
  }
  const { port } = await scripted(t, (seen, socket) =>
    socket.write(seen.reply((reply) => (reply.flags = FRAME_FLAG.more), page(['a'], ''))),
  )
  await t.rejects(open(t, port).scan().next(), code('CLIENT_PROTOCOL'), 'more, but no cursor')
})

t.test('refused by a condition: the version that is there', async (t) => {
  const { port } = await scripted(t, (seen, socket) => {
    const refuse = (reply: FrameReply) => {
      reply.error = ERROR.VERSION_MISMATCH
      reply.outcome = 1
      if (seen.key === 'there') reply.version.set(1, 2, 3)
    }
    socket.write(seen.reply(refuse))
  })
  const client = open(t, port)
  const there = (await client.delete('there', { ifVersion: VERSION }).catch((error) => error)) as Error
  t.match(there, { ...code('VERSION_MISMATCH'), version: '000000010000000200000003', inDoubt: false })
  const gone = (await client.delete('gone', { ifVersion: VERSION }).catch((error) => error)) as Error
  t.match(gone, { ...code('VERSION_MISMATCH'), version: undefined, inDoubt: false })
})
