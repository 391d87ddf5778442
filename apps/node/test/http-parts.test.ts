/** The parts that HTTP is read and written with, each by itself. */
import t from 'tap'
import { wantsRaw } from '../src/http/accept.ts'
import { readRange } from '../src/http/byte-range.ts'
import { CrossOrigin } from '../src/http/cross-origin.ts'
import { matchesStrongly, matchesWeakly, parseEntityTags } from '../src/http/entity-tags.ts'
import { readQuery } from '../src/http/query.ts'
import { ReplyHead, varyOf } from '../src/http/reply-head.ts'
import { ask, RawHttp } from './support/http-client.ts'
import { startServer } from './support/server.ts'

t.test('entity tags', async (t) => {
  t.equal(parseEntityTags(' * '), '*')
  t.same(parseEntityTags('"a", W/"b,c" ,,\t"" ,'), [
    { isWeak: false, opaque: 'a' },
    { isWeak: true, opaque: 'b,c' },
    { isWeak: false, opaque: '' },
  ])
  for (const wrong of [
    '',
    ',',
    'a',
    '"a',
    'a"',
    '"a""b"',
    '"a" "b"',
    '* ,"a"',
    'W/a',
    'w/"a"',
    '"a b"',
    '"\x7f"',
  ]) {
    t.equal(parseEntityTags(wrong), null, `<${wrong}>`)
  }
  const tags = parseEntityTags('W/"w", "s"')!
  t.same(
    ['w', 's', 'x', ''].map((version) => matchesStrongly(tags, version)),
    [false, true, false, false],
  )
  t.same(
    ['w', 's', 'x', ''].map((version) => matchesWeakly(tags, version)),
    [true, true, false, false],
  )
  t.same([matchesWeakly('*', 'v'), matchesWeakly('*', ''), matchesStrongly('*', '')], [true, false, false])
})

t.test('ranges of all sizes are what a slice says', async (t) => {
  for (let size = 0; size <= 4; size++) {
    const all = [...Array(size).keys()]
    for (let first = 0; first <= 5; first++) {
      for (let last = 0; last <= 5; last++) {
        const range = readRange(`bytes=${first}-${last}`, size)
        const bytes = all.slice(first, last + 1)
        const expected = last < first ? null : bytes.length === 0 ? 'unsatisfiable' : bytes
        const found = range === null || range === 'unsatisfiable' ? range : all.slice(range.start, range.end)
        t.same(found, expected, `${first}-${last} of ${size}`)
      }
      const suffix = readRange(`bytes=-${first}`, size)
      const expected =
        first === 0 || size === 0 ? 'unsatisfiable' : { start: Math.max(0, size - first), end: size }
      t.same(suffix, expected, `-${first} of ${size}`)
    }
  }
})

t.test('Accept that goes on for ever is read in no time', async (t) => {
  const started = performance.now()
  wantsRaw('application/octet-stream;q=,'.repeat(9000))
  parseEntityTags('"a",'.repeat(60_000))
  parseEntityTags(`${' ,\t'.repeat(80_000)}x`)
  readRange(`bytes=${'1'.repeat(200_000)}-`, 5)
  t.ok(performance.now() - started < 1000)
})

t.test('queries', async (t) => {
  const query = readQuery('a=1&b=%00+%ff&', ['a', 'b', 'c'])
  t.same([query.a?.toString('hex'), query.b?.toString('hex'), query.c], ['31', '002bff', undefined])
  for (const wrong of ['a=1&a=', 'd=1', 'a=%', 'a=%1', 'a=%gg', '__proto__=1', '=1', 'A=1']) {
    t.throws(() => readQuery(wrong, ['a', 'b']), { name: 'BadHeader' }, wrong)
  }
})

t.test('origins', async (t) => {
  const none = new CrossOrigin(null)
  t.notOk(none.refuses({ host: 'a' }), 'no page at all')
  t.notOk(none.refuses({ origin: 'http://a:1', host: 'A:1' }))
  t.ok(none.refuses({ origin: 'http://a:1', host: 'a' }))
  t.ok(none.refuses({ origin: 'http://a' }))
  t.ok(none.refuses({ origin: 'file://', host: '' }))
  t.notOk(new CrossOrigin(new Set(['*'])).refuses({ origin: 'null', host: 'a' }))
  t.same(
    [varyOf(true, false), varyOf(false, false), varyOf(true, true), varyOf(false, true)],
    ['Accept', '', 'Accept, Origin', 'Origin'],
  )
})

t.test('a head is written as node:http writes it', async (t) => {
  const server = await startServer(t)
  await ask(server, 'PUT', '/k', '{"value":1}', { 'Minivault-TTL': '600000' })
  const octets = 'Accept: application/octet-stream\r\n'
  for (const [request, more] of [
    ['GET /k', ''],
    ['GET /k', octets],
    ['HEAD /k', ''],
    ['GET /nothing', ''],
    ['DELETE /nothing', ''],
    ['POST /k', 'Content-Length: 0\r\n'],
    ['GET /k', 'Connection: close\r\n'],
    // With a header nobody knows, the request is not a plain one.
    ['GET /k', 'X-Anything: x\r\n'],
    ['GET /nothing', 'X-Anything: x\r\n'],
  ]) {
    const raw = new RawHttp(server.port)
    raw.send(`${request} HTTP/1.1\r\nHost: x\r\n${more}\r\n`)
    await raw.replies(1)
    const text = raw.text.slice(0, raw.text.indexOf('\r\n\r\n') + 4)
    const line = (name: string) => new RegExp(`^${name}: (.*)\r$`, 'm').exec(text)?.[1]
    const head = new ReplyHead()
    head.status = raw.statuses[0]!
    head.contentType = line('Content-Type') ?? ''
    head.contentLength = Number(line('Content-Length') ?? -1)
    head.version = line('Minivault-Version') ?? ''
    head.ttlMs = Number(line('Minivault-TTL') ?? -1)
    head.vary = line('Vary') ?? ''
    head.hasRanges = line('Accept-Ranges') !== undefined
    t.equal(text, head.text(line('Date')!, line('Connection') === 'close'), `${request} ${more}`)
    raw.close()
  }
})
