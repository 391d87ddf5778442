/** TLS on every door: what is spoken over it, who is refused and how, and that everybody is counted once. */
import { once } from 'node:events'
import { setTimeout as sleep } from 'node:timers/promises'
import type tls from 'node:tls'
import { Authority } from '@minivault/certificates'
import { FRAME_OPCODE } from '@minivault/protocol'
import t, { type Test } from 'tap'
import { type NodeOptions, startNode } from '../src/node.ts'
import { systemTime } from '../src/time.ts'
import { get, health, set } from './support/binary-client.ts'
import { frameOf } from './support/frame-client.ts'
import {
  connect,
  documentedSetHead,
  greet,
  Pattern,
  pushChunks,
  pushValue,
  Taker,
} from './support/large-client.ts'
import { takeFrames, until } from './support/large-transfers.ts'
import { temporaryFolder } from './support/server.ts'
import { dial, readAll } from './support/tls-client.ts'

const authority = new Authority(t)
const own = authority.issue('node')
const files = { certFile: own.certFile, keyFile: own.keyFile, caFile: null }
const ca = authority.pem
/** Ten seconds pass in a fifth of one. */
const hurried = { ...systemTime, every: (ms: number, work: () => void) => systemTime.every(ms / 50, work) }

async function start(t: Test, options: Partial<NodeOptions> = {}) {
  const node = await startNode({
    port: 0,
    host: '127.0.0.1',
    directory: temporaryFolder(t),
    durability: 0,
    tls: files,
    ...options,
  })
  t.teardown(() => node.close())
  return node
}

for (const plainStreams of [false, true]) {
  t.test(`every protocol (plain streams: ${plainStreams})`, async (t) => {
    const node = await start(t, { plainStreams, httpPort: 0 })
    const socket = await dial(node.port, { ca, minVersion: 'TLSv1.3' })
    const taker = new Taker(socket)
    socket.write(Buffer.concat([set('a', '1'), get('a'), get('none'), health()]))
    t.equal((await taker.exactly(5)).toString('hex'), '0000000000')
    t.equal((await taker.exactly(6)).toString('hex'), '000100000031')
    t.equal((await taker.exactly(5)).toString('hex'), 'ff00000000')
    const head = await taker.exactly(5)
    t.match(JSON.parse((await taker.exactly(head.readUInt32LE(1))).toString()), { connections: 1 })
    socket.destroy()

    const value = new Pattern(7 * 1024 * 1024 + 13, 3)
    const writer = await dial(node.port, { ca, maxVersion: 'TLSv1.2' })
    writer.write(documentedSetHead('large', value.size))
    await pushValue(writer, value)
    t.equal((await new Taker(writer).exactly(5))[0], 0)
    writer.destroy()
    const reader = await dial(node.port, { ca })
    reader.write(get('large'))
    t.equal(await new Taker(reader).value(value, 1), value.size, 'to a slow reader')
    reader.destroy()

    const framed = await dial(node.port, { ca })
    await greet(framed)
    const frames = new Taker(framed)
    await pushChunks(framed, 'chunks', value, { frameId: 5 })
    t.equal((await frames.frame()).reply.error, 0)
    framed.write(frameOf(FRAME_OPCODE.get, { key: 'chunks' }, 6))
    t.equal(await takeFrames(frames, value, 6), value.size)
    framed.destroy()

    for (const port of [node.port, node.httpPort]) {
      const web = await dial(port, { ca })
      web.write('GET /a HTTP/1.1\r\nHost: x\r\n\r\nGET /a HTTP/1.1\r\nHost: x\r\nConnection: close\r\n\r\n')
      const said = (await readAll(web)).toString()
      t.equal(said.match(/\{"success":true,"data":1\}/g)?.length, 2, 'two requests in one packet')
    }
    t.ok(await until(() => node.connections === 0), 'nobody is left')
  })

  t.test(`who ends its side gets all its replies (plain streams: ${plainStreams})`, async (t) => {
    const node = await start(t, { plainStreams })
    const value = Buffer.alloc(300_000, 'v')
    const socket = await dial(node.port, { ca, allowHalfOpen: true } as tls.ConnectionOptions)
    socket.end(Buffer.concat([set('k', value), ...Array.from({ length: 30 }, () => get('k'))]))
    await sleep(100)
    t.equal((await readAll(socket)).length, 5 + 30 * (5 + value.length))
    t.ok(await until(() => node.connections === 0))
  })
}

