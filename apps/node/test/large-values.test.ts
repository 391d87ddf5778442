import { setTimeout as sleep } from 'node:timers/promises'
import { ERROR, FRAME_FLAG, FRAME_OPCODE } from '@minivault/protocol'
import t from 'tap'
import { BinaryClient, get, set } from './support/binary-client.ts'
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
  getFrames,
  growthOf,
  serverWith,
  setDocumented,
  setFrames,
  until,
} from './support/large-transfers.ts'

const MIB = 1024 * 1024
const LARGE_BYTES = 100 * MIB
/** A node that holds the value whole needs 100 MiB and more. */
const GROWTH_BYTES_MAX = 32e6

t.test('100 MiB in and out by both forms, within 32 MB', async (t) => {
  const { port, pid } = await serverWith(t)
  // What the first large value brings up once: code, the threads' stacks, the buffers that are kept.
  const warm = new Pattern(6 * MIB, 5)
  await setDocumented(port, 'warm', warm)
  await getDocumented(port, 'warm', warm)
  await setFrames(port, 'warm', warm)
  await getFrames(port, 'warm', warm)
  const [a, b] = [new Pattern(LARGE_BYTES, 1), new Pattern(LARGE_BYTES, 2)]
  const parts: [string, () => Promise<void>][] = [
    ['SET', async () => void t.equal(await setDocumented(port, 'a', a), 0)],
    ['GET', async () => void t.equal(await getDocumented(port, 'a', a), LARGE_BYTES)],
    ['SET in chunks', async () => void t.equal(await setFrames(port, 'b', b), 0)],
    ['GET in chunks', async () => void t.equal(await getFrames(port, 'b', b), LARGE_BYTES)],
    ['GET by the other form', async () => void t.equal(await getDocumented(port, 'b', b), LARGE_BYTES)],
  ]
  for (const [name, work] of parts) {
    const growth = await growthOf(pid, work)
    t.ok(growth < GROWTH_BYTES_MAX, `${name}: ${(growth / 1e6).toFixed(1)} MB`)
  }
})

t.test('small requests go on meanwhile, on other connections and behind it', async (t) => {
  const { port } = await serverWith(t)
  const value = new Pattern(60 * MIB, 3)
  const other = new BinaryClient(port)
  let small = 0
  let isDone = false
  const work = (async () => {
    while (!isDone) {
      const [reply] = await other.send(set(`small ${small & 15}`, `value ${small}`))
      if (reply!.status !== 0) throw new Error('a small write failed')
      small++
    }
  })()
  const socket = await connect(port)
  const taker = new Taker(socket)
  socket.write(Buffer.concat([set('before', 'b'), documentedSetHead('k', value.size)]))
  await pushValue(socket, value)
  // Behind it in one write: what was just sent, and what else is asked.
  socket.write(
    Buffer.concat([get('before'), get('k'), set('after', 'a'), get('k'), get('after'), get('nothing')]),
  )
  t.same([...(await taker.exactly(5))], [0, 0, 0, 0, 0])
  t.same([...(await taker.exactly(5))], [0, 0, 0, 0, 0])
  t.equal((await taker.exactly(6)).toString('latin1', 5), 'b')
  t.equal(await taker.value(value), value.size)
  t.same([...(await taker.exactly(5))], [0, 0, 0, 0, 0])
  t.equal(await taker.value(value), value.size)
  t.equal((await taker.exactly(6)).toString('latin1', 5), 'a')
  t.equal((await taker.exactly(5))[0], 0xff)
  isDone = true
  await work
  t.ok(small > 20, `${small} small writes`)
  other.close()
  socket.destroy()
})

