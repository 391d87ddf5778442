/**
 * What must not be understood in two ways: lengths, codings, lines, chunks, request lines. Each case goes to
 * a connection of its own, by way of the lane for plain requests and without it; none of them may smuggle a
 * request in, and nothing of a refused one is done.
 */
import diagnostics from 'node:diagnostics_channel'
import t from 'tap'
import type { KeyValue } from '../src/key-value.ts'
import { HTTP_HEAD_SLICE_BYTES, HTTP_PIPELINE_MAX } from '../src/limits.ts'
import { startNode } from '../src/node.ts'
import { ask, RawHttp, refusal, until } from './support/http-client.ts'
import { LateKeyValue } from './support/late-key-value.ts'
import { temporaryFolder } from './support/server.ts'

const BODY = '{"value":1}'
const SMUGGLED = `PUT /smuggled HTTP/1.1\r\nHost: x\r\nContent-Length: 11\r\n\r\n${BODY}`
const LENGTH = 'Content-Length: 11\r\n'
const CHUNKED = 'Transfer-Encoding: chunked\r\n'
const put = (lines: string, body = BODY) => `PUT /k HTTP/1.1\r\nHost: x\r\n${lines}\r\n${body}`
const chunk = (text: string, size = '\r\n') => put(CHUNKED, `${text}${size}${BODY}\r\n0\r\n\r\n`)
const get = (line: string) => `${line}\r\nHost: x\r\n\r\n`

type Case = [about: string, bytes: string]

/** 400, and the end. */
const REFUSED: readonly Case[] = [
  ['a length and a coding', put(`Content-Length: 5\r\n${CHUNKED}`, `0\r\n\r\n${SMUGGLED}`)],
  ['a coding and a length', put(`${CHUNKED}Content-Length: 5\r\n`, `0\r\n\r\n${SMUGGLED}`)],
  ['an empty coding and a length', put('Content-Length: 0\r\nTransfer-Encoding:\r\n', SMUGGLED)],
  ['two lengths', put(`${LENGTH}Content-Length: 0\r\n`, SMUGGLED)],
  ['two equal lengths', put(LENGTH + LENGTH)],
  ['a list of lengths', put('Content-Length: 11, 11\r\n')],
  ['a length with a sign', put('Content-Length: +11\r\n')],
  ['a length below zero', put('Content-Length: -11\r\n')],
  ['a length in hex', put('Content-Length: 0xb\r\n')],
  ['no length in its line', put('Content-Length: \r\n', SMUGGLED)],
  ['a length in two words', put('Content-Length: 1 1\r\n')],
  ['a length beyond all numbers', put(`Content-Length: ${'9'.repeat(30)}\r\n`)],
  ['a length with a vertical tab', put('Content-Length: \x0b11\r\n')],
  ['chunked, but not last', put('Transfer-Encoding: chunked, gzip\r\n', SMUGGLED)],
  ['chunked twice', put(CHUNKED + CHUNKED, `0\r\n\r\n${SMUGGLED}`)],
  ['chunked twice in a line', put('Transfer-Encoding: chunked, chunked\r\n', `0\r\n\r\n${SMUGGLED}`)],
  ['a space before the colon', put('Transfer-Encoding : chunked\r\n', `0\r\n\r\n${SMUGGLED}`)],
  ['a control before the coding', put('Transfer-Encoding: \x0bchunked\r\n', `0\r\n\r\n${SMUGGLED}`)],
  ['a coding of HTTP/1.0', put(CHUNKED, `0\r\n\r\n${SMUGGLED}`).replace('1.1', '1.0')],
  ['a folded line', put(`X: a\r\n b\r\n${LENGTH}`)],
  ['a folded length', put('Content-Length:\r\n 11\r\n')],
  ['a folded coding', put('Transfer-Encoding:\r\n chunked\r\n', `0\r\n\r\n${SMUGGLED}`)],
  ['bare LF all over', `PUT /k HTTP/1.1\nHost: x\nContent-Length: 11\n\n${BODY}`],
  ['one bare LF', put(`X: a\n${LENGTH}`)],
  ['one bare CR', put(`X: a\r${LENGTH}`)],
  ['a bare LF for the empty line', `PUT /k HTTP/1.1\r\nHost: x\r\n${LENGTH}\n${BODY}`],
  ['a zero byte in a value', put(`X: a\0b\r\n${LENGTH}`)],
  ['a line without a colon', put(`Xab\r\n${LENGTH}`)],
  ['a header without a name', put(`: x\r\n${LENGTH}`)],
  ['a space before the first header', `PUT /k HTTP/1.1\r\n Host: x\r\n${LENGTH}\r\n${BODY}`],
  ['a control in a name', put(`X\x01: a\r\n${LENGTH}`)],
  ['a byte above ASCII in a name', put(`X\xe9: a\r\n${LENGTH}`)],
  ['a space behind a chunk size', chunk('b ')],
  ['a chunk size with 0x', chunk('0xb')],
  ['a chunk size below zero', chunk('-b')],
  ['a chunk size beyond all numbers', chunk('ffffffffffffffffb')],
  ['a chunk size and bare LF', chunk('b', '\n')],
  ['a chunk extension and bare LF', chunk('b;a', '\n')],
  ['no chunk size', chunk('')],
  ['a chunk longer than its size', chunk('5')],
  ['a chunk shorter than its size', chunk('c')],
  ['bare LF behind a chunk', put(CHUNKED, `b\r\n${BODY}\n0\r\n\r\n`)],
  ['nothing behind a chunk', put(CHUNKED, `b\r\n${BODY}0\r\n\r\n`)],
  ['a length in the trailer', put(CHUNKED, `b\r\n${BODY}\r\n0\r\nContent-Length: 5\r\n\r\n`)],
  ['a coding in the trailer', put(CHUNKED, `b\r\n${BODY}\r\n0\r\n${CHUNKED}\r\n`)],
  ['no Host', 'GET /there HTTP/1.1\r\n\r\n'],
  ['two Hosts', 'GET /there HTTP/1.1\r\nHost: x\r\nhOST: y\r\n\r\n'],
  ['no version', 'GET /there\r\n\r\n'],
  ['a version of the future', get('GET /there HTTP/1.2')],
  ['the preface of HTTP/2', 'PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n'],
  ['a method nobody knows', get('FOO /there HTTP/1.1')],
  ['a space in the target', get('GET /the re HTTP/1.1')],
  ['a byte above ASCII in the target', get('GET /there\xe9 HTTP/1.1')],
  ['a zero byte in the target', get('GET /there\0 HTTP/1.1')],
  ['a target without a slash', get('GET there HTTP/1.1')],
  ['no request at all', 'XYZ\0\x01\x02\r\n\r\n'],
]

