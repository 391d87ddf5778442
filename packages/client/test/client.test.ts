/** The client against the real program, over each of its three ways. */
import { randomBytes } from 'node:crypto'
import t, { type Test } from 'tap'
import { Client, type ClientError, type ClientOptions } from '../src/index.ts'
import { startServer, temporaryFolder } from './support/server.ts'

function open(t: Test, options: ClientOptions): Client {
  const client = Client.open(options)
  t.teardown(() => client.close())
  return client
}

const code = (expected: string) => ({ name: 'ClientError', code: expected })

t.test('frames: the whole surface', async (t) => {
  const { port } = await startServer(t)
  const client = open(t, { url: `minivault://127.0.0.1:${port}`, protocol: 'frames' })

  t.equal(await client.get('absent'), undefined)
  t.equal(await client.getEntry('absent'), undefined)
  t.equal(await client.has('absent'), false)
  t.equal(await client.delete('absent'), false)

  const first = await client.set('key', 'one')
  t.match(first.version, /^[0-9a-f]{24}$/)
  t.equal(Buffer.from((await client.get('key'))!).toString(), 'one')
  t.match(await client.getEntry('key'), { version: first.version, type: 'raw' })
  const second = await client.set('key', new Uint8Array([0, 255]), { durability: 'memory' })
  t.ok(second.version! > first.version!, 'versions grow')
  t.same(await client.get('key'), new Uint8Array([0, 255]))
  t.equal(await client.has('key'), true)
  await t.rejects(client.set('key', 'three', { ifAbsent: true }), code('KEY_EXISTS'))
  t.equal(await client.delete('key'), true)
  await client.set('key', 'four', { ifAbsent: true })
  t.equal(await client.text().get('key'), 'four')
  await client.set('empty', '')
  t.same(await client.get('empty'), new Uint8Array(0), 'an empty value is not a miss')

  const binaryKey = new Uint8Array([0, 255, 47, 46, 46])
  await client.set(binaryKey, 'x')
  t.equal(await client.text().get(binaryKey), 'x')
  t.match(await client.health(), { status: String })

  const json = client.json<unknown>()
  await json.set('null', null)
  t.equal(await json.get('null'), null)
  t.equal(await json.get('nothing'), undefined)
  await json.set('object', { a: [1, 'ä'] })
  t.same(await json.get('object'), { a: [1, 'ä'] })
  t.match(await client.getEntry('object'), { type: 'json' })
  await client.set('not json', '{')
  await t.rejects(json.get('not json'), code('CLIENT_PROTOCOL'))
  await t.rejects(json.set('undefined', undefined), code('CLIENT_BAD_ARGUMENT'))
})

t.test('frames: large values, alone and beside small ones', async (t) => {
  const { port } = await startServer(t, ['-durability', 'os'])
  const client = open(t, { url: `minivault://127.0.0.1:${port}`, protocol: 'frames', timeoutMs: 60_000 })
  for (const bytes of [196_607, 196_608, 196_609, 262_144, 1_000_000, 100 * 1024 * 1024]) {
    const value = new Uint8Array(randomBytes(bytes))
    const small = Promise.all(Array.from({ length: 50 }, (_, i) => client.set(`small ${i}`, `${i}`)))
    await client.set('large', value)
    await small
    const read = await client.get('large')
    t.ok(read && Buffer.compare(read, value) === 0, `${bytes} bytes come back`)
  }
  t.equal(await client.text().get('small 49'), '49')
  const longKey = 'k'.repeat(65_535)
  for (const bytes of [196_553, 196_554, 196_608, 400_000]) {
    const value = new Uint8Array(randomBytes(bytes))
    await client.set(longKey, value)
    t.equal(Buffer.compare((await client.get(longKey))!, value), 0, `${bytes} bytes under the longest key`)
  }
  await t.rejects(client.set('large', new Uint8Array(100 * 1024 * 1024 + 1)), code('VALUE_TOO_LARGE'))
})

t.test('frames: a thousand calls of one turn, many at once', async (t) => {
  const { port } = await startServer(t, ['-durability', 'os'])
  const client = open(t, { url: `minivault://127.0.0.1:${port}` })
  await Promise.all(Array.from({ length: 5_000 }, (_, i) => client.set(`k${i}`, `v${i}`)))
  const values = await Promise.all(Array.from({ length: 5_000 }, (_, i) => client.text().get(`k${i}`)))
  t.ok(
    values.every((value, i) => value === `v${i}`),
    'each answer belongs to its request',
  )
  await t.rejects(client.get(''), code('KEY_MISSING'))
  await t.rejects(client.get('x'.repeat(65_536)), code('KEY_LENGTH'))
  t.equal(await client.get('x'.repeat(65_535)), undefined)
})

t.test('authentication, every mode and way', async (t) => {
  const { port } = await startServer(t, ['-auth', 'se cret:/@', '-authmode', 'all'])
  const at = `127.0.0.1:${port}`
  const token = encodeURIComponent('se cret:/@')
  for (const [url, protocol] of [
    [`minivault://:${token}@${at}`, 'frames'],
    [`minivault://:${token}@${at}`, 'documented'],
    [`http://:${token}@${at}`, 'auto'],
  ] as const) {
    const client = open(t, { url, protocol })
    await client.set('a', 'b')
    t.equal(await client.text().get('a'), 'b', `${protocol} ${url.slice(0, 5)}`)
    if (protocol !== 'frames') continue
    await client.setStream('long', [new Uint8Array(5_000_000)], { size: 5_000_000 })
    t.equal((await client.getStream('long'))!.size, 5_000_000, 'on a connection of its own, too')
  }
  for (const [url, protocol] of [
    [`minivault://:wrong@${at}`, 'frames'],
    [`minivault://:wrong@${at}`, 'documented'],
    [`minivault://${at}`, 'frames'],
    [`http://:wrong@${at}`, 'auto'],
  ] as const) {
    const client = open(t, { url, protocol })
    await t.rejects(client.get('a'), code('UNAUTHORIZED'), `${protocol} ${url.slice(0, 14)}`)
    if (protocol !== 'frames') continue
    const long = client.setStream('long', [new Uint8Array(5_000_000)], { size: 5_000_000 })
    await t.rejects(long, { ...code('UNAUTHORIZED'), inDoubt: false })
  }
  const silent = open(t, { url: `minivault://${at}`, protocol: 'documented' })
  await t.rejects(silent.get('a'), code('CLIENT_REFUSED'), 'the documented opcodes do not say why')
})

