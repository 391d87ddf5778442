/**
 * What every client does, whatever carries its calls: the same tests hold a real node and the double in
 * memory against it.
 */
import type { Test } from 'tap'
import type { KeyValueClient, ScanOptions } from '../../src/index.ts'

export interface Carried {
  /** an empty store */
  client: KeyValueClient
  /** HTTP has no touch, increment, batch, and no types of values */
  isHttp: boolean
}

export async function testContract(t: Test, carried: Carried): Promise<void> {
  await t.test('values', (t) => values(t, carried))
  await t.test('conditions', (t) => conditions(t, carried))
  await t.test('expiry', (t) => expiry(t, carried))
  await t.test('views and many', (t) => views(t, carried))
  await t.test('ranges and streams', (t) => ranges(t, carried))
  await t.test('scans', (t) => scans(t, carried))
  if (!carried.isHttp) await t.test('counters, touch, batches', (t) => more(t, carried))
  await t.test('mistakes, signals, the end', (t) => mistakes(t, carried))
}

async function values(t: Test, { client, isHttp }: Carried): Promise<void> {
  t.equal(await client.get('nobody'), undefined)
  t.equal(await client.getEntry('nobody'), undefined)
  const bytes = Uint8Array.of(0, 128, 255)
  const { version } = await client.set('key', bytes)
  bytes.fill(1)
  const entry = (await client.getEntry('key'))!
  t.same([...entry.value], [0, 128, 255], 'a copy was taken')
  t.equal(entry.version, version)
  t.equal(entry.type, isHttp ? undefined : 'raw')
  entry.value.fill(2)
  t.same([...(await client.get('key'))!], [0, 128, 255], 'and a copy is given')
  const next = await client.set('key', '')
  t.ok(next.version! > version!, 'versions grow')
  t.same(await client.get('key'), new Uint8Array(0), 'an empty value is one')
  t.equal(await client.has('key'), true)
  t.equal(await client.delete('key'), true)
  t.equal(await client.delete('key'), false)
  t.equal(await client.has('key'), false)
  const odd = Uint8Array.of(0xff, 0, 0x2f, 0x2e)
  await client.set(odd, 'odd')
  t.equal(await client.text().get(odd), 'odd')
  await client.delete(odd)
}

async function conditions(t: Test, { client }: Carried): Promise<void> {
  const { version } = await client.create('lock', 'mine')
  await t.rejects(client.create('lock', 'yours'), { code: 'KEY_EXISTS', version, inDoubt: false })
  const second = await client.set('lock', 'still mine', { ifVersion: version! })
  const late = client.set('lock', 'late', { ifVersion: version! })
  await t.rejects(late, { code: 'VERSION_MISMATCH', version: second.version, retryable: false })
  await t.rejects(client.delete('lock', { ifVersion: version! }), { code: 'VERSION_MISMATCH' })
  t.equal(await client.delete('lock', { ifVersion: second.version! }), true)
  const gone = client.set('lock', 'x', { ifVersion: second.version! })
  await t.rejects(gone, { code: 'VERSION_MISMATCH', version: undefined })
  await Promise.all(Array.from({ length: 8 }, () => client.text().update('list', (list) => `${list ?? ''}x`)))
  t.equal(await client.text().get('list'), 'xxxxxxxx')
  t.equal(await client.update('list', () => undefined), undefined)
  await client.delete('list')
}

async function expiry(t: Test, { client }: Carried): Promise<void> {
  await client.set('short', 'x', { ttlMs: 1 })
  while (await client.has('short')) await new Promise((resolve) => setTimeout(resolve, 2))
  await client.create('short', 'y', { ttlMs: 60_000 })
  for await (const { expiresAtMs } of client.scan())
    t.ok(expiresAtMs > Date.now() && expiresAtMs < Date.now() + 61_000)
  const { expiresAtMs } = (await client.getEntry('short'))!
  t.ok(expiresAtMs! > Date.now() && expiresAtMs! < Date.now() + 61_000, `${expiresAtMs}`)
  await client.set('short', 'z')
  t.equal((await client.getEntry('short'))!.expiresAtMs, 0)
  for await (const { expiresAtMs } of client.scan()) t.equal(expiresAtMs, 0, 'written anew, it stays')
  await client.delete('short')
}

async function views(t: Test, { client, isHttp }: Carried): Promise<void> {
  const json = client.json<unknown>()
  await json.set('null', null)
  t.equal(await json.get('null'), null, 'a stored null is null')
  t.equal(await json.get('nobody'), undefined)
  await json.set('object', { a: [1, 'é'] })
  t.same(await json.get('object'), { a: [1, 'é'] })
  t.equal(await client.text().get('object'), '{"a":[1,"é"]}')
  if (!isHttp) t.equal((await client.getEntry('object'))!.type, 'json')
  await client.set('bytes', Uint8Array.of(0xff))
  await t.rejects(client.text().get('bytes'), { code: 'CLIENT_PROTOCOL' })
  await t.rejects(json.get('bytes'), { code: 'CLIENT_PROTOCOL' })
  t.same(await json.getMany(['object', 'nobody', 'null']), [{ a: [1, 'é'] }, undefined, null])
  t.same(await client.text().getMany(new Set(['null', 'object'])), ['null', '{"a":[1,"é"]}'])
  const keys = Array.from({ length: 600 }, (_, i) => `many ${i}`)
  await Promise.all(keys.map((key) => client.set(key, key)))
  t.same(await client.text().getMany(keys), keys, 'in their order')
  t.same(await client.getMany([]), [])
  await t.rejects(client.getMany(['object', '']), { code: 'KEY_MISSING' })
  await t.rejects(client.getMany('object'), { code: 'CLIENT_BAD_ARGUMENT' })
  await Promise.all([...keys, 'null', 'object', 'bytes'].map((key) => client.delete(key)))
}