t.test('plain bytes to a port with TLS', async (t) => {
  const node = await start(t)
  const say = async (bytes: string | Buffer) => {
    const socket = await connect(node.port)
    socket.write(bytes)
    return readAll(socket)
  }
  const web = (await say('GET /a HTTP/1.1\r\nHost: x\r\n\r\n')).toString()
  t.match(web, /^HTTP\/1\.1 400 Bad Request\r\n/)
  t.match(web, /"code":"TLS_REQUIRED"\}$/)
  t.match((await say('*1\r\n$4\r\nPING\r\n')).toString(), /^-ERR this port speaks TLS only .*\r\n$/)
  t.equal((await say(Buffer.concat([set('a', '1'), get('a')]))).toString('hex'), 'ff00000000')
  const hello = frameOf(FRAME_OPCODE.hello, { value: Buffer.alloc(24) }, 77)
  const socket = await connect(node.port)
  socket.write(hello)
  const { reply, value } = await new Taker(socket).frame()
  t.equal(reply.frameId, 77)
  t.equal(reply.error, 32)
  t.match(value.toString(), /^this port speaks TLS only/)
  t.equal((await say('\0')).length, 0, 'no words for it')
  const reader = await dial(node.port, { ca })
  reader.write(get('a'))
  t.equal((await new Taker(reader).exactly(5)).toString('hex'), 'ff00000000', 'nothing was done')
  reader.destroy()
  t.ok(await until(() => node.connections === 0))
})

t.test('plain bytes to a port of one protocol', async (t) => {
  const node = await start(t, { httpPort: 0, respPort: 0 })
  const words = 'this port speaks TLS only (https://, minivaults://, rediss://)'
  for (const bytes of ['PING\r\n', 'ping\r\n', '*1\r\n$4\r\nPING\r\n', 'GET / HTTP/1.1\r\n\r\n']) {
    const socket = await connect(node.respPort)
    socket.write(bytes)
    t.equal((await readAll(socket)).toString(), `-ERR ${words}\r\n`, bytes)
  }
  for (const bytes of ['GET / HTTP/1.1\r\n\r\n', 'get / HTTP/1.1\r\n\r\n']) {
    const socket = await connect(node.httpPort)
    socket.write(bytes)
    t.match(
      (await readAll(socket)).toString(),
      /^HTTP\/1\.1 400 Bad Request\r\n[\s\S]*TLS_REQUIRED"\}$/,
      bytes,
    )
  }
  t.ok(await until(() => node.connections === 0))
})

t.test('TLS to a plain port', async (t) => {
  const node = await start(t, { tls: null, httpPort: 0, respPort: 0 })
  for (const port of [node.port, node.httpPort, node.respPort]) {
    const error = await dial(port, { ca }).then(
      () => null,
      (error) => error,
    )
    t.equal(error?.code, 'ERR_SSL_WRONG_VERSION_NUMBER', 'an end that OpenSSL has a name for')
  }
  t.ok(await until(() => node.connections === 0))
})

t.test('everybody counts once', async (t) => {
  const node = await start(t, { connectionsMax: 3 })
  const plain = await connect(node.port)
  const secured = [await dial(node.port, { ca }), await dial(node.port, { ca })]
  t.equal(node.connections, 3)
  await t.rejects(dial(node.port, { ca }), 'one too many')
  t.equal(node.connections, 3)
  secured[0]!.destroy()
  t.ok(await until(() => node.connections === 2))
  const another = await dial(node.port, { ca })
  another.write(get('x'))
  await once(another, 'data')
  for (const socket of [plain, another, ...secured]) socket.destroy()
  t.ok(await until(() => node.connections === 0))
})

