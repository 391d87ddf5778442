/** The Redis protocol on the real program: raw sockets for what is on the wire, redis-cli for the rest. */
import { spawnSync } from 'node:child_process'
import { createHash, randomBytes } from 'node:crypto'
import { readFileSync } from 'node:fs'
import { freePort } from '@minivault/free-port'
import t from 'tap'
import { RespSocket, request } from './support/resp-socket.ts'
import { startServer } from './support/server.ts'

const OK = { simple: 'OK' }
const MEGABYTE = 1024 * 1024

/** Of a process, in bytes. */
function residentBytes(pid: number): number {
  return Number(/VmRSS:\s+(\d+)/.exec(readFileSync(`/proc/${pid}/status`, 'utf8'))![1]) * 1024
}

t.test('hot commands, in any case and spelling', async (t) => {
  const { port } = await startServer(t)
  const c = await RespSocket.open(port)
  const cases: readonly (readonly [words: string, reply: unknown])[] = [
    ['PING', { simple: 'PONG' }],
    ['pInG hello', 'hello'],
    ['ECHO x', 'x'],
    ['GET none', null],
    ['SET a 1', OK],
    ['get a', '1'],
    ['sEt a 2', OK],
    ['GET a', '2'],
    ['SETNX a 3', 0],
    ['SETNX b 3', 1],
    ['SET a 4 NX', null],
    ['SET n 4 nx', OK],
    ['SET e 5 EX 100', OK],
    ['SET f 5 PX 100000 NX', OK],
    ['SETEX g 100 6', OK],
    ['PSETEX h 100000 7', OK],
    ['TTL e', 100],
    ['TTL g', 100],
    ['EXISTS a', 1],
    ['EXISTS none', 0],
    ['DEL a', 1],
    ['DEL a', 0],
    ['UNLINK b', 1],
    ['INCR i', 1],
    ['INCRBY i 41', 42],
    ['INCRBY i -2', 40],
    ['DECRBY i -2', 42],
    ['DECRBY i 2', 40],
    ['DECR i', 39],
    ['INCR g', 7],
    ['SET a x', OK],
    ['INCR a', { error: 'ERR value is not an integer or out of range' }],
    ['INCRBY i 1.5', { error: 'ERR value is not an integer or out of range' }],
    ['SET a 1 EX 0', { error: "ERR invalid expire time in 'set' command" }],
    ['SET a 1 EX x', { error: 'ERR value is not an integer or out of range' }],
    ['SET a 1 FOO', { error: 'ERR syntax error' }],
    ['GET a', 'x'],
  ]
  for (const [words, reply] of cases) t.strictSame(await c.ask(...words.split(' ')), reply, words)
  c.send(...cases.map(([words]) => request(...words.split(' '))))
  const again = await c.replies(cases.length)
  t.equal(again.length, cases.length, 'and all of them at once')
  c.close()
})

t.test('what is wrong is answered in step', async (t) => {
  const { port } = await startServer(t)
  const c = await RespSocket.open(port)
  c.send(
    request('SET', 'k'),
    request('FOO', 'bar'),
    request('GET', ''),
    request('SET', '', 'v'),
    request('GET', 'x'.repeat(65_536)),
    request('SET', 'x'.repeat(65_536), 'v'),
    request('\r\n\x00'),
    request('SUBSCRIBE', 'news'),
    Buffer.from('*0\r\n*-1\r\n'),
    request('SELECT', '1'),
    request('SELECT', '0'),
    request('GET', 'k'),
  )
  const replies = await c.replies(11)
  t.strictSame(replies.slice(0, 2), [
    { error: "ERR wrong number of arguments for 'set' command" },
    { error: "ERR unknown command 'FOO', with args beginning with: 'bar' " },
  ])
  t.strictSame(replies[2], { error: 'ERR a key has at least one byte' })
  t.strictSame(replies[3], replies[2])
  t.match(replies[4], { error: /^ERR a key has .* 65535 bytes/ })
  t.match(replies[5], { error: /^ERR a key has .* 65535 bytes/ })
  t.match(replies[6], { error: /^ERR unknown command '\?\?\?'/ })
  t.match(replies[7], { error: /^ERR / })
  t.strictSame(replies.slice(8), [{ error: 'ERR DB index is out of range' }, OK, null])
  c.close()
})

