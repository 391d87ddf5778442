/** Arguments that no client sends by accident: long ones where a word, a pattern or a number is expected. */

import { freePort } from '@minivault/free-port'
import { UNAUTHENTICATED_BYTES_MAX } from '@minivault/protocol'
import t from 'tap'
import { ARGUMENT_BYTES, PATTERN_BYTES_MAX, WATCHED_BYTES_MAX } from '../src/limits.ts'
import { RedisWire, type Shown, type Word } from './support/redis-wire.ts'
import { RespSocket } from './support/resp-socket.ts'
import { startServer } from './support/server.ts'

t.test('what is long and no word of ours is shown by its beginning only', async (t) => {
  const { port } = await startServer(t, ['-durability', 'memory'])
  const wire = await RedisWire.connect(port)
  t.teardown(() => wire.close())
  const long = 'x'.repeat(300_000)
  const commands: Word[][] = [
    [long],
    ['expire', 'k', '10', long],
    ['command', long],
    ['client', long],
    ['client', 'setinfo', long, '1'],
    ['hello', '3', long],
    ['config', long],
    ['object', long],
  ]
  for (const words of commands) {
    const reply = String(await wire.ask(...words))
    t.ok(reply.startsWith('-ERR ') && reply.length < 500, `${reply.slice(0, 60)}: ${reply.length}`)
  }
  const binary = Buffer.from([0x80, 0x0d, 0x0a, 0x61])
  t.equal(await wire.ask('expire', 'k', '10', binary), '-ERR Unsupported option ???a')
})

t.test('a pattern has a bound', async (t) => {
  const { port } = await startServer(t, ['-durability', 'memory'])
  const wire = await RedisWire.connect(port)
  t.teardown(() => wire.close())
  const most = 'k'.repeat(PATTERN_BYTES_MAX - 1)
  await wire.ask('set', `${most}1`, 'v')
  t.same(await wire.ask('keys', `${most}*`), [`$${Buffer.from(`${most}1`).toString('hex')}`])
  for (const words of [
    ['keys'],
    ['scan', '0', 'match'],
    ['config', 'get'],
    ['command', 'list', 'filterby', 'pattern'],
  ]) {
    const refusal = `-ERR a pattern has at most ${PATTERN_BYTES_MAX} bytes`
    t.equal(await wire.ask(...words, `${most}**`), refusal, words.join(' '))
  }
})

t.test('a number is what Redis takes for one', async (t) => {
  const { port } = await startServer(t, ['-durability', 'memory'])
  const wire = await RedisWire.connect(port)
  t.teardown(() => wire.close())
  const refusal = '-ERR value is not an integer or out of range'
  const replies: Shown[] = await wire.askAll([
    ['incrby', 'n', '-0'],
    ['decrby', 'n', '-0'],
    ['incrby', 'n', '0'],
    ['decrby', 'n', '-5'],
    ['get', 'n'],
  ])
  t.same(replies, [refusal, refusal, ':0', ':5', '$35'])
})

t.test('a line of a client that has not shown the key is short', async (t) => {
  const respPort = await freePort()
  await startServer(t, ['-resp', String(respPort), '-auth', 'secret', '-authmode', 'all'])
  const stranger = await RespSocket.open(respPort)
  stranger.send(Buffer.from(`GET ${'k'.repeat(UNAUTHENTICATED_BYTES_MAX - 6)}\r\n`))
  t.strictSame(await stranger.replies(1), [{ error: 'NOAUTH Authentication required.' }])
  for (const pieces of [[8192], [UNAUTHENTICATED_BYTES_MAX - 1, 1]]) {
    const other = await RespSocket.open(respPort)
    for (const length of pieces) {
      other.send(Buffer.alloc(length, 'a'))
      await new Promise((resolve) => setTimeout(resolve, 20))
    }
    t.equal(await other.rest(), '-ERR Protocol error: too big inline request\r\n')
    other.close()
  }
  stranger.send(Buffer.from(`AUTH secret\r\nGET ${'k'.repeat(60_000)}\r\n`))
  t.strictSame(await stranger.replies(2), [{ simple: 'OK' }, null])
  stranger.close()
})

t.test('what one connection watches is bounded, and given back', async (t) => {
  const { port } = await startServer(t, ['-durability', 'memory'])
  const [wire, other] = [await RedisWire.connect(port), await RedisWire.connect(port)]
  t.teardown(() => {
    wire.close()
    other.close()
  })
  const names = (count: number, start: number) => Array.from({ length: count }, (_, at) => `w:${start + at}`)
  const refusal = `-ERR a connection watches at most ${WATCHED_BYTES_MAX} bytes of keys`
  let watched = 0
  for (; watched < WATCHED_BYTES_MAX / ARGUMENT_BYTES; watched += 10_000) {
    const reply = await wire.ask('watch', ...names(10_000, watched))
    if (reply === '+OK') continue
    t.ok(String(reply).startsWith(refusal), String(reply))
    break
  }
  t.ok(watched > 10_000 && watched < WATCHED_BYTES_MAX / ARGUMENT_BYTES, `${watched} keys`)
  t.equal(await wire.ask('watch', 'w:0'), '+OK', 'it is watched already')
  t.equal(await other.ask('set', 'w:0', 'changed'), '+OK')
  t.same(await wire.askAll([['multi'], ['set', 'x', '1'], ['exec']]), ['+OK', '+QUEUED', '*nil'])
  t.equal(await wire.ask('watch', ...names(10_000, 0)), '+OK', 'nothing is watched any more')
})
