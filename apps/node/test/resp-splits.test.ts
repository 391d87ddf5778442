/**
 * The same bytes in other pieces get the same bytes back: hot requests, requests of the table, large values,
 * errors, and what a client may send that has not shown the key.
 */
import { randomBytes } from 'node:crypto'
import t from 'tap'
import { request, told } from './support/resp-socket.ts'
import { startServer } from './support/server.ts'

const LARGE = randomBytes(700 * 1024)
const LONG = 'x'.repeat(5000)
const NO_AUTH = '-NOAUTH Authentication required.\r\n'

/** Each ends as it began: the next run of it finds what this one found. */
const STREAM = Buffer.concat([
  request('DEL', 'a', 'b', 'large', 'n'),
  request('SET', 'a', '1'),
  request('GET', 'a'),
  request('set', 'b', '', 'EX', '100'),
  request('GET', 'b'),
  request('INCRBY', 'a', '41'),
  Buffer.from('*0\r\n'),
  request('MSET', 'a', 'x', 'b', '$3\r\nGET\r\n'),
  request('GET', 'b'),
  request('GET'),
  request('NOTHING', 'b'),
  request('MULTI'),
  request('SET', 'a', 'y'),
  request('GET', 'a'),
  request('EXEC'),
  request('SETNX', 'a', 'z'),
  request('PING'),
  request('GET', LONG),
])
const TAIL = Buffer.concat([
  request('SET', 'large', LARGE),
  request('STRLEN', 'large'),
  request('GET', 'a'),
  Buffer.from('*1\r\n:'),
])

t.test('any split, the same replies', { timeout: 240_000 }, async (t) => {
  const { port } = await startServer(t)
  const whole = await told(port, STREAM, [STREAM.length])
  t.match(whole, /^:0\r\n\+OK\r\n\$1\r\n1\r\n\+OK\r\n\$0\r\n\r\n:42\r\n\+OK\r\n/)
  t.ok(whole.endsWith('$1\r\ny\r\n:0\r\n+PONG\r\n$-1\r\n'), JSON.stringify(whole.slice(-60)))
  // What the first run has left is there in all others.
  const again = await told(port, STREAM, [STREAM.length])
  t.equal(again, whole.replace(/^:0/, ':2'))
  for (const sizes of [[1, 300], [2], [3, 17, 5], [7], [13, 1], [64], [997]]) {
    t.equal(await told(port, STREAM, sizes), again, `pieces of ${sizes}`)
  }
})

t.test('a large value, in any pieces', { timeout: 240_000 }, async (t) => {
  const { port } = await startServer(t)
  const expected = `+OK\r\n:${LARGE.length}\r\n$-1\r\n-ERR Protocol error: expected '$', got ':'\r\n`
  const first = TAIL.length - LARGE.length
  for (const sizes of [
    [TAIL.length],
    [40_001],
    [first, 65_536],
    [first - 60, LARGE.length - 3, 1],
    [5, 399_999],
  ]) {
    t.equal(await told(port, TAIL, sizes), expected, `pieces of ${sizes}`)
  }
})

t.test('a stranger is answered alike, whole or in pieces', async (t) => {
  const { port } = await startServer(t, ['-auth', 'secret', '-authmode', 'all'])
  const breach = (words: string) => `-ERR Protocol error: unauthenticated ${words}\r\n`
  const many = Array.from({ length: 16 }, (_, index) => String(index))
  const streams: readonly (readonly [what: string, bytes: Buffer, replies: string])[] = [
    ['a long value', request('SET', 'k', LONG), NO_AUTH + NO_AUTH],
    ['a long key', request('SET', LONG, 'v'), breach('bulk length')],
    ['a long last key', request('GET', LONG), NO_AUTH + NO_AUTH],
    ['a long name', request(LONG), NO_AUTH + NO_AUTH],
    ['many arguments', request('MGET', ...many), breach('multibulk length')],
    ['not too many', request('MGET', ...many.slice(1)), NO_AUTH + NO_AUTH],
    ['a long key to show', request('AUTH', LONG), NO_AUTH + NO_AUTH],
    ['a large value', request('SET', 'k', LARGE), NO_AUTH + NO_AUTH],
  ]
  for (const [what, bytes, replies] of streams) {
    const stream = Buffer.concat([bytes, request('GET', 'k')])
    for (const size of [stream.length, Math.max(11, Math.ceil(bytes.length / 40))]) {
      t.equal(await told(port, stream, [size]), replies, `${what}, in pieces of ${size}`)
    }
  }
})
