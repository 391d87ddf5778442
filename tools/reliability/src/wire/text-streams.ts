/**
 * Streams of HTTP and RESP that are nearly right: requests as a good client sends them, changed in up to
 * three places where such a protocol can be misread: its numbers, its line ends, its lengths. All of it
 * follows from the random numbers of a seed.
 */
import type { MutatedStream } from './mutated-streams.ts'
import type { TextForm } from './requests.ts'
import { httpRequest, respCommand } from './text-requests.ts'

const MESSAGES_MAX = 6
const MUTATIONS_MAX = 3
const SIZES = 4
const PIECES = 24
const KEYS = ['a', 'b', 'n', 'some/longer%20key', 'never%20there']

export interface Drawn {
  integer(below: number): number
  one<T>(of: readonly T[]): T
}

export function drawnFrom(random: () => number): Drawn {
  const integer = (below: number) => Math.floor(random() * below)
  return { integer, one: (of) => of[integer(of.length)]! }
}

/** `key`: what the node wants to be shown; null: nothing. */
export function mutatedText(form: TextForm, key: Buffer | null, random: () => number): MutatedStream {
  const drawn = drawnFrom(random)
  // No stream sees what another has left.
  const scope = drawn.integer(2 ** 32).toString(36)
  const messages = Array.from({ length: 1 + drawn.integer(MESSAGES_MAX) }, () =>
    form === 'http' ? httpMessage(drawn, key, scope) : respMessage(drawn, scope),
  )
  if (form === 'resp' && key !== null) messages.unshift(respCommand('AUTH', key))
  let bytes: Buffer = Buffer.concat(messages)
  for (let left = drawn.integer(MUTATIONS_MAX + 1); left > 0; left--) bytes = mutation(bytes, form, drawn)
  // What it speaks is not in question here.
  if (bytes.length === 0 || bytes[0] !== messages[0]![0]) bytes = Buffer.concat([messages[0]!, bytes])
  const largest = Math.max(4, Math.ceil((2 * bytes.length) / PIECES))
  return { bytes, sizes: Array.from({ length: SIZES }, () => 1 + drawn.integer(largest)) }
}

function httpMessage(drawn: Drawn, key: Buffer | null, scope: string): Buffer {
  const { integer, one } = drawn
  const headers = key === null ? [] : [`Authorization: Bearer ${key.toString('latin1')}`]
  const extra = ['X-More: thing', 'Accept: */*', 'Accept: application/octet-stream', 'Connection: keep-alive']
  for (let left = integer(3); left > 0; left--) headers.push(one(extra))
  const path = `/${scope}${one(KEYS)}`
  const method = one(['GET', 'GET', 'DELETE', 'PUT', 'PUT', 'POST', 'PATCH'])
  if (method === 'GET' || method === 'DELETE') return httpRequest({ method, path, headers })
  const text = `{"value": ${one(['1', '"text"', '{"a":[1,2]}', `"${'long '.repeat(200)}"`])}}`
  const body = Buffer.from(one([text, text, text, text.slice(1), '']))
  const kind = integer(4)
  if (kind === 0) headers.push('Content-Type: application/octet-stream')
  // What is refused before its body may be answered before or after that is found to be broken.
  if (kind === 1 && method !== 'PATCH')
    return Buffer.concat([chunkedHead(method, path, headers), inChunks(body, drawn)])
  return httpRequest({ method, path, headers, body })
}

function chunkedHead(method: string, path: string, headers: readonly string[]): Buffer {
  return httpRequest({ method, path, headers: [...headers, 'Transfer-Encoding: chunked'] })
}

function inChunks(body: Buffer, { integer }: Drawn): Buffer {
  const pieces: Buffer[] = []
  for (let at = 0; at < body.length; ) {
    const next = at + 1 + integer(body.length - at)
    pieces.push(Buffer.from(`${(next - at).toString(16)}\r\n`), body.subarray(at, next), Buffer.from('\r\n'))
    at = next
  }
  return Buffer.concat([...pieces, Buffer.from('0\r\n\r\n')])
}

