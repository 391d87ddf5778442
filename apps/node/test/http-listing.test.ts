/** Pages of keys over HTTP, compared with what was written. */
import t from 'tap'
import { BinaryClient, set } from './support/binary-client.ts'
import { ask, refusal } from './support/http-client.ts'
import { startServer } from './support/server.ts'

interface Entry {
  key: string
  encoding?: string
  version: string
  size?: number
  expiresAt?: number
  value?: unknown
  valueEncoding?: string
}

const percent = (bytes: Buffer) => [...bytes].map((byte) => `%${byte.toString(16).padStart(2, '0')}`).join('')
const bytesOf = ({ key, encoding }: Entry) => Buffer.from(key, encoding === 'base64' ? 'base64' : 'utf8')

t.test('against a node', async (t) => {
  const server = await startServer(t, ['-durability', 'os'])
  const page = async (query: string) => {
    const answer = await ask(server, 'GET', `/-/keys${query}`)
    t.match(answer, { status: 200, headers: { 'content-type': 'application/json' } }, query)
    t.equal(Number(answer.headers['content-length']), answer.bytes.length)
    return JSON.parse(answer.body) as { success: true; keys: Entry[]; cursor: string | null }
  }
  const names = async (query: string) => (await page(query)).keys.map(({ key }) => key)
  const all = async (query: string) => {
    const found: Entry[] = []
    for (let cursor = ''; ; ) {
      const { keys, cursor: next } = await page(`${query}${cursor && `&cursor=${cursor}`}`)
      found.push(...keys)
      if (next === null) return found
      cursor = next
    }
  }

  await t.test('nothing', async (t) => {
    t.equal((await ask(server, 'GET', '/-/keys')).body, '{"success":true,"keys":[],"cursor":null}')
    t.match(await ask(server, 'HEAD', '/-/keys'), {
      status: 200,
      body: '',
      headers: { 'content-length': '40' },
    })
  })

  const keys = ['a', 'a+b', 'a/b', 'ab', 'b&c=d', 'b%', 'health', 'key "quoted"\\', '\u{1f600}', 'é']
  const raw = [Buffer.from([0xff, 0]), Buffer.from([0]), Buffer.from([0xed, 0xa0, 0x80])]
  const sorted = [...keys.map((key) => Buffer.from(key)), ...raw].sort(Buffer.compare)
  for (const key of sorted) await ask(server, 'PUT', `/${percent(key)}`, '{"value":1}')

  await t.test('each key once, in the order of its bytes', async (t) => {
    for (const limit of [1, 2, 5, 13, 10_000]) {
      const found = (await all(`?limit=${limit}`)).map((entry) => bytesOf(entry).toString('hex'))
      t.same(
        found,
        sorted.map((key) => key.toString('hex')),
        `${limit} a page`,
      )
      const reversed = (await all(`?limit=${limit}&reverse=true`)).map((entry) =>
        bytesOf(entry).toString('hex'),
      )
      t.same(reversed.reverse(), found, `${limit} a page, reversed`)
    }
    const version = (await ask(server, 'HEAD', '/a')).headers['minivault-version']
    const head = { key: 'a', version }
    t.same((await page('?prefix=a&limit=1')).keys, [head], 'without values no more is said')
  })

  await t.test('bounds, as bytes', async (t) => {
    t.same(await names('?prefix=a'), ['a', 'a+b', 'a/b', 'ab'])
    t.same(await names('?prefix=a+'), ['a+b'], 'a plus is a plus')
    t.same(await names('?prefix=b%26c%3d'), ['b&c=d'])
    t.same(await names('?prefix=b&prefix'.slice(0, 9)), ['b%', 'b&c=d'])
    t.same(await names('?prefix=b%25'), ['b%'])
    t.same(await names('?prefix=%c3'), ['é'])
    t.same(await names('?from=a%2fb&to=b'), ['a/b', 'ab'], 'without its end')
    t.same(await names('?from=a%2fb&to=b&reverse=true'), ['ab', 'a/b'])
    t.same(await names('?prefix=a&from=ab'), ['ab'])
    t.same(await names('?from=b&to=a'), [])
    t.same(await names('?prefix=&from=&to=&cursor=&limit=2&'), [Buffer.from([0]).toString(), 'a'])
  })

  await t.test('values', async (t) => {
    const client = new BinaryClient(server.port)
    const bytes = Buffer.from([0xff, 0, 1])
    await client.send(
      set('v/bytes', bytes),
      set('v/text', 'say "x"'),
      set('v/json', '{"a": [1]}'),
      set('v/empty', ''),
    )
    await ask(server, 'PUT', '/v/number', '{"value":12345678901234567890}', { 'Minivault-TTL': '60000' })
    const large = { 'Content-Type': 'application/octet-stream' }
    await ask(server, 'PUT', '/v/large', Buffer.alloc(600_000), large)
    await client.send(set('v/middle', Buffer.alloc(400_000, 'm')), set('v/control', Buffer.alloc(300_000, 1)))
    client.close()
    const answer = await ask(server, 'GET', '/-/keys?prefix=v/&values=true')
    t.match(answer.body, '"value":12345678901234567890', 'to the last digit')
    t.match(answer.body, '"value":{"a": [1]}', 'as it is')
    const found = new Map((await all('?prefix=v/&values=true')).map((entry) => [entry.key, entry]))
    t.match(found.get('v/bytes'), { size: 3, value: bytes.toString('base64'), valueEncoding: 'base64' })
    t.match(found.get('v/text'), { size: 7, value: 'say "x"' })
    t.match(found.get('v/empty'), { size: 0, value: '' })
    t.match(found.get('v/middle'), { size: 400_000, value: 'm'.repeat(400_000) })
    t.equal(found.get('v/large')!.size, 600_000)
    t.notOk('value' in found.get('v/large')!, 'has a file of its own')
    t.equal(found.get('v/control')!.size, 300_000)
    t.notOk('value' in found.get('v/control')!, 'does not fit a page as JSON')
    const left = found.get('v/number')!.expiresAt! - Date.now()
    t.ok(left > 0 && left <= 60_000, 'ends')
    t.notOk('expiresAt' in found.get('v/text')!)
    const plain = (await all('?prefix=v/')).find(({ key }) => key === 'v/number')!
    t.match(plain, { expiresAt: Number }, 'without values, too')
  })

  await t.test('pages have at most a megabyte', async (t) => {
    const client = new BinaryClient(server.port)
    for (let index = 0; index < 30; index++)
      await client.one(set(`p/${index + 10}`, Buffer.alloc(100_000, 'p')))
    client.close()
    const { keys: first, cursor } = await page('?prefix=p/&values=true')
    t.ok(first.length >= 9 && first.length <= 10, `${first.length} entries`)
    t.type(cursor, 'string')
    const entries = await all('?prefix=p/&values=true')
    t.same(
      entries.map(({ key }) => key),
      Array.from({ length: 30 }, (_, index) => `p/${index + 10}`),
    )
  })

  await t.test('what cannot be asked', async (t) => {
    const { cursor } = await page('?limit=1')
    const wrong = [
      '?limit=0',
      '?limit=10001',
      '?limit=x',
      '?limit=-1',
      '?limit=1.5',
      '?limit=1&limit=2',
      '?x=1',
    ]
    wrong.push(
      '?reverse=yes',
      '?values=1',
      '?values',
      '?prefix=%',
      '?prefix=%zz',
      '?cursor=nonsense',
      '?Prefix=a',
    )
    wrong.push(
      `?cursor=${cursor}&reverse=true`,
      `?cursor=${cursor!.slice(1)}`,
      '?__proto__=1',
      '?=1',
      '?prefix=a;b=1&c',
    )
    for (const query of wrong.filter((query) => query !== '?values')) {
      refusal(t, await ask(server, 'GET', `/-/keys${query}`), 400, 'BAD_REQUEST', query)
    }
    for (const method of ['PUT', 'POST', 'DELETE']) {
      const answer = await ask(server, method, '/-/keys', '{"value":1}')
      refusal(t, answer, 405, 'METHOD_NOT_ALLOWED')
      t.equal(answer.headers.allow, 'GET, HEAD')
    }
    refusal(t, await ask(server, 'GET', '/-/keys/'), 404, 'NOT_FOUND')
    t.equal((await ask(server, 'PUT', '/%2d/keys', '{"value":1}')).status, 200, 'a key of this name')
  })
})

t.test('who may read may list', async (t) => {
  const key = { Authorization: 'Bearer secretkey' }
  const all = await startServer(t, ['-auth', 'secretkey', '-authmode', 'all'])
  refusal(t, await ask(all, 'GET', '/-/keys'), 401, 'UNAUTHORIZED')
  t.equal((await ask(all, 'GET', '/-/keys', undefined, key)).status, 200)
  const writes = await startServer(t, ['-auth', 'secretkey', '-authmode', 'writes'])
  t.equal((await ask(writes, 'GET', '/-/keys')).status, 200)
})
