/** Every call beyond get, set and delete, over frames, against the real program. */
import t, { type Test } from 'tap'
import { Client, type ClientError, type ClientOptions } from '../src/index.ts'
import { startServer } from './support/server.ts'

async function open(t: Test, options: ClientOptions = {}): Promise<Client> {
  const { port } = await startServer(t, ['-durability', 'os'])
  const client = Client.open({ url: `minivault://127.0.0.1:${port}`, protocol: 'frames', ...options })
  t.teardown(() => client.close())
  return client
}

const code = (expected: string) => ({ name: 'ClientError', code: expected })
const pause = (ms: number) => new Promise((resolve) => setTimeout(resolve, ms))
const text = (bytes: Uint8Array | undefined) => (bytes === undefined ? bytes : Buffer.from(bytes).toString())

t.test('conditions: what is there decides, and is told', async (t) => {
  const client = await open(t)
  const first = await client.create('key', 'one')
  await t.rejects(client.create('key', 'two'), { ...code('KEY_EXISTS'), version: first.version })
  await t.rejects(client.set('key', 'two', { ifAbsent: true }), {
    ...code('KEY_EXISTS'),
    version: first.version,
    inDoubt: false,
    retryable: false,
  })
  const second = await client.set('key', 'two', { ifVersion: first.version! })
  t.ok(second.version! > first.version!)
  const refused = { ...code('VERSION_MISMATCH'), version: second.version }
  await t.rejects(client.set('key', 'three', { ifVersion: first.version! }), refused)
  await t.rejects(client.delete('key', { ifVersion: first.version! }), refused)
  await t.rejects(client.touch('key', { ifVersion: first.version! }), refused)
  t.equal(text(await client.get('key')), 'two')
  t.match(await client.getEntry('key'), { version: second.version })
  t.equal(await client.delete('key', { ifVersion: second.version! }), true)
  t.equal(await client.get('key'), undefined)
  const nothing = await client.set('key', 'x', { ifVersion: second.version! }).catch((error) => error)
  t.match(nothing, { ...code('VERSION_MISMATCH'), version: undefined })
  await client.text().create('key', 'again')
  await t.rejects(client.json().create('key', 1), code('KEY_EXISTS'))
  for (const ifVersion of ['', 'abc', '0'.repeat(24), 7 as unknown as string]) {
    await t.rejects(client.set('key', 'x', { ifVersion }), code('CLIENT_BAD_ARGUMENT'), `${ifVersion}`)
  }
  const both = { ifVersion: second.version!, ifAbsent: true }
  await t.rejects(client.set('key', 'x', both), code('CLIENT_BAD_ARGUMENT'))
})

t.test('levels: consistency and durability travel, wrong ones do not', async (t) => {
  const client = await open(t)
  for (const consistency of ['one', 'quorum'] as const) {
    for (const durability of ['memory', 'os', 'fsync'] as const) {
      await client.set('key', `${consistency} ${durability}`, { consistency, durability })
      t.equal(text(await client.get('key', { consistency })), `${consistency} ${durability}`)
    }
  }
  const wrong = { durability: 'toString' as 'os' }
  await t.rejects(client.set('key', 'x', wrong), code('CLIENT_BAD_ARGUMENT'))
  await t.rejects(client.get('key', { consistency: 'two' as 'one' }), code('CLIENT_BAD_ARGUMENT'))
})

t.test('expiry: a value ends, touch moves the end', async (t) => {
  const client = await open(t)
  await client.set('short', 'x', { ttlMs: 1_000 })
  await client.set('kept', 'x', { ttlMs: 1_000 })
  await client.set('moved', 'x', { ttlMs: 1_000 })
  const before = (await client.getEntry('kept'))!.version!
  t.equal(await client.touch('kept'), true)
  t.equal(
    await client.touch('moved', { ttlMs: 60_000, ifVersion: (await client.getEntry('moved'))!.version! }),
    true,
  )
  t.equal(await client.touch('nobody', { ttlMs: 1000 }), false)
  t.ok((await client.getEntry('kept'))!.version! > before, 'a touch is a new version')
  const ends = new Map<string, number>()
  for await (const { key, expiresAtMs } of client.scan()) ends.set(text(key)!, expiresAtMs)
  t.equal(ends.get('kept'), 0)
  t.ok(Math.abs(ends.get('moved')! - Date.now() - 60_000) < 2_000)
  await pause(1_100)
  t.equal(await client.get('short'), undefined)
  t.equal(await client.has('short'), false)
  t.equal(await client.touch('short'), false, 'what has expired is not there')
  t.equal(text(await client.get('kept')), 'x')
  t.equal(text(await client.get('moved')), 'x')
  await client.create('short', 'y', { ttlMs: 1 })
  for (const ttlMs of [0, -1, 1.5, Number.NaN, 2 ** 48]) {
    await t.rejects(client.set('key', 'x', { ttlMs }), code('CLIENT_BAD_ARGUMENT'), `${ttlMs}`)
  }
  await client.set('far', 'x', { ttlMs: 2 ** 40 })
  t.equal(await client.has('far'), true)
})

