/** HTTP as nobody should send it: every request gets its answer or the end, and nothing is half done. */
import t, { type Test } from 'tap'
import { ask, RawHttp, SUCCESS, until } from './support/http-client.ts'
import { type Server, startServer } from './support/server.ts'

const BODY = '{"value":"new"}'
const VICTIM = '{"success":true,"data":"here"}'
/** What a second reader of the same bytes could take for a request of its own. */
const HIDDEN = 'DELETE /victim HTTP/1.1\r\nHost: h\r\n\r\n'

const HEADS: readonly (readonly [what: string, lines: readonly string[]])[] = [
  ['a length and chunks', [`Content-Length: ${BODY.length}`, 'Transfer-Encoding: chunked']],
  ['chunks and a length', ['Transfer-Encoding: chunked', `Content-Length: ${BODY.length}`]],
  ['two lengths', ['Content-Length: 3', `Content-Length: ${BODY.length}`]],
  ['two lengths in one', [`Content-Length: 3, ${BODY.length}`]],
  ['a length with a sign', [`Content-Length: +${BODY.length}`]],
  ['a length below zero', ['Content-Length: -1']],
  ['a length in another base', ['Content-Length: 0xf']],
  ['a length beyond all numbers', [`Content-Length: ${'9'.repeat(40)}`]],
  ['a blank before the colon', [`Content-Length : ${BODY.length}`]],
  ['a line folded', ['X-More: one', ' Content-Length: 3']],
  ['a name of nothing', [': nothing']],
  ['a zero byte', ['X-More: o\0ne']],
  ['a line without its CR', ['X-More: one\nContent-Length: 3']],
  ['another encoding', ['Transfer-Encoding: gzip']],
  ['chunks that are not last', ['Transfer-Encoding: chunked, gzip']],
  ['nearly chunks', ['Transfer-Encoding: xchunked']],
]

async function isUnharmed(t: Test, server: Server): Promise<void> {
  t.equal((await ask(server, 'GET', '/victim')).body, VICTIM, 'what was there is there')
  t.equal((await ask(server, 'GET', '/written')).status, 404, 'nothing was written')
}

function suite(name: string, words: string[]): void {
  t.test(name, async (t) => {
    const server = await startServer(t, ['-durability', 'os', ...words])
    t.equal((await ask(server, 'PUT', '/victim', '{"value":"here"}')).body, SUCCESS)

    await t.test('lengths that two readers would read in two ways', async (t) => {
      for (const [what, lines] of HEADS) {
        const raw = new RawHttp(server.port)
        const head = ['PUT /written HTTP/1.1', 'Host: h', ...lines].join('\r\n')
        raw.send(`${head}\r\n\r\n${BODY}${HIDDEN}`)
        await raw.ended()
        t.ok(raw.statuses[0]! >= 400, `${what}: ${raw.statuses}`)
        t.equal(raw.statuses.length, 1, `${what}: one answer, then the end`)
      }
      await isUnharmed(t, server)
    })

    await t.test('what is no request at all', async (t) => {
      const starts = ['BREW /victim HTTP/1.1\r\nHost: h\r\n\r\n', 'GET\r\n\r\n', 'GET /victim\r\n\r\n']
      starts.push('PUT /written HTTP/3.0\r\nHost: h\r\n\r\n', `GETS${'S'.repeat(300_000)}`, 'PING\r\n', 'Q\n')
      starts.push('PUT /written HTTP/1.1\r\n\r\n', `PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n`)
      for (const start of starts) {
        const raw = new RawHttp(server.port)
        raw.send(start)
        await raw.replies(1)
        t.ok(raw.statuses[0]! >= 400, `${JSON.stringify(start.slice(0, 30))}: ${raw.statuses}`)
        raw.close()
      }
      await isUnharmed(t, server)
    })

    await t.test('heads that have no end', async (t) => {
      const lines = Array.from({ length: 5000 }, (_, index) => `X-${index}: ${'v'.repeat(100)}\r\n`).join('')
      for (const head of [lines, `X-Long: ${'v'.repeat(400_000)}\r\n`, 'v'.repeat(400_000)]) {
        const raw = new RawHttp(server.port)
        raw.send(`GET /victim HTTP/1.1\r\nHost: h\r\n${head}`)
        await raw.ended()
        t.ok(raw.statuses.length === 0 || raw.statuses[0]! >= 400, String(raw.statuses))
      }
      const raw = new RawHttp(server.port)
      raw.send(`PUT /${'k'.repeat(400_000)} HTTP/1.1\r\nHost: h\r\n\r\n`)
      await raw.ended()
      t.ok(raw.statuses.length === 0 || [414, 431].includes(raw.statuses[0]!), String(raw.statuses))
      await isUnharmed(t, server)
    })

    await t.test('a flood of requests that wait for each other', async (t) => {
      for (const lines of ['', 'X-More: not plain\r\n']) {
        const raw = new RawHttp(server.port)
        const count = 3000
        raw.send(`GET /victim HTTP/1.1\r\nHost: h\r\n${lines}\r\n`.repeat(count))
        await raw.replies(count)
        t.ok(raw.statuses.every((status) => status === 200))
        t.ok(raw.statuses.length === count || raw.isClosed, `${raw.statuses.length} answers`)
        raw.close()
      }
      await isUnharmed(t, server)
    })

    await t.test('clients that vanish within a body', async (t) => {
      const part = 'x'.repeat(1_000_000)
      const types = ['application/json', 'application/octet-stream']
      for (const type of types) {
        for (const length of ['Content-Length: 5000000', 'Transfer-Encoding: chunked']) {
          for (const key of ['victim', 'written']) {
            const raw = new RawHttp(server.port)
            raw.send(`PUT /${key} HTTP/1.1\r\nHost: h\r\nContent-Type: ${type}\r\n${length}\r\n\r\n`)
            raw.send(length.startsWith('T') ? `f4240\r\n${part}\r\n` : `{"value":"${part}`)
            await until(() => raw.socket.writableLength === 0)
            raw.close()
          }
        }
      }
      await isUnharmed(t, server)
    })

    t.equal(server.child.exitCode, null, 'the node runs')
  })
}

suite('on the port of all', [])
suite('on a port of HTTP alone', ['-protocols', 'http'])

t.test('the Redis protocol and binary requests on a port of HTTP alone', async (t) => {
  const server = await startServer(t, ['-durability', 'os', '-protocols', 'http'])
  for (const start of ['*1\r\n$4\r\nPING\r\n', 'PING\r\n', '\x01\x01\x00a', '\x10\0\0\0', '\x16\x03\x01']) {
    const raw = new RawHttp(server.port)
    raw.send(start)
    raw.socket.end()
    await raw.ended()
    t.match(raw.statuses, [400], JSON.stringify(start))
  }
  t.equal((await ask(server, 'GET', '/health')).status, 200)
})