t.test('what cannot be followed ends the connection behind its answer', async (t) => {
  const { port } = await startServer(t)
  const ends: readonly (readonly [bytes: string, words: string])[] = [
    ['*x\r\n', 'invalid multibulk length'],
    ['*1048577\r\n', 'invalid multibulk length'],
    ['*1\r\n:1\r\n', "expected '$', got ':'"],
    ['*1\r\n$-1\r\n', 'invalid bulk length'],
    ['*3\r\n$3\r\nSET\r\n$1\r\nk\r\n$104857601\r\n', 'invalid bulk length'],
    ['PING\r\n', "expected '*', got 'P'"],
  ]
  for (const [bytes, words] of ends) {
    const c = await RespSocket.open(port)
    c.send(request('SET', 'k', 'v'), Buffer.from(bytes), request('SET', 'k', 'after'))
    t.equal(await c.rest(), `+OK\r\n-ERR Protocol error: ${words}\r\n`, JSON.stringify(bytes))
    c.close()
  }
  const c = await RespSocket.open(port)
  t.equal(await c.ask('GET', 'k'), 'v', 'nothing behind it was done')
  c.close()
})

t.test('announced, but never sent: no memory for it', async (t) => {
  const { port, child } = await startServer(t)
  const before = residentBytes(child.pid!)
  const connections: RespSocket[] = []
  for (let index = 0; index < 60; index++) {
    const c = await RespSocket.open(port)
    const announced = index % 2 === 0 ? '*1048576\r\n$4\r\nMSET\r\n' : '*2\r\n$4\r\nECHO\r\n$104857600\r\nxyz'
    c.send(request('PING'), Buffer.from(announced))
    t.strictSame(await c.replies(1), [{ simple: 'PONG' }])
    connections.push(c)
  }
  t.ok(residentBytes(child.pid!) - before < 64 * MEGABYTE, 'of 60 connections')
  for (const c of connections) c.close()
})

t.test('many requests in one write, hot and others, keep their order', async (t) => {
  const { port } = await startServer(t)
  const c = await RespSocket.open(port)
  const requests: Buffer[] = []
  const expected: unknown[] = []
  for (let index = 0; index < 4000; index++) {
    requests.push(request('SET', `k${index % 50}`, `v${index}`), request('GET', `k${index % 50}`))
    expected.push(OK, `v${index}`)
    if (index % 7 === 0) {
      requests.push(request('APPEND', `k${index % 50}`, '+'), request('GET', `k${index % 50}`))
      expected.push(`v${index}+`.length, `v${index}+`)
    }
  }
  c.send(...requests)
  t.strictSame(await c.replies(expected.length), expected)
  c.close()
})

t.test('MULTI queues hot commands, too', async (t) => {
  const { port } = await startServer(t)
  const [c, other] = [await RespSocket.open(port), await RespSocket.open(port)]
  c.send(request('MULTI'), request('SET', 'k', '1'), request('INCR', 'k'), request('GET', 'k'))
  const queued = { simple: 'QUEUED' }
  t.strictSame(await c.replies(4), [OK, queued, queued, queued])
  t.equal(await other.ask('GET', 'k'), null)
  t.strictSame(await c.ask('EXEC'), [OK, 2, '2'])
  c.send(
    request('MULTI'),
    request('SET', 'k'),
    request('SET', 'k', '9'),
    request('EXEC'),
    request('GET', 'k'),
  )
  t.match((await c.replies(5)).slice(3), [{ error: /^EXECABORT/ }, '2'])
  for (const one of [c, other]) one.close()
})

t.test('HELLO, RESET, QUIT, CLIENT', async (t) => {
  const { port } = await startServer(t)
  const c = await RespSocket.open(port)
  t.match(await c.ask('HELLO'), ['server', 'redis', 'version', /^7/, 'proto', 2])
  t.match(await c.ask('HELLO', '3', 'SETNAME', 'me'), {
    map: ['server', 'redis', 'version', /^7/, 'proto', 3],
  })
  t.equal(await c.ask('CLIENT', 'GETNAME'), 'me')
  c.send(request('GET', 'none'), request('HELLO', '2'), request('GET', 'none'), request('HELLO', '3'))
  t.equal((await c.replies(4))[2], null)
  t.strictSame(await c.ask('HELLO', '4'), { error: 'NOPROTO unsupported protocol version' })
  t.match(await c.ask('CLIENT', 'INFO'), { verbatim: /name=me .* resp=3/ })
  t.match(await c.ask('CLIENT', 'LIST'), { verbatim: /^txt:id=\d+ name=me / })
  t.match(await c.ask('CLIENT', 'KILL', 'x'), { error: /^ERR unknown subcommand 'KILL'/ })
  t.match(await c.ask('CLIENT', 'SETNAME', 'a b'), { error: /cannot contain spaces/ })
  t.strictSame(await c.ask('RESET'), { simple: 'RESET' })
  t.equal(await c.ask('CLIENT', 'GETNAME'), null)
  c.send(request('QUIT'), request('PING'))
  t.equal(await c.rest(), '+OK\r\n')
  c.close()
})

