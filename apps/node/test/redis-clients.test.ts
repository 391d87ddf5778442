/** Redis clients as people use them, against the real program: redis-cli, ioredis, node-redis. */
import { spawnSync } from 'node:child_process'
import { Redis } from 'ioredis'
import { createClient, RESP_TYPES } from 'redis'
import t, { type Test } from 'tap'
import { skipWithout } from './support/programs.ts'
import { RedisWire } from './support/redis-wire.ts'
import { type Server, startServer, temporaryFolder } from './support/server.ts'

const BINARY = Buffer.from(Array.from({ length: 256 }, (_, byte) => byte))

function cli(port: number, words: string[], input?: string): string {
  const { stdout, stderr } = spawnSync('redis-cli', ['-p', String(port), '--no-raw', ...words], {
    encoding: 'utf8',
    timeout: 20_000,
    ...(input === undefined ? {} : { input }),
  })
  return `${stdout}${stderr}`.trim()
}

t.test('redis-cli', { skip: skipWithout('redis-cli') }, async (t) => {
  const { port } = await startServer(t, ['-durability', 'memory'])
  t.equal(cli(port, ['set', 'greeting', 'hello']), 'OK')
  t.equal(cli(port, ['get', 'greeting']), '"hello"')
  t.equal(cli(port, ['get', 'nothing']), '(nil)')
  t.equal(cli(port, ['-3', 'get', 'nothing']), '(nil)', 'RESP3')
  t.equal(cli(port, ['incrby', 'n', '41']), '(integer) 41')
  t.equal(cli(port, ['mget', 'n', 'nothing']), '1) "41"\n2) (nil)')
  t.match(cli(port, ['-3', 'config', 'get', 'save']), /1# "save" => ""/)
  t.match(cli(port, ['info']), /redis_version:7/)
  t.match(cli(port, ['eval', 'return 1', '0']), /unknown command 'eval': minivault runs no scripts/)
  t.match(cli(port, ['get']), /wrong number of arguments for 'get' command/)
  t.equal(cli(port, [], 'multi\nincr n\nget n\nexec\n'), 'OK\nQUEUED\nQUEUED\n1) (integer) 42\n2) "42"')
  t.match(cli(port, ['--scan', '--pattern', 'g*']), /greeting/)
  t.match(cli(port, ['command', 'docs', 'get']), /Returns the value of a key/)
  const many = Array.from(
    { length: 2000 },
    (_, at) => `*3\r\n$3\r\nSET\r\n$${`mass:${at}`.length}\r\nmass:${at}\r\n$1\r\nx\r\n`,
  ).join('')
  t.match(cli(port, ['--pipe'], many), /errors: 0, replies: 2000/)
  t.match(cli(port, ['--bigkeys']), /Biggest string found|Summary/i)
  t.equal(cli(port, ['flushdb']), 'OK')
  t.equal(cli(port, ['keys', '*']), '(empty array)')
})

async function ioredis(t: Test, { port }: Server, options = {}): Promise<Redis> {
  const redis = new Redis({ port, host: '127.0.0.1', ...options })
  redis.on('error', () => {})
  t.teardown(() => redis.disconnect())
  return redis
}

t.test('ioredis', async (t) => {
  const server = await startServer(t, ['-durability', 'memory'])
  const redis = await ioredis(t, server)
  t.equal(await redis.set('k', BINARY, 'PX', 60_000), 'OK')
  t.equal((await redis.getBuffer('k'))?.toString('hex'), BINARY.toString('hex'))
  t.ok((await redis.pttl('k')) > 50_000)

  const piped = await redis.pipeline().set('p', '1').incr('p').get('p').lpush('p', 'x').mget('p', 'no').exec()
  t.same(piped?.slice(0, 3), [
    [null, 'OK'],
    [null, 2],
    [null, '2'],
  ])
  t.match(piped?.[3]?.[0]?.message, /unknown command 'lpush'/)
  t.same(piped?.[4], [null, ['2', null]])

  const done = await redis.multi().set('m', '1').incrby('m', 9).get('m').exec()
  t.same(
    done?.map(([, reply]) => reply),
    ['OK', 10, '10'],
  )
  await t.rejects(redis.multi().set('m', '2').call('nonsense').exec(), { message: /EXECABORT/ })
  t.equal(await redis.get('m'), '10', 'none of it')
  await redis.watch('m')
  const other = await ioredis(t, server)
  await other.set('m', 'between')
  t.equal(await redis.multi().set('m', 'lost').exec(), null)

  await redis.mset(Object.fromEntries(Array.from({ length: 3000 }, (_, at) => [`scan:${at}`, at])))
  const found = new Set<string>()
  for await (const keys of redis.scanStream({ match: 'scan:*', count: 100 })) {
    for (const key of keys as string[]) found.add(key)
  }
  t.equal(found.size, 3000)
  t.equal((await redis.mget([...found])).filter((value) => value !== null).length, 3000)
  t.equal(await redis.del(...found), 3000)
  await t.rejects(redis.eval('return 1', 0), { message: /minivault runs no scripts/ })
})

t.test('ioredis with auto-pipelining', async (t) => {
  const redis = await ioredis(t, await startServer(t, ['-durability', 'os']), { enableAutoPipelining: true })
  await Promise.all(Array.from({ length: 500 }, (_, at) => redis.set(`auto:${at}`, `value ${at}`)))
  const values = await Promise.all(Array.from({ length: 500 }, (_, at) => redis.get(`auto:${at}`)))
  t.same(
    values,
    Array.from({ length: 500 }, (_, at) => `value ${at}`),
  )
})

t.test('ioredis comes back after a restart of the server', async (t) => {
  const data = temporaryFolder(t)
  const first = await startServer(t, ['-data', data])
  const redis = await ioredis(t, first, { retryStrategy: () => 100, maxRetriesPerRequest: null })
  await redis.set('k', 'before')
  first.child.kill('SIGTERM')
  t.match(await first.ended, { code: 0 })
  const during = redis.get('k')
  await startServer(t, ['-data', data, '-port', String(first.port)])
  t.equal(await during, 'before', 'what was asked meanwhile is answered, too')
  t.equal(await redis.append('k', ' and after'), 16)
})

async function nodeRedis(t: Test, { port }: Server, RESP: 2 | 3, password?: string) {
  const client = createClient({
    RESP,
    socket: { port, host: '127.0.0.1', reconnectStrategy: false },
    ...(password === undefined ? {} : { password }),
  })
  client.on('error', () => {})
  await client.connect()
  t.teardown(() => client.destroy())
  return client
}

for (const RESP of [2, 3] as const) {
  t.test(`node-redis, RESP${RESP}`, async (t) => {
    const server = await startServer(t, ['-durability', 'memory'])
    const client = await nodeRedis(t, server, RESP)
    const bytes = client.withTypeMapping({ [RESP_TYPES.BLOB_STRING]: Buffer })
    t.equal(await client.set('k', BINARY, { expiration: { type: 'EX', value: 60 } }), 'OK')
    t.equal((await bytes.get('k'))?.toString('hex'), BINARY.toString('hex'))
    t.equal(await client.ttl('k'), 60)
    t.equal(await client.get('nothing'), null)
    t.same(await client.multi().set('n', '1').incrBy('n', 2).get('n').exec(), ['OK', 3, '3'])
    await client.watch('n')
    await (await nodeRedis(t, server, RESP)).set('n', '9')
    await t.rejects(client.multi().incr('n').exec(), { name: 'Error' }, 'WATCH')
    t.equal(await client.get('n'), '9')
    await Promise.all(Array.from({ length: 300 }, (_, at) => client.set(`scan:${at}`, String(at))))
    const found: string[] = []
    for await (const keys of client.scanIterator({ MATCH: 'scan:*', COUNT: 50 })) found.push(...keys)
    t.equal(new Set(found).size, 300)
    t.match(await client.configGet('maxmemory'), { maxmemory: '0' })
    t.match(await client.commandInfo(['get']), [{ name: 'get', arity: 2, firstKeyIndex: 1 }])
    t.equal(await client.dbSize(), 302)
    t.equal(await client.flushDb(), 'OK')
    t.equal(await client.dbSize(), 0)
    await t.rejects(
      client.subscribe('channel', () => {}),
      { message: /minivault has no channels/ },
    )
  })
}

t.test('with a key', async (t) => {
  const server = await startServer(t, ['-auth', 'secret', '-authmode', 'all'])
  const redis = await ioredis(t, server, { password: 'secret' })
  t.equal(await redis.set('k', 'v'), 'OK')
  const client = await nodeRedis(t, server, 3, 'secret')
  t.equal(await client.get('k'), 'v')
  const stranger = await RedisWire.connect(server.port)
  t.teardown(() => stranger.close())
  t.match(await stranger.ask('get', 'k'), /^-NOAUTH/)
  t.match(await stranger.ask('auth', 'wrong'), /^-WRONGPASS/)
  t.equal(await stranger.ask('auth', 'default', 'secret'), '+OK')
  t.equal(await stranger.ask('get', 'k'), '$76')
  await t.rejects(nodeRedis(t, server, 2, 'wrong'), { message: /WRONGPASS/ })
})

t.test('counters of many clients', async (t) => {
  const server = await startServer(t, ['-durability', 'memory'])
  const clients = await Promise.all(Array.from({ length: 20 }, () => ioredis(t, server)))
  const work = clients.map(async (redis, index) => {
    for (let round = 0; round < 10; round++) {
      await redis
        .multi()
        .incr('total')
        .append('log', String(index % 10))
        .incr(`of:${index % 3}`)
        .exec()
      await redis.append('letters', 'x')
    }
  })
  await Promise.all(work)
  const [redis] = clients
  t.same(await redis!.mget('total', 'of:0', 'of:1', 'of:2'), ['200', '70', '70', '60'])
  t.equal(await redis!.strlen('log'), 200)
  t.equal(await redis!.strlen('letters'), 200)
})
