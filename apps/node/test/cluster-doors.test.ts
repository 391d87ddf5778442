/** What the doors of three nodes say of their cluster: races, levels, and what it cannot do. */
import { setTimeout as sleep } from 'node:timers/promises'
import { CODEC, Compressor } from '@minivault/codec'
import { CONSISTENCY, ERROR, FRAME_OPCODE, OUTCOME } from '@minivault/protocol'
import t, { type Test } from 'tap'
import { MemberKey } from '../src/cluster/member-key.ts'
import type { MemberValue } from '../src/cluster/member-value.ts'
import { BinaryClient, get, remove, set } from './support/binary-client.ts'
import { FrameClient } from './support/frame-client.ts'
import { ask, refusal, SUCCESS } from './support/http-client.ts'
import { RespSocket, request } from './support/resp-socket.ts'
import { startTrio } from './support/trio-nodes.ts'

const OK = { simple: 'OK' }
const ONE = '{"value":1}'
const CLIENTS = 50
const ROUNDS = 10

async function framesOf(t: Test, port: number): Promise<FrameClient> {
  const client = await FrameClient.open(port)
  t.teardown(() => client.close())
  return client
}

async function respOf(t: Test, port: number): Promise<RespSocket> {
  const client = await RespSocket.open(port)
  t.teardown(() => client.close())
  return client
}

t.test('of many who make one key at once, one does', async (t) => {
  const { nodes } = await startTrio(t)
  for (let round = 0; round < ROUNDS; round++) {
    const target = `/race-${round}`
    const answers = await Promise.all(
      Array.from({ length: CLIENTS }, (_, client) =>
        ask(nodes[client % 3]!, 'POST', target, JSON.stringify({ value: client })),
      ),
    )
    const winners = answers.flatMap(({ status }, client) => (status === 201 ? [client] : []))
    const others = answers.filter(({ status }) => status === 409)
    t.same([winners.length, others.length], [1, CLIENTS - 1], target)
    for (const node of nodes) {
      t.equal((await ask(node, 'GET', target)).body, `{"success":true,"data":${winners[0]}}`)
    }
    const version = answers[winners[0]!]!.headers['minivault-version']
    t.ok(
      others.every(({ headers }) => headers['minivault-version'] === version),
      'each is told which is there',
    )
  }
})

t.test('what one door writes every door of every node reads', async (t) => {
  const { nodes } = await startTrio(t)
  const documented = new BinaryClient(nodes[0]!.port)
  t.teardown(() => documented.close())
  const frames = await framesOf(t, nodes[1]!.port)
  const resp = await respOf(t, nodes[2]!.port)
  await documented.one(set('k', '"first"'))
  t.equal((await frames.get('k')).value.toString(), '"first"')
  t.equal(await resp.ask('GET', 'k'), '"first"')
  t.equal((await ask(nodes[2]!, 'GET', '/k')).body, '{"success":true,"data":"first"}')
  t.equal(await resp.ask('APPEND', 'k', '!'), 8)
  t.equal((await documented.one(get('k'))).data.toString(), '"first"!')
  t.match(await documented.one(remove('k')), { status: 0 })
  t.match(await documented.one(remove('k')), { status: 0 }, 'of nothing, too')
  t.equal(await resp.ask('EXISTS', 'k'), 0)
  t.match(await ask(nodes[0]!, 'PUT', '/k', ONE), { status: 200, body: SUCCESS })
  t.same(await resp.ask('DEL', 'k', 'none', 'k'), 1)
})

t.test('what came compressed is kept as it came', async (t) => {
  const { trio, nodes } = await startTrio(t)
  const frames = await framesOf(t, nodes[0]!.port)
  const text = Buffer.from('again and again and '.repeat(100))
  const packed = new Compressor({ codec: 'lz4' }).compress(text, 0, text.length)!
  await frames.set('k', packed, { codec: CODEC.lz4 })
  const held = trio.members[2]!.store.find(MemberKey.hashed(Buffer.from('k'), 0, 1)).record!
    .value as MemberValue
  t.match(held, { codec: CODEC.lz4, bytes: packed.length, rawBytes: text.length })
  t.equal(Buffer.from(held.data).toString('hex'), Buffer.from(packed).toString('hex'))
  t.equal(
    (await ask(nodes[1]!, 'GET', '/k', undefined, { Accept: 'application/octet-stream' })).body,
    `${text}`,
  )
  const useless = Buffer.from(packed.subarray(0, 20))
  t.match(await frames.set('k', useless, { codec: CODEC.lz4 }), { error: ERROR.BAD_COMPRESSION })
})

t.test('without a majority', async (t) => {
  const { trio, nodes } = await startTrio(t)
  const [node] = nodes
  await ask(node!, 'PUT', '/k', ONE)
  const frames = await framesOf(t, node!.port)
  const resp = await respOf(t, node!.port)
  trio.down.add(1).add(2)
  const plain = await ask(node!, 'PUT', '/k', ONE)
  refusal(t, plain, 503, 'NO_QUORUM')
  t.equal(plain.headers['retry-after'], '1')
  const judged = await ask(node!, 'PUT', '/k', ONE, { 'If-Match': '*' })
  refusal(t, judged, 503, 'NO_QUORUM')
  t.equal(judged.headers['retry-after'], '1')
  const read = { 'Minivault-Consistency': 'one' }
  t.equal((await ask(node!, 'GET', '/k', undefined, read)).status, 200, 'one replica is here')
  const one = { consistency: CONSISTENCY.one }
  t.equal((await frames.get('k', one)).value.toString(), '1')
  t.match(await frames.get('k'), { outcome: OUTCOME.failed, error: ERROR.NO_QUORUM })
  t.same(await resp.ask('GET', 'k'), { error: 'NOQUORUM no majority can be reached' })
  t.same(await resp.ask('STRLEN', 'k'), { error: 'NOQUORUM no majority can be reached' })
  trio.down.clear()
  t.equal((await ask(node!, 'GET', '/k')).status, 200, 'they are back')
})