t.test('the null of the version that was spoken when it was asked', async (t) => {
  const { port } = await startServer(t)
  const c = await RespSocket.open(port)
  c.send(request('GET', 'none'), request('HELLO', '3'), request('GET', 'none'), request('QUIT'))
  t.match(await c.rest(), /^\$-1\r\n%7\r\n.*_\r\n\+OK\r\n$/s)
  c.close()
})

t.test('authentication', async (t) => {
  const all = await startServer(t, ['-auth', 'secret', '-authmode', 'all'])
  const c = await RespSocket.open(all.port)
  const noAuth = { error: 'NOAUTH Authentication required.' }
  for (const words of ['GET k', 'SET k v', 'INCR k', 'PING', 'ECHO x', 'MGET a b', 'INFO', 'CLIENT ID']) {
    t.strictSame(await c.ask(...words.split(' ')), noAuth, words)
  }
  t.match(await c.ask('HELLO', '3'), { error: /^NOAUTH HELLO/ })
  const wrong = { error: /^WRONGPASS/ }
  for (const words of ['AUTH no', 'AUTH default no', 'AUTH other secret', 'HELLO 3 AUTH default no']) {
    t.match(await c.ask(...words.split(' ')), wrong, words)
  }
  t.strictSame(await c.ask('AUTH', 'secret'), OK)
  t.strictSame(await c.ask('SET', 'k', 'v'), OK)
  t.strictSame(await c.ask('RESET'), { simple: 'RESET' })
  t.strictSame(await c.ask('GET', 'k'), noAuth)
  t.match(await c.ask('HELLO', '3', 'AUTH', 'default', 'secret'), { map: ['server'] })
  t.equal(await c.ask('GET', 'k'), 'v')
  c.close()

  const writes = await startServer(t, ['-auth', 'secret', '-authmode', 'writes'])
  const reader = await RespSocket.open(writes.port)
  t.equal(await reader.ask('GET', 'k'), null)
  t.strictSame(await reader.ask('PING'), { simple: 'PONG' })
  for (const words of ['SET k v', 'INCR k', 'DEL k', 'APPEND k v', 'SETNX k v']) {
    t.strictSame(await reader.ask(...words.split(' ')), noAuth, words)
  }
  t.match(await reader.ask('HELLO', '3'), { map: ['server'] })
  t.strictSame(await reader.ask('AUTH', 'default', 'secret'), OK)
  t.strictSame(await reader.ask('SET', 'k', 'v'), OK)
  reader.close()

  const none = await startServer(t)
  const open = await RespSocket.open(none.port)
  t.match(await open.ask('AUTH', 'x'), { error: /^ERR AUTH <password> called without/ })
  t.strictSame(await open.ask('AUTH', 'default', 'x'), OK)
  open.close()
})

t.test('the rate limit, in step', async (t) => {
  const { port } = await startServer(t, ['-ratelimit', '100'])
  const c = await RespSocket.open(port)
  c.send(...Array.from({ length: 200 }, () => request('SET', 'k', 'v')), request('PING'))
  const replies = await c.replies(201)
  const limited = replies.filter((reply) => typeof reply === 'object' && reply !== null && 'error' in reply)
  t.ok(limited.length >= 150 && limited.length <= 190, `${limited.length} refused`)
  t.strictSame(limited[0], { error: 'ERR rate limit: too many requests' })
  t.strictSame(replies[200], { simple: 'PONG' })
  c.close()
})

t.test('large values: in to a file, out in pieces', async (t) => {
  const { port, child } = await startServer(t)
  const c = await RespSocket.open(port)
  const value = randomBytes(24 * MEGABYTE)
  const digest = createHash('sha1').update(value).digest('hex')
  c.send(request('SET', 'large', value), request('GET', 'large'), request('PING'))
  const [ok, back, pong] = await c.replies(3)
  t.strictSame([ok, pong], [OK, { simple: 'PONG' }])
  t.equal(
    createHash('sha1')
      .update(Buffer.from(String(back), 'latin1'))
      .digest('hex'),
    digest,
  )
  c.send(request('SET', 'large', value, 'NX'), request('STRLEN', 'large'), request('GET', 'none'))
  t.strictSame(await c.replies(3), [null, value.length, null])
  const before = residentBytes(child.pid!)
  const others = await Promise.all(Array.from({ length: 8 }, () => RespSocket.open(port)))
  for (const other of others) other.send(request('SET', 'large', value))
  for (const other of others) t.strictSame(await other.replies(1), [OK])
  t.ok(residentBytes(child.pid!) - before < 100 * MEGABYTE, 'eight at once are not held')
  for (const one of [c, ...others]) one.close()
})

