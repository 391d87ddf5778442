/**
 * The reader of plain requests beside the parser of `node:http`, on bytes that try to part them: what it
 * takes for a request, `node:http` takes for the same one, with the same end; and whether more bytes have
 * come yet makes no difference.
 */
import fc from 'fast-check'
import t from 'tap'
import { INCOMPLETE, NOT_PLAIN, PlainRequest } from '../src/http/plain-request.ts'
import { KIND } from '../src/key-value.ts'
import { PLAIN_BODY_BYTES_MAX, PLAIN_HEAD_BYTES_MAX } from '../src/limits.ts'
import { piece } from './support/http-streams.ts'
import { type Seen, seenByNode } from './support/seen-by-node.ts'

const METHODS = { GET: KIND.get, PUT: KIND.set, POST: KIND.create, DELETE: KIND.delete } as const
const RUNS = 3000

function read(text: string): number {
  const bytes = Buffer.from(text, 'latin1')
  return new PlainRequest().read(bytes, 0, bytes.length)
}

/** In the middle of other bytes, as in the buffer of a connection. */
function readAmid(bytes: Uint8Array, before: Uint8Array, request: PlainRequest): number {
  const all = Buffer.concat([before, bytes, Buffer.from('\r\n\r\nX')])
  return request.read(all, before.length, before.length + bytes.length)
}

t.test('what is plain, node:http reads alike', async (t) => {
  let plain = 0
  await fc.assert(
    fc.asyncProperty(piece, piece, async (bytes, behind) => {
      const request = new PlainRequest()
      const all = Buffer.concat([bytes, behind])
      const length = request.read(all, 0, all.length)
      if (length <= 0) return
      plain += 1
      const own = all.subarray(0, length)
      const { requests, isMalformed } = await seenByNode(own)
      if (isMalformed || requests.length !== 1) throw new Error(`read as ${requests.length} requests`)
      const [seen] = requests as [Seen]
      const url = all.subarray(request.keyStart - 1, request.keyEnd).toString('latin1')
      const body = all.subarray(request.bodyStart, request.bodyEnd).toString('latin1')
      if (METHODS[seen.method as keyof typeof METHODS] !== request.kind) throw new Error('another method')
      if (seen.url !== url || seen.body !== body) throw new Error('another target or body')
      if (Number(seen.headers['content-length'] ?? 0) !== body.length) throw new Error('another length')
      if (seen.headers['transfer-encoding'] !== undefined) throw new Error('a transfer coding')
      const shown = all.subarray(request.credentialsStart, request.credentialsEnd).toString('latin1')
      if ((seen.headers.authorization ?? '') !== (shown && `Bearer ${shown}`)) throw new Error('another key')
    }),
    { numRuns: RUNS },
  )
  t.ok(plain > RUNS / 5, `${plain} of ${RUNS} were plain`)
})

t.test('how much of it has come makes no difference', async (t) => {
  fc.assert(
    fc.property(piece, piece, fc.nat(), (bytes, behind, at) => {
      const request = new PlainRequest()
      const all = Buffer.concat([bytes, behind])
      const length = request.read(all, 0, all.length)
      // Every end in the head, and one anywhere.
      const cuts = [...Array(Math.min(all.length, 400)).keys(), at % (all.length + 1)]
      for (const cut of cuts) {
        const part = readAmid(all.subarray(0, cut), behind, new PlainRequest())
        const isSame = part === length
        const isEarlier = part === INCOMPLETE && (length <= 0 || cut < length)
        if (!isSame && !isEarlier) throw new Error(`${part} at ${cut}, ${length} in all`)
        if (isSame && length > cut) throw new Error('more than has come')
      }
    }),
    { numRuns: 500 },
  )
  t.pass('it was the same')
})

t.test('plain and not', async (t) => {
  const plain = (head: string, body = '') => t.equal(read(head + body), head.length + body.length, head)
  const other = (text: string) => t.equal(read(text), NOT_PLAIN, JSON.stringify(text.slice(0, 100)))
  plain('GET /a HTTP/1.1\r\nHost: h\r\n\r\n')
  plain('GET //a HTTP/1.1\r\nhOST: h:1\r\nACCEPT: */*\r\nConnection: Keep-Alive\r\n\r\n')
  plain('DELETE /a/b HTTP/1.1\r\nHost: h\r\nAuthorization: Bearer x\r\n\r\n')
  plain('PUT /a HTTP/1.1\r\nHost: h\r\nContent-Length: 3\r\n\r\n', 'abc')
  plain('POST /a HTTP/1.1\r\nContent-Length: 1\r\nHost: h\r\n\r\n', 'a')
  for (const line of [
    'Content-Length: 0',
    'Content-Length: 03',
    'Content-Length: +3',
    'Content-Length: 3 ',
    'Content-Length:  3',
    'Content-Length:3',
    'Content-Length: 3,3',
    'Content-Length: 3\r\nContent-Length: 3',
    'Content-Length: 3\r\nTransfer-Encoding: chunked',
    'Content-Length : 3',
    'Content-Length: 3\r\nHost: h',
    `Content-Length: ${PLAIN_BODY_BYTES_MAX + 1}`,
    'Content-Length: 99999999999999999999999999',
  ]) {
    other(`PUT /a HTTP/1.1\r\nHost: h\r\n${line}\r\n\r\nabc`)
  }
  other('PUT /a HTTP/1.1\r\nHost: h\r\n\r\n')
  other('GET /a HTTP/1.1\r\n\r\n')
  other('GET /a HTTP/1.1\nHost: h\n\n')
  other('GET /a HTTP/1.1\r\nHost: h\r\n x\r\n\r\n')
  other('GET /health HTTP/1.1\r\nHost: h\r\n\r\n')
  other('GET /-/a HTTP/1.1\r\nHost: h\r\n\r\n')
  for (const target of ['/', '/a?b', '/a#b', '/a%20b', '/a\tb', '/a\0', '/\xe4', '*', 'a', 'http://h/a']) {
    other(`GET ${target} HTTP/1.1\r\nHost: h\r\n\r\n`)
  }
  for (const line of ['Host: h', 'Host : h', 'User\rAgent: h', 'Accept:*/*', 'Connection: close', 'X: y']) {
    other(`GET /a HTTP/1.1\r\nHost: h\r\n${line}\r\n\r\n`)
  }
  other(`GET /${'k'.repeat(PLAIN_HEAD_BYTES_MAX)}`)
  t.equal(read(`GET /${'k'.repeat(PLAIN_HEAD_BYTES_MAX - 10)}`), INCOMPLETE, 'as long as a head may be')
})

t.test('of a body that is on its way the length is known', async (t) => {
  const request = new PlainRequest()
  const head = Buffer.from('PUT /a HTTP/1.1\r\nHost: h\r\nContent-Length: 1000\r\n\r\n')
  t.equal(request.read(head, 0, head.length), INCOMPLETE)
  t.equal(request.needed, head.length + 1000)
})