t.test('increment: 64 bits, exactly', async (t) => {
  const client = await open(t)
  t.equal(await client.increment('n'), 1n)
  t.equal(await client.increment('n', 41), 42n)
  t.equal(await client.increment('n', -50n), -8n)
  t.equal(text(await client.get('n')), '-8')
  await client.set('n', `${2n ** 63n - 2n}`)
  t.equal(await client.increment('n'), 2n ** 63n - 1n)
  await t.rejects(client.increment('n'), { ...code('NOT_A_NUMBER'), inDoubt: false })
  t.equal(text(await client.get('n')), `${2n ** 63n - 1n}`)
  await client.set('n', `${-(2n ** 63n) + 1n}`)
  t.equal(await client.increment('n', -1), -(2n ** 63n))
  t.equal(await client.increment('n', 2n ** 63n - 1n), -1n)
  await client.set('word', 'seven')
  await t.rejects(client.increment('word'), code('NOT_A_NUMBER'))
  for (const by of [2n ** 63n, -(2n ** 63n) - 1n, 0.5, 2 ** 60, Number.NaN, '1' as unknown as number]) {
    await t.rejects(client.increment('n', by), code('CLIENT_BAD_ARGUMENT'), `${by}`)
  }
  t.equal(await client.increment('brief', 5, { ttlMs: 100 }), 5n)
  await pause(200)
  t.equal(await client.increment('brief', 5), 5n)
  const sums = await Promise.all(Array.from({ length: 500 }, () => client.increment('many')))
  t.equal(new Set(sums).size, 500, 'each sum was given once')
  t.equal(await client.increment('many', 0), 500n)
})

t.test('has and getRange do not transfer more than was asked for', async (t) => {
  const client = await open(t)
  const value = Uint8Array.from({ length: 1_000_000 }, (_, i) => i % 251)
  await client.set('small', 'abcdef')
  await client.set('other', 'ghijkl')
  const [first, second] = [await client.get('small'), await client.get('other')]
  t.equal(`${text(first)} ${text(second)}`, 'abcdef ghijkl', 'what was read stays as it was read')
  await client.set('large', value)
  t.equal(await client.has('large'), true)
  t.equal(text(await client.getRange('small', { start: 1, end: 3 })), 'bc')
  t.equal(text(await client.getRange('small')), 'abcdef')
  t.equal(text(await client.getRange('small', { start: 4 })), 'ef')
  t.equal(text(await client.getRange('small', { end: 2 })), 'ab')
  t.equal(text(await client.getRange('small', { start: 2, end: 2 })), '')
  t.equal(text(await client.getRange('small', { start: 6 })), '')
  t.equal(text(await client.getRange('small', { start: 600, end: 700 })), '')
  t.equal(text(await client.getRange('small', { start: 5, end: 700 })), 'f')
  t.equal(text(await client.getRange('small', { start: 5, end: 2 })), '')
  t.equal(text(await client.getRange('small', { start: Number.MAX_SAFE_INTEGER })), '')
  t.equal(await client.getRange('nobody', { start: 1 }), undefined)
  t.equal(await client.getRange('nobody', { start: 1, end: 1 }), undefined)
  for (const [start, end] of [
    [0, 1_000_000],
    [1, 999_999],
    [196_607, 196_609],
    [300_000, 700_001],
    [999_999, 2_000_000],
    [196_608, 393_216],
  ] as const) {
    const range = await client.getRange('large', { start, end })
    t.equal(Buffer.compare(range!, value.subarray(start, end)), 0, `${start} to ${end}`)
  }
  await t.rejects(client.getRange('small', { start: -1 }), code('CLIENT_BAD_ARGUMENT'))
  await t.rejects(client.getRange('small', { end: 0.5 }), code('CLIENT_BAD_ARGUMENT'))
})

