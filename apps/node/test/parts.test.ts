/**
 * The parts that can be shown alone: bucket, slots, ledger, rows, target, and a port that answers late and
 * shuffled.
 */
import { Version } from '@minivault/clock'
import { ERROR } from '@minivault/protocol'
import fc from 'fast-check'
import t from 'tap'
import { TokenBucket } from '../src/admission/token-bucket.ts'
import { KeptPool } from '../src/door/kept-replies.ts'
import { ChunkPool, Output } from '../src/door/output.ts'
import { ReplySlots } from '../src/door/reply-slots.ts'
import { Turn } from '../src/door/turn.ts'
import { readTarget } from '../src/http/target.ts'
import type { KeyValue, Operation } from '../src/key-value.ts'
import { TURN_FLUSHES_AFTER } from '../src/limits.ts'
import { Pending } from '../src/local/pending.ts'
import { LEDGER_STATE, RequestLedger } from '../src/local/request-ledger.ts'
import { startNode } from '../src/node.ts'
import { BinaryClient, get, set } from './support/binary-client.ts'
import { temporaryFolder } from './support/server.ts'

t.test('token bucket', async (t) => {
  const bucket = new TokenBucket(100, 0)
  const burst = Array.from({ length: 20 }, () => bucket.take(0)).filter(Boolean).length
  t.equal(burst, 10, 'a tenth of the limit at once')
  t.equal(bucket.retryAfterMs, 10)
  t.notOk(bucket.take(9))
  t.ok(bucket.take(10))
  let taken = 0
  for (let now = 10; now < 10_010; now++) while (bucket.take(now)) taken++
  t.ok(taken >= 999 && taken <= 1001, `${taken} in ten seconds`)
  t.ok(new TokenBucket(1, 0).take(0), 'a burst of at least one')
  t.notOk(bucket.take(0), 'a clock that goes back gives nothing')
})

t.test('reply slots give back request order, whatever order answers come in', async () => {
  const pool = new ChunkPool()
  const kept = new KeptPool(pool)
  fc.assert(
    fc.property(fc.array(fc.nat(), { minLength: 1, maxLength: 200 }), (weights) => {
      const slots = new ReplySlots(kept)
      const out: number[] = []
      const output = new Output(pool, { write: (bytes) => out.push(...bytes) > 0 })
      const taken = weights.map(() => slots.take())
      const order = taken.map((slot, index) => ({ slot, index, weight: weights[index]! }))
      order.sort((a, b) => a.weight - b.weight)
      for (const { slot, index } of order) {
        if (!slots.isNext(slot)) {
          const kept = slots.keeper(slot)
          kept.output.append(Uint8Array.of(index), 0, 1)
          kept.keep(slot)
          continue
        }
        output.append(Uint8Array.of(index), 0, 1)
        slots.advance()
        while (slots.release(output)) {}
      }
      output.flush()
      return (
        slots.pending === 0 &&
        out.length === taken.length &&
        out.every((value, index) => value === (index & 255))
      )
    }),
  )
})

t.test('output: chunks are reused only when the socket took them', async (t) => {
  const pool = new ChunkPool()
  const sent: Uint8Array[] = []
  let free = true
  const output = new Output(pool, {
    write(bytes) {
      sent.push(bytes)
      return free
    },
  })
  output.append(Buffer.from('abc'), 1, 3)
  t.equal(sent.length, 0)
  output.flush()
  t.equal(Buffer.from(sent[0]!).toString(), 'bc')
  output.append(Buffer.from('x'), 0, 1)
  free = false
  output.flush()
  t.equal(sent[1]!.buffer, sent[0]!.buffer, 'taken at once: reused')
  output.append(Buffer.from('y'), 0, 1)
  output.flush()
  t.not(sent[2]!.buffer, sent[1]!.buffer, 'left with the socket: never touched again')
  const large = Buffer.alloc(200_000, 'z')
  output.append(large, 0, large.length)
  t.not(sent[3]!.buffer, large.buffer, 'a large span is copied: its owner may reuse it')
  t.equal(sent[3]!.length, large.length)
})

t.test('a turn: all settle at its end, and of very many all but the newest send before', async (t) => {
  const turn = new Turn()
  const done: string[] = []
  const count = TURN_FLUSHES_AFTER + 2
  for (let index = 0; index < count; index++) {
    turn.touch({
      touched: false,
      flush: () => done.push(`flush ${index}`),
      settle: () => done.push(`settle ${index}`),
    })
  }
  const flushes = Array.from({ length: TURN_FLUSHES_AFTER }, (_, index) => `flush ${index}`)
  t.same(done, flushes)
  await Promise.resolve()
  t.same(done, [...flushes, ...Array.from({ length: count }, (_, index) => `settle ${index}`)])
})