t.test('who does not come through the handshake in time is ended', async (t) => {
  const node = await start(t, { time: hurried })
  const secured = await dial(node.port, { ca })
  const silent = await connect(node.port)
  const half = await connect(node.port)
  half.write(Buffer.from('16030100c8010000c403', 'hex'))
  const slow = await connect(node.port)
  slow.write(Buffer.from('1603010200', 'hex'))
  const drip = setInterval(() => slow.write(Buffer.from([1])), 5)
  const told = await connect(node.port)
  told.write('GET / HTTP/1.1\r\n\r\n')
  told.resume()
  t.ok(await until(() => node.connections === 1), 'only the secured one stays')
  clearInterval(drip)
  secured.write(get('x'))
  t.equal((await new Taker(secured).exactly(5)).toString('hex'), 'ff00000000', 'however long it was silent')
  for (const socket of [silent, half, slow, told, secured]) socket.destroy()
})

t.test('old versions, and renegotiation', async (t) => {
  const node = await start(t)
  const ciphers = 'DEFAULT@SECLEVEL=0'
  await t.rejects(dial(node.port, { ca, minVersion: 'TLSv1', maxVersion: 'TLSv1.1', ciphers }))
  const socket = await dial(node.port, { ca, maxVersion: 'TLSv1.2' })
  const refused = await new Promise((resolve) => {
    socket.on('error', resolve)
    socket.renegotiate({}, resolve)
  })
  t.equal((refused as NodeJS.ErrnoException).code, 'ERR_SSL_NO_RENEGOTIATION')
  socket.destroy()
  t.ok(await until(() => node.connections === 0))
})

t.test('clients with certificates', async (t) => {
  const node = await start(t, { tls: { ...files, caFile: authority.file } })
  const right = authority.issue('client')
  const ask = async (options: tls.ConnectionOptions, bytes: string | Buffer = get('a')) => {
    const socket = await dial(node.port, { ca, ...options })
    let session: Buffer | undefined
    socket.on('session', (given) => {
      session = given
    })
    socket.write(bytes)
    const taker = new Taker(socket)
    const said = await taker.some(4096)
    const reused = socket.isSessionReused()
    socket.destroy()
    return { said, session, reused }
  }
  const web = 'GET /a HTTP/1.1\r\nHost: x\r\nConnection: close\r\n\r\n'
  t.match((await ask(right, web)).said.toString(), /^HTTP\/1\.1 404/)
  const strangers: Record<string, tls.ConnectionOptions> = {
    none: {},
    'of another authority': new Authority(t, 'other').issue('client'),
    'that has ended': authority.issue('client', ['20200101000000Z', '20210101000000Z']),
    'that has not begun': authority.issue('client', ['20700101000000Z', '20710101000000Z']),
  }
  for (const [what, pair] of Object.entries(strangers)) {
    for (const maxVersion of ['TLSv1.2', 'TLSv1.3'] as const) {
      const told = (await ask({ ...pair, maxVersion }, web)).said.toString()
      t.match(told, /^HTTP\/1\.1 401 Unauthorized\r\n/, `${what}, ${maxVersion}`)
      t.match(told, /"code":"UNAUTHORIZED"\}$/)
    }
    t.equal((await ask(pair)).said.toString('hex'), 'ff00000000', what)
    t.match((await ask(pair, '*1\r\n$4\r\nPING\r\n')).said.toString(), /^-NOAUTH a client certificate/)
    const hello = frameOf(FRAME_OPCODE.hello, { value: Buffer.alloc(24) }, 77)
    t.equal((await ask(pair, hello)).said.readUInt16LE(12), 12, 'UNAUTHORIZED')
    // A resumed session counts as verified although no certificate was shown.
    const { session } = await ask(pair, web)
    const again = await ask({ ...pair, ...(session === undefined ? {} : { session }) }, web)
    t.match(again.said.toString(), /^HTTP\/1\.1 401/, 'nor in a second connection')
    t.notOk(again.reused)
  }
  t.ok(await until(() => node.connections === 0))
})