t.test('a deadline passes: what may yet appear is in doubt', async (t) => {
  const { trio, nodes } = await startTrio(t)
  const frames = await framesOf(t, nodes[0]!.port)
  t.intercept(trio, 'isAlone', { value: () => false })
  trio.down.add(1).add(2)
  const shortly = { deadlineMs: 60 }
  const [write, read] = await Promise.all([
    frames.ask(FRAME_OPCODE.set, { key: 'k', value: 'v', ...shortly }),
    frames.ask(FRAME_OPCODE.get, { key: 'l', ...shortly }),
  ])
  t.match(write, { outcome: OUTCOME.inDoubt, error: ERROR.IN_DOUBT })
  t.match(read, { outcome: OUTCOME.failed, error: ERROR.NO_QUORUM })
})

t.test('several keys: each by itself, or refused', async (t) => {
  const { nodes } = await startTrio(t)
  const frames = await framesOf(t, nodes[0]!.port)
  const batch = await frames.batch([{ key: 'a', value: 'x' }])
  t.match(batch, { outcome: OUTCOME.failed, error: ERROR.UNSUPPORTED })
  t.match(batch.value.toString(), /a cluster takes no batches/)
  const resp = await respOf(t, nodes[1]!.port)
  t.same(await resp.ask('MSET', 'a', '1', 'b', '2', 'a', '3'), OK)
  t.same(await resp.ask('MGET', 'a', 'b', 'c'), ['3', '2', null])
  t.same(await resp.ask('EXISTS', 'a', 'b', 'a'), 3)
  for (const words of [
    ['MSETNX', 'c', '1', 'd', '2'],
    ['RENAME', 'a', 'c'],
    ['RENAMENX', 'a', 'c'],
  ]) {
    const words0 = `ERR ${words[0]} is not available in a cluster: several keys do not change in one moment`
    t.same(await resp.ask(...words), { error: words0 })
  }
  const transaction = async (...commands: string[][]) => {
    for (const words of [['MULTI'], ...commands]) await resp.ask(...words)
    return resp.ask('EXEC')
  }
  const several = {
    error: 'EXECABORT in a cluster a transaction is of one key: several keys do not change in one moment',
  }
  t.same(await transaction(['INCR', 'n'], ['PEXPIRE', 'n', '60000'], ['GET', 'n']), [1, 1, '1'])
  t.same(await transaction(['SET', 'a', 'x'], ['SET', 'b', 'x']), several)
  t.same(
    await transaction(['GET', 'a'], ['SET', 'b', 'x']),
    several,
    'what is read is of the same moment, too',
  )
  t.same(await resp.ask('MGET', 'a', 'b'), ['3', '2'], 'nothing was done')
  await resp.ask('WATCH', 'a')
  await ask(nodes[2]!, 'PUT', '/a', ONE)
  t.same(await transaction(['SET', 'a', 'x']), null, 'somebody was faster')
  await resp.ask('WATCH', 'a')
  t.same(await transaction(['SET', 'b', 'x']), several)
  await resp.ask('WATCH', 'a')
  t.same(await transaction(['PING']), [{ simple: 'PONG' }])
  t.same(await resp.ask('COPY', 'a', 'copied'), 1)
  t.same((await resp.ask('KEYS', '*')) as string[], ['a', 'b', 'copied', 'n'])
  t.same(await resp.ask('FLUSHDB'), OK)
  t.same(await resp.ask('KEYS', '*'), [])
})

t.test('a connection that sends without waiting finds its keys in that order', async (t) => {
  const { trio, nodes } = await startTrio(t)
  const resp = await respOf(t, nodes[0]!.port)
  for (const isWarm of [true, false]) {
    trio.isWarm = isWarm
    const words = Array.from({ length: 30 }, (_, round) => [
      ['SET', 'k', `${round}`],
      ['DEL', 'k'],
      ['SETNX', 'k', 'new'],
      ['GETDEL', 'k'],
      ['INCR', 'k'],
      ['APPEND', 'k', '0'],
      ['GET', 'k'],
    ])
    resp.send(...words.flat().map((one) => request(...one)))
    const replies = await resp.replies(words.flat().length)
    const expected = [OK, 1, 1, 'new', 1, 2, '10']
    t.same(
      replies,
      words.flatMap(() => expected),
    )
  }
})

t.test('what takes no cluster goes on while nobody answers', async (t) => {
  const { trio, nodes } = await startTrio(t)
  t.intercept(trio, 'isAlone', { value: () => false })
  trio.down.add(1).add(2)
  const stuck = ask(nodes[0]!, 'PUT', '/k', ONE)
  await sleep(5)
  t.equal((await ask(nodes[0]!, 'GET', '/health')).status, 200)
  trio.down.clear()
  t.equal((await stuck).status, 200, 'and it ends when they are back')
})
