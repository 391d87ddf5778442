/** The documented binary protocol, opcode by opcode, against the spawned program. */
import { setTimeout as sleep } from 'node:timers/promises'
import { zstdEngine } from '@minivault/codec'
import t from 'tap'
import { auth, BinaryClient, get, health, keyed, remove, set } from './support/binary-client.ts'
import { startServer } from './support/server.ts'

const OK = { status: 0x00, data: Buffer.alloc(0) }
const ERROR = { status: 0xff, data: Buffer.alloc(0) }
/** zstd frame of 2,000 times "a", made by the reference program. */
const ZSTD_2000_A = Buffer.from('28b52ffd04584d00001061610100cbff000b3e7b4e2a', 'hex')

t.test('every opcode, on a node without a key', async (t) => {
  const server = await startServer(t)
  const client = new BinaryClient(server.port)
  t.teardown(() => client.close())

  await t.test('SET, GET, DELETE', async (t) => {
    t.same(await client.one(set('user:123', '{"name":"alice"}')), OK)
    t.same(await client.one(get('user:123')), { status: 0, data: Buffer.from('{"name":"alice"}') })
    t.same(await client.one(remove('user:123')), OK)
    t.same(await client.one(get('user:123')), ERROR, 'absent: error, length 0')
    t.same(await client.one(remove('user:123')), OK, 'absent: success')
    t.same(await client.one(set('empty', '')), OK)
    t.same(await client.one(get('empty')), OK, 'an empty value is a value')
  })

  await t.test('every byte string is a key, of 1 to 65,535 bytes', async (t) => {
    const keys = [Buffer.from([0]), Buffer.from('../../etc/passwd'), Buffer.from([0xff, 0xfe, 0x00, 0x0a])]
    keys.push(Buffer.alloc(65_535, 'k'))
    for (const key of keys) {
      t.same(await client.one(set(key, key)), OK)
      t.same(await client.one(get(key)), { status: 0, data: key })
    }
    t.same(
      await client.send(set('', 'x'), get(''), get('user:123')),
      [ERROR, ERROR, ERROR],
      'in step after a refusal',
    )
  })

  await t.test('HEALTH with any key', async (t) => {
    for (const key of ['', 'health', 'whatever']) {
      const reply = await client.one(health(key))
      t.equal(reply.status, 0)
      t.match(JSON.parse(reply.data.toString()), { status: 'ok', role: 'single', durability: 'fsync' })
    }
  })

  await t.test('AUTH before each operation, on a node that needs none', async (t) => {
    t.same(await client.send(auth('any'), set('a', '1'), auth('any'), get('a')), [
      OK,
      OK,
      OK,
      { status: 0, data: Buffer.from('1') },
    ])
  })

  await t.test('a thousand requests in one packet', async (t) => {
    const requests: Buffer[] = []
    for (let index = 0; index < 500; index++) requests.push(set(`k${index}`, `v${index}`), get(`k${index}`))
    const replies = await client.send(...requests)
    t.equal(replies.length, 1000)
    t.ok(replies.every((reply, index) => reply.data.toString() === (index % 2 ? `v${(index - 1) / 2}` : '')))
  })

  await t.test('more requests at once than may be under way', async (t) => {
    const replies = await client.send(
      ...Array.from({ length: 20_000 }, (_, index) => set(`m${index % 100}`, `${index}`)),
    )
    t.ok(replies.every((reply) => reply.status === 0))
    t.equal((await client.one(get('m99'))).data.toString(), '19999')
  })

  await t.test('refused requests among pipelined ones do not shift the others', async (t) => {
    const requests = Array.from({ length: 60 }, (_, index) =>
      index % 3 === 0 ? get('') : index % 3 === 1 ? set(`s${index}`, `v${index}`) : set('', 'x'),
    )
    const replies = await client.send(...requests)
    t.ok(replies.every((reply, index) => reply.status === (index % 3 === 1 ? 0 : 0xff)))
    for (let index = 1; index < 60; index += 3) {
      t.equal((await client.one(get(`s${index}`))).data.toString(), `v${index}`)
    }
  })

  await t.test('a request sent byte by byte', async (t) => {
    for (const byte of Buffer.concat([set('slow', 'value'), get('slow')])) {
      client.socket.write(Buffer.from([byte]))
      await sleep(1)
    }
    t.same(await client.expect(2), [OK, { status: 0, data: Buffer.from('value') }])
  })

  await t.test('compressed values are decompressed, wrong ones refused in step', async (t) => {
    t.comment(`zstd: ${zstdEngine().name}`)
    const replies = await client.send(
      set('z', ZSTD_2000_A, 1),
      get('z'),
      set('bad', 'not zstd', 1),
      set('bad', 'x', 7),
      get('bad'),
    )
    t.same(replies, [OK, { status: 0, data: Buffer.alloc(2000, 'a') }, ERROR, ERROR, ERROR])
  })

  await t.test('values of 1 MB and 100 MB, and one byte more', async (t) => {
    for (const bytes of [1_000_000, 100 * 1024 * 1024]) {
      const value = Buffer.alloc(bytes, 'minivault!')
      t.same(await client.one(set('large', value)), OK)
      const { status, data } = await client.one(get('large'))
      t.ok(status === 0 && data.equals(value), `${bytes} bytes`)
    }
    t.same(await client.one(set('large', '', 0, 100 * 1024 * 1024 + 1)), ERROR)
    await client.closed
  })
})