t.test('request ledger against a Map', async (t) => {
  const id = (number: number) => Version.of(1000 + number, number & 3, 7)
  fc.assert(
    fc.property(fc.array(fc.nat(60), { maxLength: 300 }), (numbers) => {
      const ledger = new RequestLedger(new Version(), 16)
      const model = new Map<number, number>()
      for (const number of numbers) {
        const entry = ledger.find(id(number))
        if (entry >= 0 !== model.has(number)) return false
        if (entry >= 0) {
          if (ledger.error(entry) !== model.get(number)) return false
          continue
        }
        ledger.add(id(number), 0)
        ledger.answer(id(number), number, id(number), false)
        model.set(number, number)
        if (model.size > 16) model.delete(model.keys().next().value!)
      }
      return true
    }),
  )
  const ledger = new RequestLedger(Version.of(5, 0, 0), 2)
  const first = ledger.add(id(1), 3)
  t.equal(ledger.state(first), LEDGER_STATE.pending)
  t.equal(ledger.attempt(first), 3)
  ledger.add(id(2), 0)
  t.equal(ledger.horizon.toString(), Version.of(5, 0, 0).toString())
  ledger.add(id(3), 0)
  t.equal(ledger.horizon.toString(), id(1).toString(), 'the greatest id dropped')
})

t.test('pending rows grow and come back', async (t) => {
  const pending = new Pending()
  const rows = Array.from({ length: 5000 }, (_, index) =>
    pending.take(index, Version.of(index, 0, 1), new Version(), false),
  )
  t.equal(new Set(rows).size, 5000)
  t.ok(rows.every((row, index) => pending.token(row) === index))
  t.equal(pending.version(rows[4999]!, new Version()).wallMs, 4999)
  for (const row of rows) pending.give(row)
  t.ok(pending.take(1, new Version(), new Version(), true) < 8192)
})

t.test('every byte string has a target, and no target is normalised', async (t) => {
  fc.assert(
    fc.property(fc.uint8Array({ minLength: 1, maxLength: 200 }), (key) => {
      const target = readTarget(
        `/${[...key].map((byte) => `%${byte.toString(16).padStart(2, '0')}`).join('')}`,
      )
      return target.kind === 'key' && target.key.equals(key)
    }),
  )
  t.match(readTarget('http://host:3000/a/../b'), { kind: 'key', key: Buffer.from('a/../b') })
  t.match(readTarget('/health'), { kind: 'own' })
  t.match(readTarget('/%68ealth'), { kind: 'key' })
  t.match(readTarget('*'), { kind: 'error', error: ERROR.KEY_MISSING })
})

/** Answers each operation some turns later, shuffled among those that wait. */
class Shuffled implements KeyValue {
  readonly isCluster = false
  readonly #inner: KeyValue
  constructor(inner: KeyValue) {
    this.#inner = inner
  }

  submit(operation: Operation, token: number): void {
    const copy = Object.assign(Object.create(Object.getPrototypeOf(operation)), operation)
    copy.key = Buffer.from(operation.key.subarray(operation.keyStart, operation.keyEnd))
    copy.keyStart = 0
    copy.keyEnd = copy.key.length
    copy.value = Buffer.from(operation.value.subarray(operation.valueStart, operation.valueEnd))
    copy.valueStart = 0
    copy.valueEnd = copy.value.length
    copy.hash = Object.assign(Object.create(Object.getPrototypeOf(operation.hash)), operation.hash)
    copy.requestId = new Version().copy(operation.requestId)
    setTimeout(() => this.#inner.submit(copy, token), Math.random() * 20)
  }

  foresee(): void {}
}

for (const plainStreams of [false, true]) {
  t.test(
    `a port that completes late and shuffled (${plainStreams ? 'stream' : 'handle'} sockets)`,
    async (t) => {
      await using node = await startNode({
        port: 0,
        directory: temporaryFolder(t),
        durability: 0,
        plainStreams,
        wrapKeyValue: (inner) => new Shuffled(inner),
      })
      const clients = [new BinaryClient(node.port), new BinaryClient(node.port), new BinaryClient(node.port)]
      await Promise.all(
        clients.map(async (client, number) => {
          const keys = Array.from({ length: 700 }, (_, index) => `c${number}-${index}`)
          const stored = await client.send(...keys.map((key) => set(key, `${key} value`)))
          t.ok(stored.every((reply) => reply.status === 0))
          const read = await client.send(...keys.flatMap((key) => [get(key), get(`${key} absent`)]))
          const expected = keys.flatMap((key) => [`0 ${key} value`, '255 '])
          t.same(
            read.map((reply) => `${reply.status} ${reply.data}`),
            expected,
            'replies in request order',
          )
          client.close()
        }),
      )
      const gone = new BinaryClient(node.port)
      gone.socket.write(Buffer.concat(Array.from({ length: 100 }, (_, index) => set(`gone${index}`, 'x'))))
      await new Promise((resolve) => setTimeout(resolve, 5))
      gone.close()
      const answers = await fetch(`http://127.0.0.1:${node.port}/c1-5`)
      t.equal(await answers.text(), '{"success":true,"data":"c1-5 value"}', 'and HTTP beside them')
    },
  )
}