t.test('inline requests on -resp, and HTTP sent there', async (t) => {
  const respPort = await freePort()
  await startServer(t, ['-resp', String(respPort)])
  const c = await RespSocket.open(respPort)
  c.send(Buffer.from('PING\r\nset "a b" \'c d\'\n\r\nGET "a b"\r\nGET\r\n'), request('GET', 'a b'))
  t.strictSame(await c.replies(5), [
    { simple: 'PONG' },
    OK,
    'c d',
    { error: "ERR wrong number of arguments for 'get' command" },
    'c d',
  ])
  c.send(Buffer.from('SET k "open\r\nPING\r\n'))
  t.equal(await c.rest(), '-ERR Protocol error: unbalanced quotes in request\r\n')
  c.close()

  const words = '-ERR Protocol error: this port speaks the Redis protocol, not HTTP\r\n'
  const post = await RespSocket.open(respPort)
  post.send(Buffer.from('POST / HTTP/1.1\r\nHost: x\r\n\r\nSET k v\r\n'))
  t.equal(await post.rest(), words)
  post.close()
  const get = await RespSocket.open(respPort)
  get.send(Buffer.from('GET / HTTP/1.1\r\nHost: x\r\n\r\nSET k v\r\n'))
  t.equal(await get.rest(), `-ERR wrong number of arguments for 'get' command\r\n${words}`)
  get.close()
  const long = await RespSocket.open(respPort)
  long.send(Buffer.alloc(70_000, 'a'))
  t.equal(await long.rest(), '-ERR Protocol error: too big inline request\r\n')
  long.close()
  const again = await RespSocket.open(respPort)
  t.equal(await again.ask('EXISTS', 'k'), 0)
  again.close()
})

t.test('redis-cli', async (t) => {
  const { port } = await startServer(t, ['-auth', 'secret', '-authmode', 'all'])
  const cli = (words: string[], input = '') => {
    const result = spawnSync(
      'redis-cli',
      ['-p', String(port), '--no-auth-warning', '-a', 'secret', ...words],
      {
        input,
        encoding: 'utf8',
      },
    )
    return result.stdout
  }
  t.equal(cli(['SET', 'k', 'v']), 'OK\n')
  t.equal(cli(['-3', 'GET', 'k']), 'v\n')
  t.match(cli(['INFO', 'server']), /redis_version/)
  const many = Array.from({ length: 5000 }, (_, index) => String(request('SET', `key:${index}`, `${index}`)))
  t.match(cli(['--pipe'], many.join('')), /errors: 0, replies: 5000/)
  t.equal(cli(['GET', 'key:4999']), '4999\n')
})

t.test('very many arguments, at once or queued', { timeout: 120_000 }, async (t) => {
  const { port, child } = await startServer(t, ['-durability', 'memory'])
  const many = Buffer.from(`*500001\r\n$6\r\nEXISTS\r\n${'$1\r\nx\r\n'.repeat(500_000)}`)
  const before = residentBytes(child.pid!)
  const connections = await Promise.all(Array.from({ length: 3 }, () => RespSocket.open(port)))
  for (const c of connections) c.send(many, request('PING'))
  const counts = await Promise.all(connections.map((c) => c.replies(2)))
  for (const replies of counts) t.strictSame(replies, [0, { simple: 'PONG' }])
  t.ok(residentBytes(child.pid!) - before < 500 * MEGABYTE, 'of 1,500,000 arguments')

  const [c] = connections
  const words = Array.from({ length: 1000 }, () => 'x')
  c!.send(request('MULTI'), ...Array.from({ length: 40 }, () => request('DEL', ...words)))
  const queued = await c!.replies(41)
  t.match(queued[40], { error: /^ERR a transaction has at most 10000 commands and 4194304 bytes/ })
  t.match(await c!.ask('EXEC'), { error: /^EXECABORT/ })
  for (const one of connections) one.close()
})
