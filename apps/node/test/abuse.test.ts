/** Clients that behave badly, or merely oddly: none of them may cost others anything, or lose a reply. */
import http from 'node:http'
import net from 'node:net'
import { setTimeout as sleep } from 'node:timers/promises'
import { encodeFrameRequest, encodeHello, FRAME_FLAG, FRAME_OPCODE, FrameRequest } from '@minivault/protocol'
import t from 'tap'
import { BinaryClient, health } from './support/binary-client.ts'
import { until } from './support/large-transfers.ts'
import { startServer } from './support/server.ts'

const EMPTY = Buffer.alloc(0)

function frame(opcode: number, frameId: number, value: Uint8Array, fill: (request: FrameRequest) => void) {
  const request = new FrameRequest().begin(opcode, frameId)
  fill(request)
  const bytes = Buffer.alloc(1000 + value.length)
  const key = opcode === FRAME_OPCODE.set ? Buffer.from('key') : EMPTY
  return bytes.subarray(0, encodeFrameRequest(request, key, value, 0, value.length, bytes, 0))
}

function connect(port: number, options: Partial<net.NetConnectOpts> = {}): net.Socket {
  return net.connect({ port, host: '127.0.0.1', ...options }).on('error', () => {})
}

t.test('connections that end before their first byte give their place back', async (t) => {
  const server = await startServer(t, ['-maxconns', '2'])
  for (let index = 0; index < 6; index++) {
    const socket = connect(server.port, { allowHalfOpen: index % 2 === 1 })
    socket.on('connect', () => socket.end())
    await new Promise((resolve) => socket.resume().on('end', resolve).on('close', resolve))
    socket.destroy()
  }
  await sleep(50)
  const client = new BinaryClient(server.port)
  t.equal((await client.one(health())).status, 0)
  client.close()
})

t.test('a silent socket does not delay the end', async (t) => {
  const server = await startServer(t)
  const silent = connect(server.port)
  const halfOpen = connect(server.port, { allowHalfOpen: true })
  halfOpen.write(health())
  await new Promise((resolve) => halfOpen.once('data', resolve))
  server.child.kill('SIGTERM')
  const ended = await Promise.race([server.ended, sleep(5000).then(() => null)])
  t.equal(ended?.code, 0)
  silent.destroy()
  halfOpen.destroy()
})

t.test('a client that ends its side with the request gets its reply', async (t) => {
  const server = await startServer(t)
  for (let index = 0; index < 5; index++) {
    const socket = connect(server.port, { allowHalfOpen: true })
    let text = ''
    socket.on('data', (piece) => (text += piece))
    socket.end('PUT /k HTTP/1.1\r\nHost: x\r\nContent-Length: 11\r\n\r\n{"value":1}')
    await new Promise((resolve) => socket.on('close', resolve))
    t.match(text, /^HTTP\/1\.1 200 /)
  }
})

t.test('the refusal of a large body arrives', async (t) => {
  const server = await startServer(t, ['-auth', 'k', '-authmode', 'all'])
  const body = Buffer.alloc(5_000_000, 'x')
  for (let index = 0; index < 8; index++) {
    const response = await fetch(`${server.url}/k`, { method: 'PUT', body })
    t.equal(response.status, 401)
    await response.text()
  }
})

const PIPELINED = 20_000

t.test('pipelining is bounded, and harms nobody', async (t) => {
  const server = await startServer(t)
  const socket = connect(server.port)
  const put = 'PUT /k HTTP/1.1\r\nHost: x\r\nContent-Length: 11\r\n\r\n{"value":1}'
  socket.write(put.repeat(PIPELINED))
  let answers = 0
  await new Promise<void>((resolve) => {
    socket.on('close', resolve)
    socket.on('data', (bytes) => {
      answers += bytes.toString('latin1').split('HTTP/1.1 ').length - 1
      // One whose head was cut in two is not counted.
      if (answers > PIPELINED * 0.99) resolve()
    })
  })
  socket.destroy()
  t.equal((await fetch(`${server.url}/health`)).status, 200)
  const agent = new http.Agent({ keepAlive: true, maxSockets: 1 })
  const get = () =>
    new Promise((resolve, reject) =>
      http
        .get({ port: server.port, path: '/k', agent }, (response) =>
          response.resume().on('end', () => resolve(response.statusCode)),
        )
        .on('error', reject),
    )
  const statuses = await Promise.all(Array.from({ length: 300 }, get))
  t.ok(
    statuses.every((status) => status === 200 || status === 404),
    'many requests one after another on one connection',
  )
  agent.destroy()
})

t.test('refused chunks are told of once, and a flood of them ends the connection', async (t) => {
  const server = await startServer(t, ['-auth', 'k', '-authmode', 'all'])
  const socket = connect(server.port)
  let received = 0
  socket.on('data', (bytes) => (received += bytes.length))
  socket.write(frame(FRAME_OPCODE.hello, 0, encodeHello(Buffer.alloc(16)), () => {}))
  t.ok(await until(() => received > 0), 'HELLO is answered')
  await sleep(50)
  const afterHello = received
  const chunk = (frameId: number, offset: number) =>
    frame(FRAME_OPCODE.set, frameId, Buffer.alloc(2048), (request) => {
      request.flags = FRAME_FLAG.chunk | FRAME_FLAG.more
      request.totalBytes = 1_000_000
      request.chunkOffset = offset
    })
  socket.write(Buffer.concat([0, 1, 2, 3, 4].map((index) => chunk(9, index * 2048))))
  t.ok(await until(() => received > afterHello), 'the first chunk is answered')
  await sleep(50)
  const once = received - afterHello
  t.ok(once > 40 && once < 200, `one reply, ${once} bytes`)
  for (let frameId = 10; frameId < 200; frameId++) socket.write(chunk(frameId, 0))
  await new Promise((resolve) => socket.on('close', resolve).resume())
  t.pass('closed')
})
