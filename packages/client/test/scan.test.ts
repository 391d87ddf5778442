/** Scans over frames against the real program. */
import { randomBytes } from 'node:crypto'
import t, { type Test } from 'tap'
import { Client, type ScanOptions } from '../src/index.ts'
import { startServer } from './support/server.ts'

async function open(t: Test): Promise<Client> {
  const { port } = await startServer(t, ['-durability', 'os'])
  const client = Client.open({ url: `minivault://127.0.0.1:${port}`, protocol: 'frames' })
  t.teardown(() => client.close())
  return client
}

const code = (expected: string) => ({ name: 'ClientError', code: expected })
const text = (bytes: Uint8Array) => Buffer.from(bytes).toString()

async function keys(client: Client, options: ScanOptions): Promise<string[]> {
  const found: string[] = []
  for await (const { key } of client.scan(options)) found.push(text(key))
  return found
}

t.test('ranges, limits, directions', async (t) => {
  const client = await open(t)
  t.same(await keys(client, {}), [], 'an empty store')
  const all = ['a', 'a:1', 'a:2', 'a:3', 'b', 'ba', 'c']
  for (const key of all) await client.set(key, `value of ${key}`)
  const cases: [ScanOptions, string[]][] = [
    [{}, all],
    [{ reverse: true }, all.toReversed()],
    [{ prefix: 'a:' }, ['a:1', 'a:2', 'a:3']],
    [{ prefix: '' }, all],
    [{ prefix: 'a:', reverse: true }, ['a:3', 'a:2', 'a:1']],
    [{ gt: 'a:1', lt: 'b' }, ['a:2', 'a:3']],
    [{ gte: 'a:1', lte: 'b' }, ['a:1', 'a:2', 'a:3', 'b']],
    [{ gte: 'a:1', lte: 'b', reverse: true }, ['b', 'a:3', 'a:2', 'a:1']],
    [{ gt: 'a:1', lt: 'b', reverse: true }, ['a:3', 'a:2']],
    [{ prefix: 'a', gt: 'a:2' }, ['a:3']],
    [{ prefix: 'a', lt: 'b', gt: 'b' }, []],
    [{ gt: '' }, all],
    [{ lt: '' }, []],
    [{ lte: '' }, []],
    [{ gt: 'c' }, []],
    [{ limit: 0 }, []],
    [{ limit: 2 }, ['a', 'a:1']],
    [{ limit: 2, reverse: true }, ['c', 'ba']],
    [{ limit: 100 }, all],
    [{ gte: new Uint8Array([0x62]), limit: 1 }, ['b']],
  ]
  for (const [options, expected] of cases) {
    t.same(await keys(client, options), expected, JSON.stringify(options))
    t.same(await keys(client, { ...options, keysOnly: true }), expected, 'keys only')
  }
  for (const wrong of [
    { gt: 'a', gte: 'a' },
    { lt: 'a', lte: 'a' },
    { limit: -1 },
    { limit: 1.5 },
    { reverse: 1 as unknown as boolean },
    { cursor: 'x' },
    { cursor: '' },
    { cursor: 'AWE', reverse: false },
    null as unknown as ScanOptions,
  ]) {
    t.throws(() => client.scan(wrong), code('CLIENT_BAD_ARGUMENT'), JSON.stringify(wrong))
  }
  t.throws(() => client.scan({ gt: 'k'.repeat(65_536) }), code('KEY_LENGTH'))
  const long = 'k'.repeat(65_535)
  t.same(await keys(client, { prefix: long, gt: long, lt: `${long.slice(1)}l` }), [], 'the longest bounds')
})

t.test('an entry has all there is to know', async (t) => {
  const client = await open(t)
  const { version } = await client.set('raw', new Uint8Array([0, 255]), { ttlMs: 60_000 })
  await client.json().set('json', { a: 1 })
  const entries = []
  for await (const entry of client.scan()) entries.push(entry)
  t.match(entries[0], { type: 'json', expiresAtMs: 0 })
  t.equal(text(entries[0]!.value), '{"a":1}')
  t.match(entries[1], { version, type: 'raw' })
  t.equal(Buffer.from(entries[1]!.value).toString('hex'), '00ff')
  t.ok(Math.abs(entries[1]!.expiresAtMs - Date.now() - 60_000) < 2_000)
  for await (const entry of client.scan({ keysOnly: true, gt: 'json' })) {
    t.match(entry, { version, type: 'raw', expiresAtMs: entries[1]!.expiresAtMs })
    t.equal(entry.value.length, 0)
  }
})

