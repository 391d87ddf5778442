/**
 * What may happen to a large value on its way: slow and broken clients, kill -9, a damaged file, a retry.
 */
import { readFileSync, writeFileSync } from 'node:fs'
import { setTimeout as sleep } from 'node:timers/promises'
import { Version } from '@minivault/clock'
import { ERROR, FRAME_OPCODE } from '@minivault/protocol'
import t from 'tap'
import { BinaryClient, get, keyed } from './support/binary-client.ts'
import { FrameClient, frameOf } from './support/frame-client.ts'
import {
  connect,
  documentedSetHead,
  greet,
  Pattern,
  pushChunks,
  pushValue,
  Taker,
} from './support/large-client.ts'
import {
  blobsIn,
  getDocumented,
  serverWith,
  setDocumented,
  takeFrames,
  until,
} from './support/large-transfers.ts'
import { startServer, temporaryFolder } from './support/server.ts'

const MIB = 1024 * 1024

t.test('a client that goes away in the middle leaves nothing', async (t) => {
  const { port, directory } = await serverWith(t)
  const old = new Pattern(3 * MIB, 1)
  await setDocumented(port, 'k', old)
  const value = new Pattern(40 * MIB, 2)
  for (const form of ['documented', 'frames']) {
    for (const end of ['destroy', 'end']) {
      const socket = await connect(port)
      if (form === 'frames') {
        await greet(socket)
        await pushChunks(socket, 'k', value, { frameId: 1 }, { until: 17 * MIB })
      } else {
        socket.write(documentedSetHead('k', value.size))
        await pushValue(socket, value, { until: 17 * MIB + 5 })
      }
      t.ok(await until(() => blobsIn(directory).length === 2), 'its file had begun')
      if (end === 'destroy') socket.destroy()
      else socket.end()
      t.ok(await until(() => blobsIn(directory).length === 1), `${form}, ${end}: its file is gone`)
      t.equal(await getDocumented(port, 'k', old), old.size)
      socket.destroy()
    }
  }
  // And on the way out: many that ask for all and take nothing hold nobody up.
  await setDocumented(port, 'large', value)
  const greedy = await Promise.all(Array.from({ length: 100 }, () => connect(port)))
  for (const socket of greedy) socket.pause().write(keyed(0x01, 'large'))
  await sleep(200)
  t.equal(await getDocumented(port, 'large', value), value.size, 'beside a hundred that take nothing')
  for (const socket of greedy) socket.destroy()
  t.equal(await getDocumented(port, 'large', value), value.size)
})

t.test('slow senders and slow readers get what is theirs', async (t) => {
  const { port } = await serverWith(t)
  const value = new Pattern(3 * MIB + 77, 4)
  const slow = async (key: string) => {
    const socket = await connect(port)
    const taker = new Taker(socket)
    socket.write(documentedSetHead(key, value.size))
    await pushValue(socket, value, { pieceBytes: 50_001, pauseMs: 5 })
    const reply = await taker.exactly(5)
    socket.destroy()
    return reply[0]
  }
  const keys = Array.from({ length: 20 }, (_, i) => `slow ${i}`)
  t.same(
    await Promise.all(keys.map(slow)),
    keys.map(() => 0),
  )
  const large = new Pattern(24 * MIB, 8)
  await setDocumented(port, 'large', large)
  const readers = Array.from({ length: 5 }, () => getDocumented(port, 'large', large, 4))
  t.same(
    await Promise.all(readers),
    readers.map(() => large.size),
  )
  for (const key of keys) t.equal(await getDocumented(port, key, value), value.size)
})