t.test('documented opcodes', async (t) => {
  const { port } = await startServer(t)
  const client = open(t, { url: `minivault://127.0.0.1:${port}`, protocol: 'documented' })
  const { version } = await client.set('key', 'one')
  t.equal(version, undefined)
  t.equal(await client.text().get('key'), 'one')
  await t.rejects(client.get('absent'), code('CLIENT_REFUSED'), 'never a wrong undefined')
  await t.rejects(client.has('absent'), code('CLIENT_REFUSED'))
  await t.rejects(client.set('key', 'two', { ifAbsent: true }), code('CLIENT_UNSUPPORTED'))
  const large = new Uint8Array(randomBytes(3_000_000))
  await client.set('large', large)
  t.same(Buffer.compare((await client.get('large'))!, large), 0)
  t.match(await client.health(), { status: String })
  t.equal(await client.delete('key'), true)
  await Promise.all(Array.from({ length: 2_000 }, (_, i) => client.set(`k${i}`, `v${i}`)))
  const values = await Promise.all(Array.from({ length: 2_000 }, (_, i) => client.text().get(`k${i}`)))
  t.ok(values.every((value, i) => value === `v${i}`))
})

t.test('HTTP', async (t) => {
  const { port } = await startServer(t)
  const client = open(t, { url: `http://127.0.0.1:${port}` })
  const frames = open(t, { url: `minivault://127.0.0.1:${port}` })
  t.equal(await client.get('absent'), undefined)
  await client.set('key', 'ä"\n')
  t.equal(await client.text().get('key'), 'ä"\n')
  await t.rejects(client.set('key', 'x', { ifAbsent: true }), code('KEY_EXISTS'))
  await t.rejects(client.json().get('key'), code('CLIENT_PROTOCOL'), 'bytes are no JSON')
  await client.json().set('null', null)
  t.equal(await client.json().get('null'), null)
  await client.json().set('deep', { b: 1, a: [true] })
  t.equal(await frames.text().get('deep'), '{"b":1,"a":[true]}')
  await frames.set('bytes', new Uint8Array([255, 0]))
  t.same(await client.get('bytes'), new Uint8Array([255, 0]), 'as they are')
  await frames.set('number', '12345678901234567890')
  t.equal(await client.text().get('number'), '12345678901234567890')
  for (const key of ['health', '..', '.', '/../b', '-/admin', 'a?b#c%', '\u0000', 'ß']) {
    await client.set(key, key)
    t.equal(await frames.text().get(key), key, JSON.stringify(key))
  }
  t.match(await client.health(), { status: String })
  t.equal(await client.delete('key'), true)
  t.equal(await client.has('key'), false)
})

t.test(
  'a node that is killed and comes back: calls wait and every acknowledged write is there',
  async (t) => {
    const data = temporaryFolder(t)
    const before = await startServer(t, ['-durability', 'os'], data)
    const url = `minivault://127.0.0.1:${before.port}`
    const client = open(t, { url, timeoutMs: 30_000, retriesMax: 20 })
    const acknowledged = new Set<number>()
    const failures: ClientError[] = []
    const writes: Promise<void>[] = []
    let next = 0
    const send = () => {
      const n = next++
      writes.push(
        client.set(`n${n}`, `${n}`).then(
          () => void acknowledged.add(n),
          (error) => void failures.push(error),
        ),
      )
    }
    const timer = setInterval(send, 2)
    await new Promise((resolve) => setTimeout(resolve, 300))
    before.child.kill('SIGKILL')
    await new Promise((resolve) => before.child.once('close', resolve))
    await startServer(t, ['-port', String(before.port), '-durability', 'os'], data)
    await new Promise((resolve) => setTimeout(resolve, 200))
    clearInterval(timer)
    await Promise.all(writes)
    t.ok(
      failures.every((error) => error.code === 'IN_DOUBT'),
      'only in doubt, where the ledger was lost',
    )
    t.ok(acknowledged.size > next - 20, `${acknowledged.size} of ${next} were acknowledged`)
    for (const n of acknowledged) {
      if ((await client.text().get(`n${n}`)) !== `${n}`) t.fail(`acknowledged write ${n} is lost`)
    }
  },
)

t.test('close drains', async (t) => {
  const { port } = await startServer(t)
  const client = Client.open(`minivault://127.0.0.1:${port}`)
  const writes = Array.from({ length: 200 }, (_, i) => client.set(`k${i}`, 'v'))
  await Promise.all([client.close(), client.close()])
  const settled = await Promise.allSettled(writes)
  t.ok(
    settled.every(({ status }) => status === 'fulfilled'),
    'what was under way is answered',
  )
  await t.rejects(client.get('k0'), code('CLIENT_CLOSED'))
  const again = Client.open(`minivault://127.0.0.1:${port}`)
  t.equal(await again.text().get('k199'), 'v')
  await again[Symbol.asyncDispose]()
  await Client.open('minivault://127.0.0.1:1').close()
})