/** Other answers; the number is the status. */
const ANSWERED: readonly [status: number, ...Case][] = [
  [501, 'a coding behind chunked', put('Transfer-Encoding: gzip, chunked\r\n', `b\r\n${BODY}\r\n0\r\n\r\n`)],
  [501, 'a coding that is none', put('Transfer-Encoding: identity\r\n', SMUGGLED)],
  [501, 'a coding in quotes', put('Transfer-Encoding: "chunked"\r\n', `0\r\n\r\n${SMUGGLED}`)],
  [501, 'nearly chunked', put('Transfer-Encoding: xchunked\r\n', `0\r\n\r\n${SMUGGLED}`)],
  [505, 'HTTP/2 without a preface', get('GET /there HTTP/2.0')],
  [405, 'a tunnel', get('CONNECT x:80 HTTP/1.1')],
  [431, 'too many lines', `GET /there HTTP/1.1\r\nHost: x\r\n${'X: y\r\n'.repeat(256)}\r\n`],
  [431, 'very many lines', `GET /there HTTP/1.1\r\nHost: x\r\n${'X: y\r\n'.repeat(20_000)}\r\n`],
  [431, 'a line too long', `GET /there HTTP/1.1\r\nHost: x\r\nX: ${'y'.repeat(270_000)}\r\n\r\n`],
  [431, 'a target too long', get(`GET /${'y'.repeat(270_000)} HTTP/1.1`)],
]

/** Unusual, and understood in one way only; the statuses of all replies, the connection kept. */
const TAKEN: readonly [statuses: number[], ...Case][] = [
  [[200], 'chunked in another case', put('transfer-ENCODING: ChunKed\r\n', `b\r\n${BODY}\r\n0\r\n\r\n`)],
  [[200], 'a chunk extension', chunk('b;a=b')],
  [[200], 'zeros before a chunk size', chunk('0000000000000000b')],
  [[200], 'a trailer', put(CHUNKED, `b\r\n${BODY}\r\n0\r\nX-Trailer: 1\r\n\r\n`)],
  [
    [200, 200],
    'a body of a GET',
    `GET /there HTTP/1.1\r\nHost: x\r\n${LENGTH}\r\n${BODY}${get('GET /there HTTP/1.1')}`,
  ],
  [[200], '256 lines', `GET /there HTTP/1.1\r\nHost: x\r\n${'X: y\r\n'.repeat(255)}\r\n`],
  [[200], 'the target of a proxy', get('GET http://other/there HTTP/1.1')],
  [[400], 'an asterisk', get('GET * HTTP/1.1')],
  [[405], 'TRACE', get('TRACE /there HTTP/1.1')],
  [[405, 200], 'PATCH', `PATCH /k HTTP/1.1\r\nHost: x\r\n${LENGTH}\r\n${BODY}${get('GET /there HTTP/1.1')}`],
]

