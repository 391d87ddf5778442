/** Large values over HTTP: through files both ways, bounded in memory, nothing left of what fails. */
import { once } from 'node:events'
import { openSync, writeSync } from 'node:fs'
import { setTimeout as sleep } from 'node:timers/promises'
import t, { type Test } from 'tap'
import { startNode } from '../src/node.ts'
import { systemTime } from '../src/time.ts'
import { ask, RawHttp, refusal, until } from './support/http-client.ts'
import { connect, Pattern, push, pushValue, Taker } from './support/large-client.ts'
import { blobsIn, getDocumented, growthOf, serverWith, setDocumented } from './support/large-transfers.ts'
import { temporaryFolder } from './support/server.ts'

const MIB = 1024 * 1024
const LARGE_BYTES = 100 * MIB
/** A node that holds the value whole needs 100 MiB and more. */
const GROWTH_BYTES_MAX = 48e6
const OCTETS = 'application/octet-stream'

const putHead = (key: string, length: string, more = '') =>
  `PUT /${key} HTTP/1.1\r\nHost: x\r\nContent-Type: ${OCTETS}\r\n${length}\r\n${more}\r\n`

async function put(port: number, key: string, value: Pattern): Promise<string> {
  const socket = await connect(port)
  const taker = new Taker(socket)
  socket.write(putHead(key, `Content-Length: ${value.size}`))
  await pushValue(socket, value)
  const status = (await taker.exactly(12)).toString()
  socket.destroy()
  return status
}

async function putInChunks(port: number, key: string, value: Pattern): Promise<string> {
  const socket = await connect(port)
  const taker = new Taker(socket)
  socket.write(putHead(key, 'Transfer-Encoding: chunked'))
  for (let at = 0; at < value.size; ) {
    const bytes = value.bytes(at, 256 * 1024)
    await push(
      socket,
      Buffer.concat([Buffer.from(`${bytes.length.toString(16)}\r\n`), bytes, Buffer.from('\r\n')]),
    )
    at += bytes.length
  }
  socket.write('0\r\n\r\n')
  const status = (await taker.exactly(12)).toString()
  socket.destroy()
  return status
}

const getHead = (key: string) => `GET /${key} HTTP/1.1\r\nHost: x\r\nAccept: ${OCTETS}\r\n\r\n`

/** How many bytes were right. */
async function take(taker: Taker, value: Pattern): Promise<number> {
  let head = ''
  while (!head.endsWith('\r\n\r\n')) {
    const byte = await taker.some(1)
    if (byte.length === 0) return -1
    head += byte.toString('latin1')
  }
  const size = Number(/Content-Length: (\d+)/.exec(head)?.[1])
  for (let at = 0; at < size; ) {
    const part = await taker.some(Math.min(size - at, 64 * 1024))
    if (part.length === 0) return at
    if (!value.matches(part, at)) return -2
    at += part.length
  }
  return size
}

async function get(port: number, key: string, value: Pattern): Promise<number> {
  const socket = await connect(port)
  socket.write(getHead(key))
  const right = await take(new Taker(socket), value)
  socket.destroy()
  return right
}

t.test('100 MiB in and out, within 48 MB', async (t) => {
  const { port, pid } = await serverWith(t)
  const warm = new Pattern(6 * MIB, 5)
  await put(port, 'warm', warm)
  await putInChunks(port, 'warm', warm)
  await get(port, 'warm', warm)
  const [a, b] = [new Pattern(LARGE_BYTES, 1), new Pattern(LARGE_BYTES, 2)]
  const parts: [string, () => Promise<void>][] = [
    ['PUT', async () => void t.equal(await put(port, 'a', a), 'HTTP/1.1 200')],
    ['GET', async () => void t.equal(await get(port, 'a', a), LARGE_BYTES)],
    ['PUT in chunks', async () => void t.equal(await putInChunks(port, 'b', b), 'HTTP/1.1 200')],
    ['GET of that', async () => void t.equal(await get(port, 'b', b), LARGE_BYTES)],
    ['by the other door', async () => void t.equal(await getDocumented(port, 'b', b), LARGE_BYTES)],
  ]
  for (const [name, work] of parts) {
    const growth = await growthOf(pid, work)
    t.ok(growth < GROWTH_BYTES_MAX, `${name}: ${(growth / 1e6).toFixed(1)} MB`)
  }
})

