/**
 * Streams of HTTP requests to try two readers with: what clients really send, and what somebody would send
 * who hopes that two readers take it in two ways. A stream is a list of pieces, each meant to be one request.
 */
import fc from 'fast-check'

const KEYS = ['a', 'b', 'key', 'a/b', '/a', 'x:y@z', "~!$&'()*+,;=-._", 'healthy', '-', '-a/']
const ODD_TARGETS = [
  '/',
  '/health',
  '/health/',
  '/-/livez',
  '/-/readyz',
  '/-/a',
  '/-/keys?prefix=nothing',
  '/a?x=1',
  '/a#b',
  '/a%20b',
  '/%61',
  '/%2',
  '/%00',
  '/a\\b',
  '/a b',
  '/a\tb',
  '/ä',
  '/a"b',
  '/a|b',
  '/a[b]',
  '/a^`{}',
  '/a<b>',
  '/a/../b',
  '//',
  '*',
  'a',
  'http://h/a',
  'HTTP://h:1/b?c',
  'h:443',
  '/a\0',
  '/a\x7f',
  '/a\x80',
]
/** Each set as one client sends it. */
const CLIENTS: readonly (readonly string[])[] = [
  ['Host: h'],
  ['Host: 127.0.0.1:3000', 'User-Agent: curl/8.5.0', 'Accept: */*'],
  [
    'host: localhost:3000',
    'connection: keep-alive',
    'accept: */*',
    'accept-language: *',
    'sec-fetch-mode: cors',
    'user-agent: node',
    'accept-encoding: gzip, deflate',
  ],
  ['Host: h', 'User-Agent: Go-http-client/1.1', 'Accept-Encoding: gzip'],
  ['Host: h', 'Accept-Encoding: identity', 'User-Agent: Python-urllib/3.11'],
  ['Host: [::1]:3000', 'Accept: application/octet-stream', 'traceparent: 00-4bf92f-00f067-01'],
  ['Host: h', 'Accept: application/json', 'Authorization: Bearer secret'],
]
/** One of these makes a request one that is not plain, or not good at all. */
const ODD_LINES = [
  'Host: again',
  'host:x',
  'Host : h',
  ' Host: h',
  'Accept : */*',
  'Accept: text/html, application/octet-stream;q=0.1',
  'Accept: application/octet-stream',
  'Accept:*/*',
  'Accept: ',
  'Accept:  */*  ',
  'Connection: close',
  'Connection: keep-alive, x',
  'Connection: upgrade',
  'Upgrade: h2c',
  'Content-Length: 0',
  'Content-Length: 3',
  'Content-Length: 19',
  'Content-Length: +19',
  'Content-Length: 019',
  'Content-Length:  19',
  'Content-Length: 19 ',
  'Content-Length: 1 9',
  'Content-Length: 19, 19',
  'Content-Length: 19,20',
  'Content-Length: 0x13',
  'Content-Length: -1',
  'Content-Length: 99999999999999999999',
  'Content-Length : 19',
  'Content_Length: 19',
  'Content-Length: 1\x0b9',
  'Transfer-Encoding: chunked',
  'transfer-encoding: Chunked',
  'Transfer-Encoding: identity',
  'Transfer-Encoding: gzip, chunked',
  'Transfer-Encoding: chunked, identity',
  'Transfer-Encoding : chunked',
  'Transfer-Encoding:\tchunked',
  'Transfer-Encoding: \x0bchunked',
  'Transfer-Encoding: xchunked',
  'X: y\nTransfer-Encoding: chunked',
  'X: y\rTransfer-Encoding: chunked',
  'X: y\r\n Transfer-Encoding: chunked',
  'User-Agent: a\r\n\tb',
  'User-Agent: a\tb',
  'User-Agent: \0',
  'User-Agent: ä',
  'User-Agent:',
  'User-Agent',
  'User\rAgent: a',
  ': x',
  'Trailer: X',
  'TE: trailers',
  'Expect: 100-continue',
  'Expect: nothing',
  'Content-Encoding: gzip',
  'Content-Type: application/octet-stream',
  'Content-Type: text/plain',
  'Origin: http://foreign',
  'Origin: http://h',
  'Range: bytes=0-1',
  'If-None-Match: *',
  'If-Match: "000000000000000000000001"',
  'If-Match: x',
  'Minivault-TTL: 100000000',
  'Minivault-TTL: x',
  'Minivault-Durability: memory',
  'Minivault-Consistency: all',
  'Keep-Alive: timeout=5',
  'Authorization: Bearer wrong',
  'Authorization: bearer secret',
  'Authorization: Bearer  secret',
  'Authorization: Basic c2VjcmV0',
]
const BODIES = [
  '{"value":1}',
  '{"value": "text with \\u00e4 and ä"}',
  '{"value":{"a":[1,2,{"b":null}]}, "other": true}',
  '{"value":"raw\ttab\nline"}',
  '{"value":12345678901234567890}',
  '{"wert":1}',
  '{"value":1',
  '[1]',
  'nothing',
  '{"value":"\xff"}',
  `{"value":"${'x'.repeat(1000)}"}`,
  `{"value":"${'y'.repeat(60_000)}"}`,
  'GET /a HTTP/1.1\r\nHost: h\r\n\r\n',
  '0\r\n\r\n',
  '5\r\n{"val\r\n6\r\nue":1}\r\n0\r\n\r\n',
]