t.test('kill -9 in the middle: the old value stays, and a restart removes what had come', async (t) => {
  const directory = temporaryFolder(t)
  const words = ['-data', directory, '-durability', 'os']
  const old = new Pattern(5 * MIB, 1)
  const value = new Pattern(50 * MIB, 2)
  let server = await startServer(t, words)
  await setDocumented(server.port, 'k', old)
  for (const form of ['documented', 'frames']) {
    const socket = await connect(server.port)
    if (form === 'frames') {
      await greet(socket)
      await pushChunks(socket, 'k', value, { frameId: 1 }, { until: 30 * MIB })
    } else {
      socket.write(documentedSetHead('k', value.size))
      await pushValue(socket, value, { until: 30 * MIB })
    }
    t.ok(await until(() => blobsIn(directory).length === 2), 'its file had begun')
    server.child.kill('SIGKILL')
    await server.ended
    socket.destroy()
    server = await startServer(t, words)
    t.equal(await getDocumented(server.port, 'k', old), old.size)
    t.ok(await until(() => blobsIn(directory).length === 1), `${form}: no orphan`)
  }
  t.equal(await setDocumented(server.port, 'k', value), 0)
  server.child.kill('SIGKILL')
  await server.ended
  server = await startServer(t, words)
  t.equal(await getDocumented(server.port, 'k', value), value.size, 'acknowledged: there')
})

t.test('a piece that is damaged never leaves', async (t) => {
  const { port, directory } = await serverWith(t)
  const value = new Pattern(8 * MIB, 6)
  await setDocumented(port, 'k', value)
  const [path] = blobsIn(directory)
  const damage = (at: number) => {
    const bytes = readFileSync(path!)
    bytes[at]! ^= 1
    writeFileSync(path!, bytes)
  }
  damage(5 * MIB + 3)
  const socket = await connect(port)
  const taker = new Taker(socket)
  socket.write(Buffer.concat([keyed(0x01, 'k'), keyed(0x01, 'k')]))
  const right = await taker.value(value)
  t.ok(right > 0 && right <= 5 * MIB, `${right} bytes, all of them right, then the end of the connection`)
  await taker.closed
  const frames = await connect(port)
  await greet(frames)
  const taken = new Taker(frames)
  frames.write(
    Buffer.concat([
      frameOf(FRAME_OPCODE.get, { key: 'k' }, 3),
      frameOf(FRAME_OPCODE.set, { key: 'x', value: 'y' }, 4),
    ]),
  )
  t.equal(await takeFrames(taken, value, 3), -ERROR.CORRUPT, 'told under the id of its frame')
  t.equal((await taken.frame()).reply.frameId, 4, 'and the connection goes on')
  damage(10)
  const client = new BinaryClient(port)
  const [bad, good] = await client.send(get('k'), get('x'))
  t.same([bad!.status, good!.data.toString()], [0xff, 'y'], 'before the first byte it is an error in step')
  client.close()
  frames.destroy()
})

t.test('a retry by its request id takes effect once', async (t) => {
  const { port, directory } = await serverWith(t)
  const value = new Pattern(3 * MIB, 1)
  const requestId = Version.of(Date.now(), 1, 99)
  const socket = await connect(port)
  await greet(socket)
  const taker = new Taker(socket)
  const versions: string[] = []
  await pushChunks(socket, 'k', value, { frameId: 1, requestId })
  versions.push((await taker.frame()).reply.version.toString())
  const client = await FrameClient.open(port)
  const other = await client.set('k', 'newer')
  await pushChunks(socket, 'k', value, { frameId: 2, requestId, attempt: 1 })
  const { reply } = await taker.frame()
  versions.push(reply.version.toString())
  t.equal(reply.error, 0)
  t.same(versions, [requestId.toString(), requestId.toString()])
  t.same([(await client.get('k')).version, await client.text('k')], [other.version, 'newer'])
  t.ok(await until(() => blobsIn(directory).length === 0), 'nothing is left of the repeated bytes')
  // Two attempts on their way at once.
  const second = await connect(port)
  await greet(second)
  const secondTaker = new Taker(second)
  const id = Version.of(Date.now(), 2, 99)
  await Promise.all([
    pushChunks(socket, 'k2', value, { frameId: 3, requestId: id }),
    pushChunks(second, 'k2', value, { frameId: 4, requestId: id, attempt: 1 }),
  ])
  const both = [(await taker.frame()).reply, (await secondTaker.frame()).reply]
  t.ok(both.some(({ error, version }) => error === 0 && version.toString() === id.toString()))
  t.ok(both.every(({ error }) => error === 0 || error === ERROR.SUPERSEDED))
  t.ok(await until(() => blobsIn(directory).length === 1))
  for (const each of [socket, second, client.socket]) each.destroy()
})