t.test('pipelined around a large one, each in its turn', async (t) => {
  const { port } = await serverWith(t)
  const value = new Pattern(5 * MIB, 3)
  const socket = await connect(port)
  const taker = new Taker(socket)
  const small = (key: string, body: string) => `${putHead(key, `Content-Length: ${body.length}`)}${body}`
  socket.write(small('before', 'b') + putHead('k', `Content-Length: ${value.size}`))
  await pushValue(socket, value)
  socket.write(small('after', 'a') + getHead('k') + getHead('after'))
  const text = (await taker.exactly(3 * 100)).toString('latin1')
  t.equal(text.match(/^HTTP\/1.1 200/)?.length, 1)
  socket.destroy()
  const again = await connect(port)
  again.write(getHead('k') + getHead('after') + getHead('k'))
  const turns = new Taker(again)
  t.equal(await take(turns, value), value.size)
  t.match(await take(turns, new Pattern(1, 0)), -2, 'a byte of another value')
  t.equal(await take(turns, value), value.size)
  again.destroy()
})

t.test('an upload that ends early leaves nothing', async (t) => {
  const { port, directory } = await serverWith(t)
  const value = new Pattern(20 * MIB, 4)
  for (const length of [`Content-Length: ${value.size}`, 'Transfer-Encoding: chunked']) {
    const isChunked = length.startsWith('T')
    for (const ending of ['destroy', 'end'] as const) {
      const socket = await connect(port)
      socket.write(putHead('half', length) + (isChunked ? `${(18 * MIB).toString(16)}\r\n` : ''))
      await pushValue(socket, value, { until: 16 * MIB })
      await until(() => blobsIn(directory).length > 0)
      socket[ending]()
      await until(() => blobsIn(directory).length === 0)
      t.equal((await ask({ port }, 'GET', '/half')).status, 404, `${length}, ${ending}`)
      socket.destroy()
    }
  }
  t.equal(await put(port, 'half', value), 'HTTP/1.1 200')
})

t.test('100 only where the body is wanted', async (t) => {
  const { port } = await serverWith(t)
  const value = new Pattern(5 * MIB, 6)
  await put(port, 'there', value)
  const { etag } = (await ask({ port }, 'HEAD', '/there')).headers
  const length = `Content-Length: ${value.size}`
  const expect = 'Expect: 100-continue\r\n'
  const refused: [string, number][] = [
    [putHead('there', length, `${expect}If-None-Match: *\r\n`), 412],
    [putHead('there', length, `${expect}If-Match: "x"\r\n`), 412],
    [putHead('there', length, `${expect}If-Match: "018f3c2ab7c0000000000001"\r\n`), 412],
    [putHead('there', length, `${expect}If-Match: x\r\n`), 400],
    [putHead('there', length, `${expect}Minivault-TTL: x\r\n`), 400],
    [putHead('there', length, `${expect}Content-Encoding: br\r\n`), 415],
    [putHead('there', length, expect).replace('PUT', 'POST'), 409],
    [putHead('there', `Content-Length: ${101 * MIB}`, expect), 413],
    [putHead('there', 'Content-Length: 1', 'Expect: a-miracle\r\n'), 417],
    [putHead('', length, expect), 400],
    [putHead('health', length, expect), 405],
  ]
  for (const [head, status] of refused) {
    const raw = new RawHttp(port)
    raw.send(head)
    t.same(await raw.replies(1), [status], head.split('\r\n').slice(4).join(' '))
    t.match(raw.text, /Connection: close/)
    raw.close()
  }
  const wanted = ['', `If-Match: ${etag}\r\n`, 'If-Match: *\r\n']
  for (const condition of wanted) {
    for (const body of [length, 'Transfer-Encoding: chunked']) {
      const raw = new RawHttp(port)
      raw.send(putHead('there', body, expect + condition))
      await until(() => raw.text.includes('\r\n\r\n'))
      t.same(raw.statuses, [100], condition || body)
      raw.close()
    }
  }
  const raw = new RawHttp(port)
  raw.send(putHead('small', 'Content-Length: 1', expect))
  await until(() => raw.text.includes('100 Continue'))
  raw.send('x')
  t.same(await raw.replies(1), [100, 200])
  raw.send('GET /small HTTP/1.1\r\nHost: x\r\n\r\n')
  t.same(await raw.replies(2), [100, 200, 200], 'the connection goes on')
  raw.close()
})