t.test('in frames: several values at once, small ones between, conditions, ranges', async (t) => {
  const { port, directory } = await serverWith(t)
  const client = await FrameClient.open(port)
  const values = [4, 5, 6].map((mebibytes, i) => new Pattern(mebibytes * MIB + i, i + 10))
  const answers = values.map((_, i) => client.expect(100 + i))
  // One chunk of each in turn.
  const chunks = values.map((value, i) => {
    const bytes = value.whole()
    const frames: Buffer[] = []
    for (let at = 0; at < bytes.length; at += 192 * 1024) {
      const end = Math.min(bytes.length, at + 192 * 1024)
      const flags = FRAME_FLAG.chunk | (end < bytes.length ? FRAME_FLAG.more : 0)
      const place = { totalBytes: bytes.length, chunkOffset: at, value: bytes.subarray(at, end), flags }
      frames.push(frameOf(FRAME_OPCODE.set, { key: at === 0 ? `v${i}` : '', ...place }, 100 + i))
    }
    return frames
  })
  for (let i = 0; chunks.some((frames) => i < frames.length); i++) {
    client.socket.write(Buffer.concat(chunks.flatMap((frames) => frames[i] ?? [])))
    if (i === 3) t.equal((await client.set('small', 'between')).error, 0)
  }
  const stored = await Promise.all(answers)
  t.same(
    stored.map((answer) => answer.error),
    [0, 0, 0],
  )
  const versions = stored.map((answer) => answer.version)
  for (const [i, value] of values.entries()) {
    const whole = value.whole()
    const answer = await client.get(`v${i}`)
    t.equal(answer.version, versions[i])
    t.ok(answer.value.equals(whole))
    const range = { flags: FRAME_FLAG.range, chunkOffset: MIB - 100, totalBytes: 2 * MIB }
    const part = await client.get(`v${i}`, range)
    t.same([part.total, part.offset], [value.size, MIB - 100])
    t.ok(part.value.equals(whole.subarray(MIB - 100, 3 * MIB - 100)))
    const nothing = await client.get(`v${i}`, {
      flags: FRAME_FLAG.range,
      chunkOffset: 90 * MIB,
      totalBytes: 5,
    })
    t.same([nothing.error, nothing.value.length], [0, 0])
  }
  // Refused when all has come; nothing stays of it.
  const before = blobsIn(directory).length
  const again = await connect(port)
  await greet(again)
  const taker = new Taker(again)
  const asking = { frameId: 7, flags: FRAME_FLAG.ifAbsent }
  await pushChunks(again, 'v0', values[1]!, asking)
  t.equal((await taker.frame()).reply.error, ERROR.KEY_EXISTS)
  await pushChunks(again, 'v0', values[1]!, {
    frameId: 8,
    ifVersion: versions[1]!,
    flags: FRAME_FLAG.ifVersion,
  })
  const { reply } = await taker.frame()
  t.same([reply.error, reply.version.toString()], [ERROR.VERSION_MISMATCH, versions[0]])
  await pushChunks(again, 'v0', values[1]!, {
    frameId: 9,
    ifVersion: versions[0]!,
    flags: FRAME_FLAG.ifVersion,
  })
  t.equal((await taker.frame()).reply.error, 0)
  t.ok((await client.get('v0')).value.equals(values[1]!.whole()))
  t.ok(await until(() => blobsIn(directory).length === before), 'no file of a refused value')
  again.destroy()
  client.socket.destroy()
})

t.test('what must be whole to be judged is held within a total; beyond it, refused in step', async (t) => {
  const { port, pid } = await serverWith(t)
  const value = new Pattern(95 * MIB, 3)
  const head = documentedSetHead('k', value.size)
  // Compressed, it says.
  head[head.length - 1] = 1
  const growth = await growthOf(pid, async () => {
    const sockets = await Promise.all(Array.from({ length: 3 }, () => connect(port)))
    for (const socket of sockets.slice(0, 2)) {
      socket.write(head)
      await pushValue(socket, value, { until: value.size - 1 })
    }
    const last = sockets[2]!
    const taker = new Taker(last)
    last.write(head)
    const reply = taker.exactly(5)
    await pushValue(last, value)
    t.same([...(await reply)], [0xff, 0, 0, 0, 0])
    last.write(Buffer.concat([set('small', 'goes on'), get('small')]))
    t.equal((await taker.exactly(17)).toString('latin1', 10), 'goes on')
    for (const socket of sockets) socket.destroy()
  })
  t.ok(growth < 450e6, `${(growth / 1e6).toFixed()} MB`)
  // What they held is free again.
  const socket = await connect(port)
  const taker = new Taker(socket)
  await sleep(100)
  socket.write(head)
  await pushValue(socket, value)
  socket.write(get('small'))
  t.same([...(await taker.exactly(5))], [0xff, 0, 0, 0, 0], 'taken whole, and found to be no zstd')
  t.equal((await taker.exactly(12)).toString('latin1', 5), 'goes on')
  socket.destroy()
})
