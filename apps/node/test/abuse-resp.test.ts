import { freePort } from '@minivault/free-port'
import t, { type Test } from 'tap'
import { RawHttp, until } from './support/http-client.ts'
import { RespSocket, request } from './support/resp-socket.ts'
import { type Server, startServer } from './support/server.ts'

async function said(server: { port: number }, text: string): Promise<string> {
  const raw = new RawHttp(server.port)
  raw.send(text)
  const answer = await raw.ended()
  return answer
}

async function readValue(server: Server, key: string, words: string[] = []): Promise<unknown> {
  const client = await RespSocket.open(server.port)
  if (words.length > 0) client.send(request(...words))
  client.send(request('GET', key))
  const replies = await client.replies(words.length > 0 ? 2 : 1)
  client.socket.destroy()
  return replies.at(-1)
}

async function runs(t: Test, server: Server): Promise<void> {
  t.equal(await readValue(server, 'victim'), 'here', 'what was there is there')
  t.equal(await readValue(server, 'written'), null, 'nothing was written')
  t.equal(server.child.exitCode, null, 'the node runs')
}

async function started(t: Test, words: string[] = []): Promise<Server> {
  const server = await startServer(t, ['-durability', 'os', ...words])
  const client = await RespSocket.open(server.port)
  client.send(request('SET', 'victim', 'here'))
  t.same(await client.replies(1), [{ simple: 'OK' }])
  client.socket.destroy()
  return server
}

const BREACHES = [
  '*x\r\n',
  '*1048577\r\n',
  '*99999999999999999999\r\n',
  '*1\r\n$4294967296\r\n',
  '*1\r\n$-5\r\n',
]
BREACHES.push(
  '*1\r\n$x\r\n',
  '*1\r\nPING\r\n\r\n',
  '*1\r\n*1\r\n$4\r\nPING\r\n',
  '*2\r\n$3\r\nSET\r\n:1\r\nxxxx',
)
BREACHES.push('*3\r\n$3\r\nSET\r\n$7\r\nwritten\r\n$104857601\r\n')

t.test('what cannot be followed', async (t) => {
  const server = await started(t)
  for (const breach of BREACHES) {
    const answer = await said(server, `${breach}${String(request('SET', 'written', 'v'))}`)
    t.match(answer, /^-ERR Protocol error: [^\r\n]+\r\n$/, JSON.stringify(breach))
  }
  await runs(t, server)
})

t.test('commands that are wrong leave their connection as it is', async (t) => {
  const server = await started(t)
  const client = await RespSocket.open(server.port)
  const wrong = [['NONSENSE'], ['GET'], ['GET', 'a', 'b'], ['SET', 'written'], ['SET', 'written', 'v', 'XY']]
  wrong.push(
    ['SET', 'written', 'v', 'EX', '0'],
    ['SET', 'written', 'v', 'NX', 'XX'],
    ['INCR', 'victim'],
    [''],
  )
  wrong.push(
    ['MSET', 'written'],
    ['EVAL', 'return 1', '0'],
    ['SUBSCRIBE', 'a'],
    ['SELECT', '1'],
    ['\r\n', '+OK'],
  )
  wrong.push(
    ['HELLO', '9'],
    ['x'.repeat(70_000)],
    ['EXEC'],
    ['SET', '', 'v'],
    ['SET', 'k'.repeat(65_536), 'v'],
  )
  for (const words of wrong) {
    client.send(request(...words))
    const [reply] = (await client.replies(1)) as [{ error?: string }]
    t.match(reply.error, /^[A-Z]+ [^\r\n]+$/, words.map((word) => word.slice(0, 20)).join(' '))
  }
  client.send(request('PING'))
  t.same(await client.replies(1), [{ simple: 'PONG' }])
  client.socket.destroy()
  await runs(t, server)
})

t.test('HTTP on a port of RESP alone, as a browser is made to send it', async (t) => {
  const respPort = await freePort()
  const server = await started(t, ['-resp', String(respPort)])
  const smuggled = 'SET written v\r\n'
  for (const start of [
    'POST / HTTP/1.1\r\n',
    'GET / HTTP/1.1\r\nHost: h\r\n',
    'Host: h\r\n',
    '\r\nPOST /\r\n',
  ]) {
    await said({ port: respPort }, `${start}${smuggled}`)
  }
  t.equal(await said({ port: respPort }, 'PING\r\nQUIT\r\n'), '+PONG\r\n+OK\r\n', 'it takes lines')
  await runs(t, server)
})

t.test('lines on the port of all are HTTP that cannot be read', async (t) => {
  const server = await started(t)
  t.match(await said(server, 'PING\r\n\r\n'), /^HTTP\/1\.1 400 /)
  t.match(await said(server, 'SET written v\r\n\r\n'), /^HTTP\/1\.1 400 /)
  await runs(t, server)
})

t.test('a flood of commands in one write', async (t) => {
  const server = await started(t)
  const client = await RespSocket.open(server.port)
  const count = 20_000
  const round = Buffer.concat([request('GET', 'victim'), request('STRLEN', 'victim'), request('NONSENSE')])
  client.send(Buffer.concat(Array.from({ length: count }, () => round)))
  const replies = await client.replies(3 * count)
  t.equal(replies.length, 3 * count)
  const isRight = (reply: unknown, index: number) =>
    index % 3 === 0 ? reply === 'here' : index % 3 === 1 ? reply === 4 : typeof reply === 'object'
  t.ok(replies.every(isRight), 'in order')
  client.socket.destroy()
  await runs(t, server)
})

t.test('clients that vanish within a value, or between MULTI and EXEC', async (t) => {
  const server = await started(t)
  for (const key of ['victim', 'written']) {
    for (const bytes of [60_000, 5_000_000]) {
      const raw = new RawHttp(server.port)
      raw.send(`*3\r\n$3\r\nSET\r\n$${key.length}\r\n${key}\r\n$${bytes}\r\n${'x'.repeat(bytes / 2)}`)
      await until(() => raw.socket.writableLength === 0)
      raw.close()
    }
    const raw = new RawHttp(server.port)
    raw.send(String(Buffer.concat([request('MULTI'), request('SET', key, 'v'), request('DEL', 'victim')])))
    await until(() => raw.text.includes('+QUEUED\r\n+QUEUED\r\n'))
    raw.close()
  }
  await runs(t, server)
})

t.test('a stranger queues nothing that needs the key', async (t) => {
  const server = await startServer(t, ['-durability', 'os', '-auth', 'k', '-authmode', 'writes'])
  const stranger = await RespSocket.open(server.port)
  stranger.send(request('MULTI'), request('SET', 'written', 'v'), request('EXEC'))
  const [, queued, executed] = await stranger.replies(3)
  t.match(queued, { error: /^NOAUTH / })
  t.match(executed, { error: /^EXECABORT / })
  stranger.socket.destroy()
  t.equal(await readValue(server, 'written', ['AUTH', 'k']), null)
})

t.test('a stranger announces much and sends it in pieces', async (t) => {
  const server = await startServer(t, ['-durability', 'os', '-auth', 'k', '-authmode', 'all'])
  const stranger = new RawHttp(server.port)
  stranger.send('*1\r\n$4\r\nEXEC\r\n*1048576\r\n')
  await until(() => stranger.text.includes('NOAUTH'))
  stranger.send('$4\r\nMGET\r\n$1\r\nk\r\n')
  await until(() => stranger.text.includes('-ERR Protocol error: unauthenticated multibulk length\r\n'))
  await stranger.ended()
  stranger.close()
})