async function ranges(t: Test, { client }: Carried): Promise<void> {
  async function* source() {
    for (let i = 0; i < 5; i++) yield new Uint8Array(1024 * 1024).fill(i)
  }
  const size = 5 * 1024 * 1024
  await client.setStream('film', source(), { size })
  t.same([...(await client.getRange('film', { start: 1024 * 1024 - 1, end: 1024 * 1024 + 1 }))!], [0, 1])
  t.same(await client.getRange('film', { start: size + 1 }), new Uint8Array(0))
  t.equal(await client.getRange('nobody', { start: 0 }), undefined)
  const stream = (await client.getStream('film', { start: size - 3 }))!
  t.match(stream, { size, version: (await client.getEntry('film'))!.version })
  const read: number[] = []
  for await (const piece of stream) read.push(...piece)
  t.same(read, [4, 4, 4])
  t.equal(await client.getStream('nobody'), undefined)
  const torn = (await client.getStream('film'))!
  await client.set('film', 'another')
  await t.rejects(new Response(torn.web()).arrayBuffer(), { code: 'VERSION_MISMATCH', retryable: true })
  const short = client.setStream('film', [new Uint8Array(3)], { size: 4 })
  await t.rejects(short, { code: 'CLIENT_SOURCE', inDoubt: false })
  t.equal(await client.text().get('film'), 'another')
  await client.delete('film')
}

async function scans(t: Test, { client }: Carried): Promise<void> {
  const written = ['a', 'a:', 'a:1', 'a:2', 'b', 'ba', '\u00ff']
  for (const key of written) await client.json().set(key, key)
  const keys = async (options: ScanOptions) => {
    const found: string[] = []
    for await (const { key, value } of client.scan(options)) {
      const text = new TextDecoder().decode(key)
      found.push(text)
      const shown = new TextDecoder().decode(value)
      if (shown !== (options.keysOnly ? '' : JSON.stringify(text))) t.fail(`${text} shows ${shown}`)
    }
    return found
  }
  t.same(await keys({}), written)
  t.same(await keys({ reverse: true, keysOnly: true }), written.toReversed())
  t.same(await keys({ prefix: 'a:' }), ['a:', 'a:1', 'a:2'])
  t.same(await keys({ prefix: 'a', gt: 'a:', lte: 'a:2' }), ['a:1', 'a:2'])
  t.same(await keys({ gte: 'a:', lt: 'b', reverse: true }), ['a:2', 'a:1', 'a:'])
  t.same(await keys({ limit: 0 }), [])
  for (const reverse of [false, true]) {
    const first = client.scan({ limit: 3, reverse })
    const found: string[] = []
    for await (const { key } of first) found.push(new TextDecoder().decode(key))
    const rest = await keys({ cursor: first.cursor!, reverse })
    t.same([...found, ...rest], reverse ? written.toReversed() : written)
  }
  for await (const _ of client.scan()) break
  for (const key of written) await client.delete(key)
  t.same(await keys({}), [])
}

async function more(t: Test, { client }: Carried): Promise<void> {
  t.equal(await client.increment('visits'), 1n)
  t.equal(await client.increment('visits', -43n), -42n)
  t.equal(await client.text().get('visits'), '-42')
  await client.set('word', '12 monkeys')
  const { version } = (await client.getEntry('word'))!
  await t.rejects(client.increment('word'), { code: 'NOT_A_NUMBER', version })
  await client.set('word', `${2n ** 63n - 1n}`)
  await t.rejects(client.increment('word'), { code: 'NOT_A_NUMBER' })
  t.equal(await client.touch('nobody'), false)
  const before = (await client.getEntry('word'))!.version!
  t.equal(await client.touch('word', { ttlMs: 60_000, ifVersion: before }), true)
  await t.rejects(client.touch('word', { ifVersion: before }), { code: 'VERSION_MISMATCH' })
  t.ok((await client.getEntry('word'))!.version! > before)
  const { versions } = await client.batch([
    { type: 'delete', key: 'word' },
    { type: 'set', key: 'word', value: '1', valueType: 'json' },
    { type: 'delete', key: 'visits' },
  ])
  t.equal(versions.length, 3)
  t.match(await client.getEntry('word'), { version: versions[1], type: 'json' })
  t.equal(await client.has('visits'), false)
  await client.delete('word')
}

async function mistakes(t: Test, { client }: Carried): Promise<void> {
  await t.rejects(client.get(''), { name: 'ClientError', code: 'KEY_MISSING' })
  await t.rejects(client.get('k'.repeat(65_536)), { code: 'KEY_LENGTH' })
  await t.rejects(client.set('key', 'x', { ttlMs: 0 }), { code: 'CLIENT_BAD_ARGUMENT' })
  await t.rejects(client.set('key', 'x', { ifVersion: 'x' }), { code: 'CLIENT_BAD_ARGUMENT' })
  await t.rejects(client.set('key', 7 as unknown as string), { code: 'CLIENT_BAD_ARGUMENT' })
  await t.rejects(client.json().set('key', undefined), { code: 'CLIENT_BAD_ARGUMENT' })
  const stopper = new AbortController()
  const reason = new Error('enough')
  const call = client.get('key', { signal: stopper.signal })
  stopper.abort(reason)
  await t.rejects(call, { code: 'CLIENT_ABORTED', cause: reason })
  await t.rejects(client.set('key', 'x', { signal: stopper.signal }), { code: 'CLIENT_ABORTED' })
  t.equal((await client.health())['status'], 'ok')
  const last = client.set('last', 'x')
  await client.close()
  await t.resolves(last, 'what was under way is waited for')
  await t.rejects(client.get('last'), { code: 'CLIENT_CLOSED', retryable: false })
}