t.test('an unknown opcode is answered and the connection closed', async (t) => {
  const server = await startServer(t, ['-durability', 'memory'])
  for (const opcode of [0x04, 0x07, 0x0f]) {
    const client = new BinaryClient(server.port)
    t.same(await client.send(set('a', '1'), keyed(opcode, 'x')), [OK, ERROR])
    await client.closed
  }
  for (const first of [0x00, 0x11, 0x2b, 0x7f, 0xff]) {
    const client = new BinaryClient(server.port)
    client.socket.write(Buffer.from([first, 1, 2, 3]))
    await client.closed
    t.equal(client.unread, 0, `first byte ${first}: closed without a word`)
  }
})

t.test('authentication', async (t) => {
  const expected = {
    none: [ERROR, OK, ERROR],
    writes: [ERROR, ERROR, ERROR],
    all: [ERROR, ERROR, ERROR],
  }
  for (const mode of ['none', 'writes', 'all'] as const) {
    const server = await startServer(t, ['-auth', 'secretkey', '-authmode', mode])
    const client = new BinaryClient(server.port)
    t.same(await client.send(auth('wrong'), set('a', '1'), auth('')), expected[mode], `${mode}: before AUTH`)
    t.equal((await client.one(health())).status, 0, `${mode}: health needs none`)
    t.same(await client.send(auth('secretkey'), set('a', '1')), [OK, OK], `${mode}: after AUTH`)

    const other = new BinaryClient(server.port)
    t.equal((await other.one(get('a'))).status, mode === 'all' ? 0xff : 0, `${mode}: reads`)
    const refused = await other.send(set('large', Buffer.alloc(3_000_000)), get('large'), remove('a'))
    t.equal(refused[1]!.status, mode === 'none' ? 0 : 0xff)
    t.equal(
      refused[0]!.status,
      mode === 'none' ? 0 : 0xff,
      `${mode}: a large refused SET is skipped, in step`,
    )
    client.close()
    other.close()
  }
})

t.test('the rate limit answers in step', async (t) => {
  const server = await startServer(t, ['-ratelimit', '20'])
  const client = new BinaryClient(server.port)
  const replies = await client.send(...Array.from({ length: 10 }, () => set('a', '1')))
  const allowed = replies.filter((reply) => reply.status === 0).length
  t.ok(allowed >= 2 && allowed < 10, `burst of a tenth: ${allowed} of 10`)
  t.same(replies[9], ERROR)
  client.close()
})

t.test('connections above -maxconns are closed, others go on', async (t) => {
  const server = await startServer(t, ['-maxconns', '2'])
  const first = new BinaryClient(server.port)
  const second = new BinaryClient(server.port)
  t.equal((await first.one(health())).status, 0)
  t.equal((await second.one(health())).status, 0)
  const third = new BinaryClient(server.port)
  await third.closed
  t.equal((await first.one(set('a', '1'))).status, 0)
  second.close()
  await sleep(100)
  const fourth = new BinaryClient(server.port)
  t.equal((await fourth.one(get('a'))).status, 0, 'a place that became free is given away')
  first.close()
  fourth.close()
})
