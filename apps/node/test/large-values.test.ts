/**
 * Values of 100 MiB through the binary port, by both forms and both ways, while the node's memory is watched;
 * and what may happen to them on the way: slow and broken clients, kill -9, a damaged file, a retry.
 */
import { existsSync, readdirSync, readFileSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { setTimeout as sleep } from 'node:timers/promises'
import { Version } from '@minivault/clock'
import { ERROR, FRAME_FLAG, FRAME_OPCODE } from '@minivault/protocol'
import t, { type Test } from 'tap'
import { BinaryClient, get, keyed, set } from './support/binary-client.ts'
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
import { startServer, temporaryFolder } from './support/server.ts'

const MIB = 1024 * 1024
const LARGE_BYTES = 100 * MIB
/** A node that holds the value whole needs 100 MiB and more. */
const GROWTH_BYTES_MAX = 32e6

function residentBytes(pid: number): number {
  return Number(/VmRSS:\s+(\d+)/.exec(readFileSync(`/proc/${pid}/status`, 'utf8'))![1]) * 1024
}

/** The most that was resident while `work` ran, above what was before. */
async function growthOf(pid: number, work: () => Promise<void>): Promise<number> {
  const before = residentBytes(pid)
  let most = before
  const timer = setInterval(() => {
    most = Math.max(most, residentBytes(pid))
  }, 5)
  try {
    await work()
  } finally {
    clearInterval(timer)
  }
  return most - before
}

/** Files under `blobs/`. */
function blobsIn(directory: string): string[] {
  const blobs = join(directory, 'blobs')
  if (!existsSync(blobs)) return []
  return readdirSync(blobs, { recursive: true, withFileTypes: true })
    .filter((entry) => entry.isFile())
    .map((entry) => join(entry.parentPath, entry.name))
}

async function until(what: () => boolean, patienceMs = 10_000): Promise<boolean> {
  for (let waited = 0; waited < patienceMs; waited += 10) {
    if (what()) return true
    await sleep(10)
  }
  return false
}

async function setDocumented(port: number, key: string, value: Pattern): Promise<number> {
  const socket = await connect(port)
  const taker = new Taker(socket)
  socket.write(documentedSetHead(key, value.size))
  await pushValue(socket, value)
  const reply = await taker.exactly(5)
  socket.destroy()
  return reply[0]!
}

async function getDocumented(port: number, key: string, value: Pattern, pauseMs = 0): Promise<number> {
  const socket = await connect(port)
  const taker = new Taker(socket)
  socket.write(keyed(0x01, key))
  const right = await taker.value(value, pauseMs)
  socket.destroy()
  return right
}

async function setFrames(port: number, key: string, value: Pattern, asking = {}): Promise<number> {
  const socket = await connect(port)
  await greet(socket)
  const taker = new Taker(socket)
  await pushChunks(socket, key, value, { frameId: 9, ...asking })
  const { reply } = await taker.frame()
  socket.destroy()
  return reply.error
}

/** How many bytes were right; below zero: the error of the reply. */
async function takeFrames(taker: Taker, value: Pattern, frameId: number): Promise<number> {
  for (let at = 0; ; ) {
    const frame = await taker.frame()
    if (frame.reply.frameId !== frameId) throw new Error('another reply came between')
    if (frame.reply.error !== 0) return -frame.reply.error
    if (frame.reply.chunkOffset !== at || frame.reply.totalBytes !== value.size) return -1000
    if (!value.matches(frame.value, at)) return -1001
    at += frame.value.length
    if ((frame.reply.flags & FRAME_FLAG.more) === 0) return at
  }
}

async function getFrames(port: number, key: string, value: Pattern): Promise<number> {
  const socket = await connect(port)
  await greet(socket)
  const taker = new Taker(socket)
  socket.write(frameOf(FRAME_OPCODE.get, { key }, 3))
  const right = await takeFrames(taker, value, 3)
  socket.destroy()
  return right
}

async function serverWith(t: Test, durability = 'os') {
  const directory = temporaryFolder(t)
  const server = await startServer(t, ['-data', directory, '-durability', durability])
  return { directory, port: server.port, pid: server.child.pid!, server }
}

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