t.test('many pages, in both directions, and from any cursor', async (t) => {
  const client = await open(t)
  const count = 5_000
  const name = (i: number) => `key ${String(i).padStart(5, '0')}`
  const all = Array.from({ length: count }, (_, i) => name(i))
  await client.batch(all.map((key) => ({ type: 'set', key, value: `${key} `.repeat(20) })))
  t.same(await keys(client, {}), all)
  t.same(await keys(client, { reverse: true, keysOnly: true }), all.toReversed())
  for (const reverse of [false, true]) {
    const expected = reverse ? all.toReversed() : all
    const found: string[] = []
    let cursor: string | undefined
    for (const limit of [1, 999, 1000, 1001, 1, 10_000]) {
      const scan = client.scan({ limit, reverse, ...(cursor === undefined ? {} : { cursor }) })
      for await (const { key, value } of scan) {
        found.push(text(key))
        if (!text(value).startsWith(found.at(-1)!)) t.fail('a value of another key')
      }
      cursor = scan.cursor
    }
    t.same(found, expected, 'resumed five times')
  }
  const left = client.scan()
  let seen = 0
  for await (const { key } of left)
    if (++seen === 1_234) t.equal(text(key), name(1_233))
    else if (seen === 1_300) break
  t.equal(text((await client.scan({ cursor: left.cursor! }).next()).value!.key), name(1_300))
  t.same(await left.next(), { done: true, value: undefined }, 'a loop that was left has closed it')

  const several = client.scan({ limit: 2_500 })
  const results = await Promise.all(Array.from({ length: 2_501 }, () => several.next()))
  t.same(
    results.map(({ value }) => value && text(value.key)),
    [...all.slice(0, 2_500), undefined],
    'asked for all at once they come in order',
  )
})

t.test('what is written meanwhile: the others are seen once', async (t) => {
  const client = await open(t)
  const name = (i: number) => `k${String(i).padStart(4, '0')}`
  const all = Array.from({ length: 3_000 }, (_, i) => name(i))
  await client.batch(all.map((key) => ({ type: 'set', key, value: 'v'.repeat(200) })))
  const seen = new Map<string, number>()
  let step = 0
  for await (const { key } of client.scan()) {
    seen.set(text(key), (seen.get(text(key)) ?? 0) + 1)
    if (++step % 50 !== 0) continue
    await client.batch([
      { type: 'set', key: `${name(step)}+`, value: 'new' },
      { type: 'delete', key: `${name(step - 50)}+` },
      { type: 'set', key: name(step), value: 'changed' },
    ])
  }
  t.ok(
    all.every((key) => seen.get(key) === 1),
    'every key that was there throughout, once',
  )
})

t.test('values that no page has room for come with their entries', async (t) => {
  const client = await open(t)
  const values = new Map<string, Uint8Array>()
  for (const [key, bytes] of [
    ['a', 10],
    ['b', 3_000_000],
    ['c', 300_000],
    ['d', 10],
    ['e', 700_000],
    ['f', 262_144],
    ['g', 200_000],
  ] as const) {
    values.set(key, new Uint8Array(randomBytes(bytes)))
    await client.set(key, values.get(key)!, { ttlMs: 100_000 })
  }
  for (const reverse of [false, true]) {
    const found: string[] = []
    for await (const { key, value, version, expiresAtMs } of client.scan({ reverse })) {
      found.push(text(key))
      t.equal(Buffer.compare(value, values.get(text(key))!), 0, text(key))
      t.match(version, /^[0-9a-f]{24}$/)
      t.ok(expiresAtMs > 0)
    }
    t.same(found, reverse ? [...values.keys()].reverse() : [...values.keys()])
  }
  t.same(await keys(client, { keysOnly: true }), [...values.keys()])

  const changed: string[] = []
  for await (const { key, value, expiresAtMs, version } of client.scan({ limit: 5 })) {
    changed.push(text(key))
    if (text(key) === 'a') {
      await client.delete('b')
      await client.set('c', 'small now')
    }
    if (text(key) !== 'c') continue
    t.equal(text(value), 'small now')
    t.equal(expiresAtMs, 0, 'all of the entry is of the value that it shows')
    t.equal(version, (await client.getEntry('c'))!.version)
  }
  t.same(changed, ['a', 'c', 'd', 'e', 'f'], 'what was deleted meanwhile does not count')
})

t.test('leaving and aborting', async (t) => {
  const client = await open(t)
  await client.batch(Array.from({ length: 4_000 }, (_, i) => ({ type: 'set', key: `${i}`, value: 'v' })))
  const aborter = new AbortController()
  const cause = new Error('enough')
  let seen = 0
  await t.rejects(
    async () => {
      for await (const _ of client.scan({ signal: aborter.signal }))
        if (++seen === 1_500) aborter.abort(cause)
    },
    { ...code('CLIENT_ABORTED'), cause },
  )
  t.ok(seen >= 1_500 && seen < 4_000)
  const scan = client.scan()
  await scan.next()
  const waiting = client.scan()
  const first = waiting.next()
  waiting.close()
  t.same(await first, { done: true, value: undefined }, 'closed while it waits')
  await using disposed = client.scan({ gt: '5' })
  await disposed.next()
  await client.close()
  t.equal((await scan.next()).done, false, 'what has been fetched is there')
})
