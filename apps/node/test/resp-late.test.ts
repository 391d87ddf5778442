/**
 * The Redis protocol over a port that answers late and shuffled, as a quorum will: replies in the order of
 * their requests, each in the shape of its own, and of the version that was spoken when it was asked.
 */
import { Version } from '@minivault/clock'
import t from 'tap'
import type { KeyValue, Operation } from '../src/key-value.ts'
import { startNode } from '../src/node.ts'
import { RespSocket, request } from './support/resp-socket.ts'
import { temporaryFolder } from './support/server.ts'

class Late implements KeyValue {
  readonly isCluster = false
  readonly #inner: KeyValue
  #count = 0

  constructor(inner: KeyValue) {
    this.#inner = inner
  }

  submit(operation: Operation, token: number): void {
    const copy: Operation = Object.assign(Object.create(Object.getPrototypeOf(operation)), operation)
    const { key, keyStart, keyEnd, value, valueStart, valueEnd, hash } = operation
    copy.key = Buffer.from(key.subarray(keyStart, keyEnd))
    copy.keyStart = 0
    copy.keyEnd = copy.key.length
    copy.value = Buffer.from(value.subarray(valueStart, valueEnd))
    copy.valueStart = 0
    copy.valueEnd = copy.value.length
    Object.assign(copy, {
      hash: Object.assign(Object.create(Object.getPrototypeOf(hash)), hash),
      requestId: new Version().copy(operation.requestId),
      expectedVersion: new Version().copy(operation.expectedVersion),
    })
    this.#count += 1
    setTimeout(() => this.#inner.submit(copy, token), (this.#count * 7) % 20)
  }

  foresee(): void {}
}

t.test('replies in order and in shape', async (t) => {
  await using node = await startNode({
    port: 0,
    directory: temporaryFolder(t),
    durability: 0,
    wrapKeyValue: (inner) => new Late(inner),
  })
  const c = await RespSocket.open(node.port)
  const keys = Array.from({ length: 1500 }, (_, index) => `k${index}`)
  c.send(...keys.map((key) => request('SET', key, `${key} value`)))
  t.ok((await c.replies(keys.length)).every((reply) => JSON.stringify(reply) === '{"simple":"OK"}'))
  const asked = keys.flatMap((key, index) => {
    const rest = index % 40 === 0 ? [request('STRLEN', key)] : [request('EXISTS', key)]
    return [
      request('GET', key),
      request('GET', `no ${key}`),
      request('PING'),
      request('SETNX', key, 'x'),
      ...rest,
    ]
  })
  const expected = keys.flatMap((key, index) => {
    const value = `${key} value`
    return [value, null, { simple: 'PONG' }, 0, index % 40 === 0 ? value.length : 1]
  })
  c.send(...asked)
  t.strictSame(await c.replies(expected.length), expected)
  c.send(request('GET', 'no'), request('SET', 'k0', 'x', 'NX'), request('HELLO', '3'), request('GET', 'no'))
  c.send(request('QUIT'))
  t.match(await c.rest(), /^\$-1\r\n\$-1\r\n%7\r\n.*_\r\n\+OK\r\n$/s)
  c.close()
})

t.test('a client that leaves while it is answered', async (t) => {
  await using node = await startNode({
    port: 0,
    directory: temporaryFolder(t),
    durability: 0,
    wrapKeyValue: (inner) => new Late(inner),
  })
  for (let round = 0; round < 10; round++) {
    const gone = await RespSocket.open(node.port)
    gone.send(request('SET', 'a', 'b'), request('GET', 'a'), request('APPEND', 'a', 'c'), request('MULTI'))
    await new Promise((resolve) => setTimeout(resolve, round * 3))
    gone.close()
  }
  const c = await RespSocket.open(node.port)
  t.match(await c.ask('GET', 'a'), /^bc*$/)
  c.close()
})

t.test('a key that vanishes between two looks of a transaction', async (t) => {
  await using node = await startNode({
    port: 0,
    directory: temporaryFolder(t),
    durability: 0,
    wrapKeyValue: (inner) => new Late(inner),
  })
  const [one, other] = [await RespSocket.open(node.port), await RespSocket.open(node.port)]
  // Its value is wanted by the second command; to be written anew, by the batch.
  for (const then of [request('INCR', 'k'), request('SETNX', 'l', '1')]) {
    for (let round = 0; round < 30; round++) {
      await other.ask('SET', 'k', '5')
      one.send(request('DEL', 'l'), request('MULTI'), request('PEXPIRE', 'k', '99999'), then, request('EXEC'))
      await new Promise((resolve) => setTimeout(resolve, round))
      other.send(request('DEL', 'k'))
      const [isThere, told] = (await one.replies(5)).at(-1) as number[]
      await other.replies(1)
      t.ok(told === 1 || (isThere === 1 && told === 6), `${isThere}, ${told}`)
    }
  }
  one.close()
  other.close()
})