function respMessage({ integer, one }: Drawn, scope: string): Buffer {
  const [key, other] = [`${scope}${one(KEYS)}`, `${scope}${one(KEYS)}`]
  const value = one(['1', 'text', 'with\r\nline', '', 'long '.repeat(300)])
  const words: (readonly string[])[] = [
    ...[
      ['SET', key, value],
      ['SET', key, value],
      ['GET', key],
      ['GET', key],
      ['DEL', key],
      ['INCR', key],
    ],
    ...[['EXISTS', key], ['PING'], ['ECHO', value], ['MGET', key, other], ['APPEND', key, value]],
    ...[
      ['MSET', key, value, other, '2'],
      ['STRLEN', key],
      ['SETNX', key, value],
      ['GETRANGE', key, '0', '3'],
    ],
    ...[
      ['MULTI'],
      ['EXEC'],
      ['DISCARD'],
      ['HELLO', one(['2', '3'])],
      ['NONSENSE', key],
      ['GET'],
      ['SET', key],
    ],
  ]
  return respCommand(...words[integer(words.length)]!)
}

const NUMBERS = [
  '0',
  '-1',
  '1',
  '2',
  '07',
  '+3',
  '0x10',
  '',
  '65536',
  '1048577',
  '4294967296',
  '9'.repeat(30),
]
const PIECES_OF: Readonly<Record<TextForm, readonly string[]>> = {
  http: [
    ...['\r', '\n', '\r\n', '\r\n\r\n', ' ', ':', '\0', '\t', '\x80', ' HTTP/1.1\r\n', 'HTTP/1.0', 'GET / '],
    ...['Content-Length: 3\r\n', 'Transfer-Encoding: chunked\r\n', 'Transfer-Encoding: gzip, chunked\r\n'],
    ...['Content-Length : 3\r\n', 'Expect: 100-continue\r\n', 'Connection: close\r\n', 'Upgrade: h2c\r\n'],
    ...['0\r\n\r\n', ';ext=1', 'Host: b\r\n', ' folded\r\n', '%zz', '?q=1', '#x'],
  ],
  resp: [
    ...['\r', '\n', '\r\n', '*', '$', '*0\r\n', '*-1\r\n', '$-1\r\n', '$0\r\n\r\n', '+OK\r\n', ':1\r\n'],
    ...['PING\r\n', '\0', '*1\r\n$4\r\nPING\r\n', '*1\r\n*1\r\n', '*2\r\n$3\r\nGET\r\n', '\xff'],
  ],
}

type Change = (bytes: Buffer, form: TextForm, drawn: Drawn) => Buffer

const CHANGES: readonly Change[] = [
  (bytes, _form, { integer }) => {
    const changed = Buffer.from(bytes)
    changed[integer(bytes.length)]! ^= 1 << integer(8)
    return changed
  },
  // A number becomes another one.
  (bytes, _form, { integer, one }) => {
    const places = [...bytes.toString('latin1').matchAll(/\d+/g)]
    if (places.length === 0) return bytes
    const { index, 0: digits } = places[integer(places.length)]!
    return spliced(bytes, index, index + digits.length, one(NUMBERS))
  },
  (bytes, form, { integer, one }) => {
    const at = integer(bytes.length + 1)
    return spliced(bytes, at, at, one(PIECES_OF[form]))
  },
  // At the beginning of a line, where most things have a meaning.
  (bytes, form, { integer, one }) => {
    const places = [...bytes.toString('latin1').matchAll(/\n/g)]
    const at = places.length === 0 ? 0 : places[integer(places.length)]!.index + 1
    return spliced(bytes, at, at, one(PIECES_OF[form]))
  },
  (bytes, _form, { integer }) => {
    const at = integer(bytes.length)
    return spliced(bytes, at, at + 1 + integer(20), '')
  },
  (bytes, _form, { integer }) => {
    const at = integer(bytes.length)
    return spliced(bytes, at, at, bytes.toString('latin1', at, at + 1 + integer(60)))
  },
  (bytes, _form, { integer }) => bytes.subarray(0, integer(bytes.length) + 1),
]

function mutation(bytes: Buffer, form: TextForm, drawn: Drawn): Buffer {
  return bytes.length === 0 ? bytes : drawn.one(CHANGES)(bytes, form, drawn)
}

function spliced(bytes: Buffer, start: number, end: number, between: string): Buffer {
  return Buffer.concat([bytes.subarray(0, start), Buffer.from(between, 'latin1'), bytes.subarray(end)])
}