t.test('update: nobody is overtaken, however many there are', async (t) => {
  const client = await open(t, { timeoutMs: 30_000 })
  const count = (value: string | undefined) => `${Number(value ?? 0) + 1}`
  t.match(await client.text().update('n', count), { version: /^[0-9a-f]{24}$/ })
  const many = Array.from({ length: 20 }, () => client.text().update('n', count, { attemptsMax: 1_000 }))
  await Promise.all(many)
  t.equal(text(await client.get('n')), '21')

  t.equal(await client.update('n', () => undefined), undefined, 'nothing is written')
  t.equal(text(await client.get('n')), '21')
  const users = client.json<{ n: number }>()
  await users.update('u', (user) => ({ n: (user?.n ?? 0) + 1 }))
  await users.update('u', async (user) => ({ n: (user?.n ?? 0) + 1 }))
  t.same(await users.get('u'), { n: 2 })
  t.match(await client.getEntry('u'), { type: 'json' })

  let tries = 0
  const overtaken = client.update(
    'n',
    async () => {
      tries++
      await client.set('n', `${tries}`)
      return 'mine'
    },
    { attemptsMax: 3 },
  )
  const error = (await overtaken.catch((error) => error)) as ClientError
  t.match(error, { ...code('VERSION_MISMATCH'), retryable: true, inDoubt: false })
  t.equal(error.version, (await client.getEntry('n'))!.version)
  t.equal(tries, 3)
  t.equal(text(await client.get('n')), '3')
  const born = client.update(
    'new',
    async () => {
      await client.set('new', 'theirs')
      return 'mine'
    },
    { attemptsMax: 1 },
  )
  await t.rejects(born, { ...code('KEY_EXISTS'), retryable: true })
  await t.rejects(
    client.update('n', () => {
      throw new TypeError('the change failed')
    }),
    { name: 'TypeError' },
  )
  const slow = client.update('n', () => pause(150).then(() => 'late'), { timeoutMs: 100 })
  await t.rejects(slow, { ...code('CLIENT_TIMEOUT'), inDoubt: false })
  await client.update('brief', () => 'x', { ttlMs: 80 })
  await pause(160)
  t.equal(await client.has('brief'), false)
})

t.test('batch: all of it, in order', async (t) => {
  const client = await open(t)
  await client.set('gone', 'x')
  const { versions } = await client.batch([
    { type: 'set', key: 'a', value: '1' },
    { type: 'set', key: new Uint8Array([0]), value: new Uint8Array([255]) },
    { type: 'delete', key: 'gone' },
    { type: 'set', key: 'json', value: '{"n":1}', valueType: 'json' },
    { type: 'set', key: 'brief', value: 'x', ttlMs: 100 },
    { type: 'set', key: 'a', value: '2' },
  ])
  t.equal(versions.length, 6)
  t.equal(text(await client.get('a')), '2')
  t.equal((await client.getEntry('a'))!.version, versions[5])
  t.equal(Buffer.from((await client.get(new Uint8Array([0])))!).toString('hex'), 'ff')
  t.equal(await client.has('gone'), false)
  t.match(await client.getEntry('json'), { type: 'json', version: versions[3] })
  await pause(200)
  t.equal(await client.has('brief'), false)
  t.same(await client.batch([]), { versions: [] })

  const many = Array.from({ length: 10_000 }, (_, i) => ({
    type: 'set' as const,
    key: `many ${i}`,
    value: 'v'.repeat(300),
  }))
  t.equal((await client.batch(many, { durability: 'fsync' })).versions.length, 10_000, '3 MB in chunks')
  t.equal(text(await client.get('many 9999')), 'v'.repeat(300))
  const one = many[0]!
  await t.rejects(client.batch([...many, one]), code('CLIENT_BAD_ARGUMENT'))
  const large = [{ ...one, value: 'x'.repeat(4 * 1024 * 1024) }]
  await t.rejects(client.batch(large), code('CLIENT_BAD_ARGUMENT'))
  for (const wrong of [null, {}, 'set', [null], [{ type: 'put', key: 'a' }], [{ ...one, ttlMs: 0 }]]) {
    await t.rejects(client.batch(wrong as []), code('CLIENT_BAD_ARGUMENT'), JSON.stringify(wrong))
  }
  await t.rejects(client.batch([{ type: 'delete', key: '' }]), code('KEY_MISSING'))
  await t.rejects(client.batch([{ ...one, valueType: 'text' as 'raw' }]), code('CLIENT_BAD_ARGUMENT'))
})

t.test('signals and time-outs end every kind of call', async (t) => {
  const client = await open(t)
  await client.set('key', '1')
  const calls: Record<string, (options: { signal: AbortSignal }) => Promise<unknown>> = {
    get: (options) => client.get('key', options),
    has: (options) => client.has('key', options),
    set: (options) => client.set('key', '2', options),
    create: (options) => client.create('other', '2', options),
    update: (options) => client.update('key', () => '2', options),
    delete: (options) => client.delete('key', options),
    touch: (options) => client.touch('key', options),
    increment: (options) => client.increment('key', 1, options),
    getRange: (options) => client.getRange('key', options),
    getStream: (options) => client.getStream('key', options),
    setStream: (options) => client.setStream('key', [Buffer.from('2')], options),
    batch: (options) => client.batch([{ type: 'delete', key: 'key' }], options),
    scan: (options) => client.scan(options).next(),
    health: (options) => client.health(options),
  }
  for (const [name, call] of Object.entries(calls)) {
    const cause = new Error('enough')
    await t.rejects(
      call({ signal: AbortSignal.abort(cause) }),
      { ...code('CLIENT_ABORTED'), cause, inDoubt: false },
      name,
    )
  }
  t.equal(text(await client.get('key')), '1', 'none of them did anything')
  await client.close()
  for (const [name, call] of Object.entries(calls)) {
    await t.rejects(call({ signal: new AbortController().signal }), code('CLIENT_CLOSED'), name)
  }
})