const among = <T>(values: readonly T[]) => fc.constantFrom(...values)

const target = fc.oneof({ weight: 5, arbitrary: among(KEYS).map((key) => `/${key}`) }, among(ODD_TARGETS))
const method = fc.oneof(
  { weight: 12, arbitrary: among(['GET', 'GET', 'PUT', 'POST', 'DELETE']) },
  among(['HEAD', 'OPTIONS', 'get', 'Put', 'PATCH', 'CONNECT', 'G', 'GETT', 'TRACE', 'PRI']),
)
const version = fc.oneof(
  { weight: 20, arbitrary: fc.constant('HTTP/1.1') },
  among(['HTTP/1.0', 'HTTP/2.0', 'http/1.1', 'HTTP/1.1 ', 'HTTP/1.', 'HTTP/11', '']),
)
const end = fc.oneof({ weight: 20, arbitrary: fc.constant('\r\n') }, among(['\n', '\r', '\r\r\n', '\n\r']))

interface Shape {
  method: string
  target: string
  version: string
  client: readonly string[]
  contentType: string | null
  odd: string[]
  oddAt: number
  body: string
  end: string
}

function write({ method, target, version, client, contentType, odd, oddAt, body, end }: Shape): string {
  const lines = [...client]
  const isWrite = method === 'PUT' || method === 'POST'
  if (isWrite && contentType !== null) lines.push(`Content-Type: ${contentType}`)
  if (isWrite) lines.push(`Content-Length: ${Buffer.byteLength(body, 'latin1')}`)
  lines.splice(oddAt % (lines.length + 1), odd.length === 2 ? 1 : 0, ...odd)
  const head = [`${method} ${target} ${version}`, ...lines, ''].map((line) => line + end).join('')
  return isWrite ? head + body : head
}

/** A request as clients send it, or with a word or line of it that is odd. */
const meant = fc
  .record<Shape>({
    method,
    target,
    version,
    client: among(CLIENTS),
    contentType: among([
      null,
      'application/json',
      'application/x-www-form-urlencoded',
      'application/octet-stream',
    ]),
    odd: fc.oneof(
      { weight: 2, arbitrary: fc.constant<string[]>([]) },
      fc.array(among(ODD_LINES), { minLength: 1, maxLength: 2 }),
    ),
    oddAt: fc.nat(10),
    body: among(BODIES),
    end,
  })
  .map(write)

/** A byte somewhere in it is another, is gone or comes twice. */
const mutated = fc
  .record({
    text: meant,
    at: fc.nat(),
    how: fc.nat(2),
    byte: fc.oneof(
      among([...'\r\n\t\0 :/,;+0%#?\x7f\x80']),
      fc.nat(255).map((code) => String.fromCharCode(code)),
    ),
  })
  .map(({ text, at, how, byte }) => {
    // Most bodies are long: the head is what matters.
    const place = at % Math.min(text.length, 300)
    const kept = how === 0 ? place : place + 1
    return how === 2
      ? text.slice(0, place) + text.slice(kept)
      : text.slice(0, place) + byte + text.slice(kept)
  })

/** Plain by all that is known. */
const plain = fc
  .record<Shape>({
    method: among(['GET', 'GET', 'PUT', 'POST', 'DELETE']),
    target: among(KEYS).map((key) => `/${key}`),
    version: fc.constant('HTTP/1.1'),
    client: among(CLIENTS),
    contentType: among([null, 'application/json', 'application/octet-stream']),
    odd: fc.constant([]),
    oddAt: fc.constant(0),
    body: among(BODIES),
    end: fc.constant('\r\n'),
  })
  .map(write)

export const piece = fc
  .oneof({ weight: 6, arbitrary: plain }, { weight: 3, arbitrary: meant }, { weight: 2, arbitrary: mutated })
  .map((text) => Buffer.from(text, 'latin1'))
export const stream = fc.array(piece, { minLength: 1, maxLength: 6 })
export const KEYS_WRITTEN = KEYS