t.test('who takes nothing costs little, and others go on', async (t) => {
  const { port, pid } = await serverWith(t)
  const value = new Pattern(30 * MIB, 7)
  await put(port, 'k', value)
  await ask({ port }, 'PUT', '/small', '{"value":1}')
  const growth = await growthOf(pid, async () => {
    const sockets = await Promise.all(Array.from({ length: 100 }, () => connect(port)))
    for (const socket of sockets) {
      socket.pause()
      socket.write(getHead('k'))
    }
    await sleep(1000)
    t.equal((await ask({ port }, 'GET', '/small')).status, 200)
    t.equal(await get(port, 'k', value), value.size, 'a large one, too')
    for (const socket of sockets) socket.destroy()
  })
  t.ok(growth < 150e6, `${(growth / 1e6).toFixed()} MB`)
  t.equal(await get(port, 'k', value), value.size)
})

t.test('a value found damaged ends the connection', async (t) => {
  const { port, directory } = await serverWith(t)
  const value = new Pattern(20 * MIB, 8)
  await put(port, 'k', value)
  writeSync(openSync(blobsIn(directory)[0]!, 'r+'), Buffer.from('damage'), 0, 6, 10 * MIB + 5)
  const right = await get(port, 'k', value)
  t.ok(right > 0 && right <= 10 * MIB, `${right} bytes, all right, then the end`)
  const ranged = { Accept: OCTETS, Range: 'bytes=0-99' }
  t.equal((await ask({ port }, 'GET', '/k', undefined, ranged)).status, 206, 'what is whole can be read')
  refusal(t, await ask({ port }, 'GET', '/k'), 500, 'CORRUPT')
})

/** Sweeps see 40 s pass in each second. */
const FASTER = 40

async function fastNode(t: Test) {
  const started = Date.now()
  const now = () => started + (Date.now() - started) * FASTER
  const time = {
    ...systemTime,
    now,
    every: (ms: number, run: () => void) => systemTime.every(ms / FASTER, run),
  }
  const directory = temporaryFolder(t)
  const node = await startNode({ port: 0, host: '127.0.0.1', directory, durability: 0, time })
  t.teardown(() => node.close())
  return node
}

t.test('who takes nothing for 30 s is cut off, who takes slowly is not', async (t) => {
  const { port } = await fastNode(t)
  const value = new Pattern(40 * MIB, 9)
  await setDocumented(port, 'large', value)
  const text = `{"value":"${'x'.repeat(500_000)}"}`
  await ask({ port }, 'PUT', '/middle', text)
  const deaf = await connect(port)
  deaf.pause()
  deaf.write(getHead('large'))
  const many = await connect(port)
  many.pause()
  many.write('GET /middle HTTP/1.1\r\nHost: x\r\n\r\n'.repeat(64))
  const slow = await connect(port)
  slow.write(getHead('large'))
  const taker = new Taker(slow)
  let right = 0
  const reading = (async () => {
    await taker.exactly(100)
    for (right = 100; right < 10 * MIB; right += 64 * 1024) {
      await taker.exactly(64 * 1024)
      await sleep(10)
    }
  })()
  await sleep(1500)
  await reading
  t.ok(right >= 10 * MIB, 'slowly')
  slow.destroy()
  for (const socket of [deaf, many]) {
    socket.resume()
    let bytes = 0
    socket.on('data', (piece) => (bytes += piece.length))
    if (!socket.closed) await once(socket, 'close')
    t.ok(bytes < value.size * 0.9, `${bytes} bytes, then the end`)
  }
})

t.test('a body of which nothing comes for 30 s is given up, one that comes slowly is not', async (t) => {
  const { port } = await fastNode(t)
  const raw = ['Content-Length: 1000000', 'Content-Length: 10', 'Transfer-Encoding: chunked'].map(
    (length) => {
      const connection = new RawHttp(port)
      connection.send(`${putHead('still', length)}5\r\nab`)
      return connection
    },
  )
  const json = new RawHttp(port)
  json.send('PUT /still HTTP/1.1\r\nHost: x\r\nContent-Length: 100\r\n\r\n{"value"')
  const slow = new RawHttp(port)
  slow.send(putHead('slow', 'Content-Length: 20'))
  for (let sent = 0; sent < 20; sent++) {
    slow.send('x')
    await sleep(150)
  }
  t.same(await slow.replies(1), [200], 'in three seconds, which are two minutes here')
  for (const connection of [...raw, json]) {
    t.same(await connection.replies(1), [408])
    t.match(connection.text, /"code":"TIMEOUT"/)
    await connection.ended()
  }
  t.equal((await ask({ port }, 'GET', '/still')).status, 404)
})