for (const plainHttp of [true, false]) {
  t.test(`by way of the lane for plain requests: ${plainHttp}`, async (t) => {
    const options = { port: 0, host: '127.0.0.1', directory: temporaryFolder(t), durability: 0 } as const
    const node = await startNode({ ...options, plainHttp })
    t.teardown(() => node.close())
    const { port } = node
    await ask({ port }, 'PUT', '/there', '{"value":"there"}')

    const last = async (bytes: string) => {
      const raw = new RawHttp(port)
      raw.send(bytes)
      await raw.ended()
      raw.close()
      return raw
    }

    await t.test('refused, and the end', async (t) => {
      for (const [about, bytes] of REFUSED) {
        const { text, statuses } = await last(bytes)
        t.same(statuses, [400], about)
        const body = JSON.parse(text.slice(text.indexOf('\r\n\r\n') + 4))
        t.match(body, { success: false, error: String, code: 'BAD_REQUEST' }, about)
        t.match(text, /Connection: close\r\n/, about)
      }
      for (const [status, about, bytes] of ANSWERED) {
        const { text, statuses } = await last(bytes)
        t.same(statuses, [status], about)
        t.match(text, /"success":false/, about)
      }
    })

    await t.test('the replies that are due come first', async (t) => {
      for (const [about, bytes] of REFUSED.filter(([, bytes]) => !bytes.startsWith('PRI'))) {
        const raw = new RawHttp(port)
        raw.send(get('GET /there HTTP/1.1') + get('HEAD /there HTTP/1.1') + bytes)
        await raw.ended()
        t.same(raw.statuses, [200, 200, 400], about)
        raw.close()
      }
    })

    await t.test('unusual, and taken', async (t) => {
      for (const [statuses, about, bytes] of TAKEN) {
        const raw = new RawHttp(port)
        raw.send(bytes)
        t.same(await raw.replies(statuses.length), statuses, about)
        raw.send(get('GET /there HTTP/1.1'))
        t.same(await raw.replies(statuses.length + 1), [...statuses, 200], `${about}: the connection goes on`)
        raw.close()
      }
      const upgrade = get('GET /there HTTP/1.1\r\nConnection: Upgrade\r\nUpgrade: websocket')
      t.same((await last(upgrade)).statuses, [200], 'an upgrade that is not wanted, and the end')
      t.same((await last('GET /there HTTP/1.0\r\n\r\n')).statuses, [200], 'HTTP/1.0, and its end')
      const longer = new RawHttp(port)
      longer.send(put(LENGTH, `${BODY}more`))
      await longer.ended()
      t.same(longer.statuses, [200, 400], 'what is behind a body is no request')
      longer.close()
    })

    await t.test('in pieces as in one', async (t) => {
      for (const [about, bytes] of REFUSED.filter(([, bytes]) => bytes.length < 200)) {
        const raw = new RawHttp(port)
        raw.socket.setNoDelay(true)
        for (let at = 0; at < bytes.length && !raw.isClosed; at += 7) {
          raw.send(bytes.slice(at, at + 7))
          await new Promise((resolve) => setImmediate(resolve))
        }
        await raw.ended()
        t.same(raw.statuses, [400], about)
        raw.close()
      }
    })

    await t.test('nothing was done, and others are served', async (t) => {
      refusal(t, await ask({ port }, 'GET', '/smuggled'), 404, 'KEY_NOT_FOUND')
      t.equal((await ask({ port }, 'GET', '/there')).body, '{"success":true,"data":"there"}')
    })

    await t.test('too many requests at once end the connection', async (t) => {
      const raw = new RawHttp(port)
      raw.send(get('GET /there HTTP/1.1\r\nX: y').repeat(2000))
      await until(() => raw.isClosed || raw.statuses.length === 2000)
      t.ok(raw.statuses.every((status) => status === 200))
      raw.close()
    })
  })
}

t.test('a flood of requests makes no flood of objects', async (t) => {
  let late: LateKeyValue | null = null
  const wrapKeyValue = (inner: KeyValue) => (late = new LateKeyValue(inner, false))
  const options = { port: 0, host: '127.0.0.1', directory: temporaryFolder(t), durability: 0 } as const
  const node = await startNode({ ...options, plainHttp: false, wrapKeyValue })
  t.teardown(() => node.close())
  let parsed = 0
  const onParsed = () => {
    parsed += 1
  }
  const channel = 'http.server.request.start'
  diagnostics.subscribe(channel, onParsed)
  t.teardown(() => diagnostics.unsubscribe(channel, onParsed))

  const raw = new RawHttp(node.port)
  const request = get('GET /there HTTP/1.1')
  const count = 5000
  raw.send(request.repeat(count))
  await until(() => late!.waiting === 1 && parsed >= HTTP_PIPELINE_MAX)
  for (let turn = 0; turn < 100; turn++) await new Promise(setImmediate)
  t.equal(late!.waiting, 1, 'one after another')
  t.ok(parsed <= HTTP_PIPELINE_MAX + HTTP_HEAD_SLICE_BYTES / request.length, `${parsed} were made`)
  late!.go()
  await raw.replies(count)
  t.equal(raw.statuses.filter((status) => status === 404).length, count, 'and all are answered')
  raw.close()
})
