/** The port of a member of three: what each kind of operation does, answers and leaves behind. */
import { Version } from '@minivault/clock'
import { CODEC, hashKey } from '@minivault/codec'
import { CONSISTENCY, ERROR, type ErrorNumber, OUTCOME } from '@minivault/protocol'
import { VALUE_TYPE } from '@minivault/storage'
import t, { type Test } from 'tap'
import { MemberKey } from '../src/cluster/member-key.ts'
import type { MemberValue } from '../src/cluster/member-value.ts'
import { type Answer, KIND, type Kind, Operation } from '../src/key-value.ts'
import { REPLY_SLOTS } from '../src/limits.ts'
import { Trio } from './support/trio.ts'

interface Told {
  outcome: number
  error: ErrorNumber
  message: string | null
  version: string
  exists: boolean
  value: string
  valueType: number
  size: number
  expiresAtMs: number
  sum: bigint
}

/** Asks each member under tokens of one connection. */
class Asker {
  readonly trio: Trio
  readonly #waiting: Map<number, (told: Told) => void>[] = [new Map(), new Map(), new Map()]
  #token = 0

  constructor(t: Test, now?: () => number) {
    this.trio = new Trio(now)
    t.teardown(() => this.trio.close())
    for (const member of this.trio.members) {
      member.openPort((token, answer) => {
        const waiting = this.#waiting[member.number]!
        const settle = waiting.get(token)!
        waiting.delete(token)
        settle(toldOf(answer))
      })
    }
  }

  ask(member: number, kind: Kind, key: string, fill: (operation: Operation) => void = () => {}) {
    const operation = new Operation()
    const bytes = Buffer.from(`${key}…`)
    operation.begin(kind, bytes, 0, key.length, 2)
    hashKey(bytes, 0, key.length, operation.hash)
    fill(operation)
    const token = this.#token++ & (REPLY_SLOTS - 1)
    const told = new Promise<Told>((resolve) => this.#waiting[member]!.set(token, resolve))
    this.trio.members[member]!.keyValue.submit(operation, token)
    // What was handed over is the asker's again.
    bytes.fill(0)
    if (operation.value.length > 0) operation.value.fill(0)
    return told
  }

  set(member: number, key: string, value: string, fill: (operation: Operation) => void = () => {}) {
    return this.ask(member, KIND.set, key, (operation) => {
      put(operation, value)
      fill(operation)
    })
  }

  get(member: number, key: string) {
    return this.ask(member, KIND.get, key)
  }

  /** Asked of each member. */
  async everywhere(key: string): Promise<string[]> {
    const all = await Promise.all([0, 1, 2].map((member) => this.get(member, key)))
    return all.map(({ value }) => value)
  }
}

function toldOf(answer: Answer): Told {
  const { outcome, error, message, exists, valueType, size, expiresAtMs, sum } = answer
  const value = Buffer.from(answer.value.subarray(answer.valueStart, answer.valueEnd)).toString()
  const version = answer.version.toString()
  return { outcome, error, message, version, exists, value, valueType, size, expiresAtMs, sum }
}

function put(operation: Operation, value: string): void {
  const bytes = Buffer.from(value)
  operation.setValue(bytes, 0, bytes.length, VALUE_TYPE.raw)
}

const ok = { outcome: OUTCOME.ok, error: ERROR.NONE }
const requestNow = (counter = 0) => Version.of(Date.now(), counter, 0x1234)
const ABSENT = '0'.repeat(24)

t.test('set, get, delete, from any member', async (t) => {
  const asker = new Asker(t)
  t.match(await asker.get(1, 'k'), { outcome: OUTCOME.no, error: ERROR.KEY_NOT_FOUND, version: ABSENT })
  const put = await asker.set(0, 'k', 'first')
  t.match(put, { ...ok, exists: false })
  t.not(put.version, ABSENT)
  for (const member of [0, 1, 2])
    t.match(await asker.get(member, 'k'), { ...ok, value: 'first', version: put.version })
  const gone = await asker.ask(1, KIND.delete, 'k')
  t.match(gone, { ...ok, exists: true })
  t.ok(gone.version > put.version)
  t.same(await asker.everywhere('k'), ['', '', ''])
  t.match(await asker.ask(2, KIND.delete, 'k'), { ...ok, exists: false }, 'nothing is deleted, which is done')
  const blind = await asker.ask(2, KIND.delete, 'k', (operation) => {
    operation.wantsExists = false
  })
  t.match(blind, { ...ok, exists: true }, 'whoever does not ask is told that it was carried out')
})

t.test('what depends on what is there', async (t) => {
  const asker = new Asker(t)
  const create = (member: number, value: string) =>
    asker.ask(member, KIND.create, 'k', (operation) => put(operation, value))
  const made = await create(0, 'first')
  t.match(made, ok)
  t.match(await create(1, 'second'), { outcome: OUTCOME.no, error: ERROR.KEY_EXISTS, version: made.version })
  const at = (version: string) => (operation: Operation) => {
    operation.expectedVersion.copy(Version.parse(version))
  }
  const swapped = await asker.set(2, 'k', 'third', at(made.version))
  t.match(swapped, ok)
  const mismatch = { outcome: OUTCOME.no, error: ERROR.VERSION_MISMATCH, version: swapped.version }
  t.match(await asker.set(0, 'k', 'fourth', at(made.version)), mismatch)
  t.match(await asker.ask(0, KIND.delete, 'k', at(made.version)), mismatch)
  t.match(await asker.ask(0, KIND.touch, 'k', at(made.version)), mismatch)
  t.same(await asker.everywhere('k'), ['third', 'third', 'third'])
  t.match(await asker.ask(1, KIND.delete, 'k', at(swapped.version)), { ...ok, exists: true })
  t.match(await asker.set(1, 'k', 'x', at(swapped.version)), {
    error: ERROR.VERSION_MISMATCH,
    version: ABSENT,
  })
  t.match(await asker.ask(1, KIND.touch, 'k'), { outcome: OUTCOME.no, error: ERROR.KEY_NOT_FOUND })
})

t.test('increment: sums, expiries, and what is no number', async (t) => {
  const asker = new Asker(t)
  const add = (member: number, delta: bigint, ttlMs = 0) =>
    asker.ask(member, KIND.increment, 'n', (operation) => {
      operation.delta = delta
      operation.ttlMs = ttlMs
    })
  t.match(await add(0, 5n, 3_600_000), { ...ok, sum: 5n })
  const { expiresAtMs } = await asker.get(1, 'n')
  t.ok(expiresAtMs > Date.now())
  t.match(await add(1, -7n), { ...ok, sum: -2n })
  t.match(await asker.get(2, 'n'), { value: '-2', expiresAtMs }, 'it ends when it would have')
  const most = 2n ** 63n - 1n
  t.match(await add(2, most), { ...ok, sum: most - 2n })
  const { version } = await asker.get(0, 'n')
  const refused = await add(1, 3n)
  t.match(refused, { outcome: OUTCOME.failed, error: ERROR.NOT_A_NUMBER, version })
  t.match(refused.message, /has more than 64 bits/)
  await asker.set(0, 'n', 'word')
  t.match(await add(1, 1n), { error: ERROR.NOT_A_NUMBER, message: /decimal/ })
  const sums = await Promise.all(
    [0, 1, 2, 0, 1, 2].map((member) =>
      asker.ask(member, KIND.increment, 'm', (operation) => {
        operation.delta = 1n
      }),
    ),
  )
  t.same(sums.map(({ sum }) => sum).sort(), [1n, 2n, 3n, 4n, 5n, 6n], 'counted from everywhere at once')
})

t.test('values end when they should, and a touch moves that', async (t) => {
  let skewMs = 0
  const asker = new Asker(t, () => Date.now() + skewMs)
  await asker.set(0, 'k', 'v', (operation) => {
    operation.ttlMs = 10_000
  })
  await asker.ask(1, KIND.touch, 'k', (operation) => {
    operation.ttlMs = 60_000
  })
  skewMs = 20_000
  t.same(await asker.everywhere('k'), ['v', 'v', 'v'])
  skewMs = 70_000
  t.match(await asker.get(0, 'k'), { error: ERROR.KEY_NOT_FOUND })
  t.match(await asker.ask(1, KIND.delete, 'k'), { ...ok, exists: false })
  t.match(await asker.ask(2, KIND.create, 'k', (operation) => put(operation, 'new')), ok)
  const tooLong = await asker.set(0, 'k', 'v', (operation) => {
    operation.ttlMs = 2 ** 48
  })
  t.match(tooLong, { error: ERROR.BAD_REQUEST })
})

t.test('a value is compressed once, and given as it was', async (t) => {
  const asker = new Asker(t)
  const long = 'a long line of text, again and again. '.repeat(200)
  await asker.set(0, 'k', long)
  const key = MemberKey.hashed(Buffer.from('k'), 0, 1)
  const held = asker.trio.members.map(({ store }) => store.find(key).record!.value as MemberValue)
  t.ok(
    held.every((value) => value === held[0]),
    'it is the same at all',
  )
  t.ok(held[0]!.bytes < long.length / 4 && held[0]!.bytes === held[0]!.data.length)
  t.not(held[0]!.codec, CODEC.none)
  t.equal(held[0]!.rawBytes, long.length)
  t.same(await asker.everywhere('k'), [long, long, long])
  const part = await asker.ask(1, KIND.get, 'k', (operation) => {
    operation.rangeStart = 2
    operation.rangeBytes = 9
  })
  t.match(part, { ...ok, value: 'long line', size: long.length })
  const behind = await asker.ask(1, KIND.get, 'k', (operation) => {
    operation.rangeStart = long.length + 5
  })
  t.match(behind, { ...ok, value: '', size: long.length })
  const described = await asker.ask(2, KIND.get, 'k', (operation) => {
    operation.noValue = true
  })
  t.match(described, { ...ok, value: '', size: long.length, valueType: VALUE_TYPE.raw })
  await asker.ask(0, KIND.touch, 'k', (operation) => {
    operation.ttlMs = 60_000
  })
  t.same(await asker.everywhere('k'), [long, long, long])
})

t.test('a retry anywhere takes effect once, and is told the same', async (t) => {
  const asker = new Asker(t)
  const request = requestNow()
  const retry =
    (attempt: number, ttlMs = 0) =>
    (operation: Operation) => {
      operation.requestId.copy(request)
      operation.attempt = attempt
      operation.ttlMs = ttlMs
    }
  const first = await asker.set(0, 'k', 'first', retry(0))
  t.equal(first.version, request.toString())
  await asker.set(1, 'k', 'second')
  t.same(await asker.set(2, 'k', 'first', retry(1)), first)
  t.same(await asker.everywhere('k'), ['second', 'second', 'second'])
  const counts = [0, 1, 2].map((attempt) => (operation: Operation) => {
    operation.requestId.copy(Version.of(request.wallMs, 7, 7))
    operation.attempt = attempt
    operation.delta = 4n
  })
  const counted = await asker.ask(0, KIND.increment, 'n', counts[0])
  t.same(await asker.ask(1, KIND.increment, 'n', counts[1]), counted)
  await asker.set(0, 'n', 'other')
  t.same(await asker.ask(2, KIND.increment, 'n', counts[2]), counted, 'after it was overwritten, too')
  t.match(await asker.ask(2, KIND.increment, 'n', counts[0]), {
    error: ERROR.SUPERSEDED,
    outcome: OUTCOME.inDoubt,
  })
  const ahead = await asker.set(0, 'k', 'x', (operation) => {
    operation.requestId.copy(Version.of(Date.now() + 3_600_000, 0, 1))
  })
  t.match(ahead, { outcome: OUTCOME.failed, error: ERROR.CLOCK_TOO_FAR })
})

t.test('one request has one expiry, whoever its attempts come to', async (t) => {
  let skewMs = 0
  const asker = new Asker(t, () => Date.now() + skewMs)
  const request = requestNow()
  const attempt = (number: number) => (operation: Operation) => {
    operation.requestId.copy(request)
    operation.attempt = number
    operation.ttlMs = 60_000
  }
  asker.trio.down.add(2)
  await asker.set(0, 'k', 'v', attempt(0))
  const { expiresAtMs } = await asker.get(0, 'k')
  asker.trio.down.clear()
  skewMs = 400
  await asker.set(1, 'k', 'v', attempt(1))
  await asker.everywhere('k')
  const key = MemberKey.hashed(Buffer.from('k'), 0, 1)
  const ends = asker.trio.members.map(({ store }) => store.find(key).record!.expiresAtMs)
  t.same(ends, [expiresAtMs, expiresAtMs, expiresAtMs])
})

t.test('without a majority', async (t) => {
  const asker = new Asker(t)
  await asker.set(0, 'k', 'v')
  asker.trio.down.add(2)
  t.match(await asker.set(0, 'k', 'w'), ok, 'one may be away')
  t.match(await asker.ask(1, KIND.create, 'new', (operation) => put(operation, 'x')), ok)
  asker.trio.down.add(1)
  t.match(await asker.set(0, 'k', 'y'), {
    outcome: OUTCOME.failed,
    error: ERROR.NO_QUORUM,
    message: /majority/,
  })
  const retry = await asker.set(0, 'k', 'y', (operation) => {
    operation.requestId.copy(requestNow())
    operation.attempt = 1
  })
  t.match(retry, { outcome: OUTCOME.inDoubt, error: ERROR.IN_DOUBT })
  const one = await asker.ask(0, KIND.get, 'k', (operation) => {
    operation.consistency = CONSISTENCY.one
  })
  t.match(one, { ...ok, value: 'w' }, 'one replica is enough for who asks for one')
})

t.test('replicas that fall silent: in doubt, or failed, within the deadline', async (t) => {
  const asker = new Asker(t)
  await asker.set(0, 'k', 'v')
  const { trio } = asker
  t.intercept(trio, 'isAlone', { value: () => false })
  trio.down.add(1).add(2)
  const shortly = (operation: Operation) => {
    operation.deadlineMs = 50
  }
  const [read, write, condition] = await Promise.all([
    asker.ask(0, KIND.get, 'k', shortly),
    asker.set(0, 'l', 'w', shortly),
    asker.ask(0, KIND.increment, 'm', shortly),
  ])
  t.match(read, { outcome: OUTCOME.failed, error: ERROR.NO_QUORUM })
  t.match(write, { outcome: OUTCOME.inDoubt, error: ERROR.IN_DOUBT })
  t.match(condition, { outcome: OUTCOME.failed, error: ERROR.NO_QUORUM }, 'nothing was offered yet')
})

t.test('a core that goes: whoever waits is told at once', async (t) => {
  const asker = new Asker(t)
  const { trio } = asker
  t.intercept(trio, 'isAlone', { value: () => false })
  trio.down.add(1).add(2)
  const asked = [asker.ask(0, KIND.get, 'k'), asker.set(0, 'l', 'w'), asker.ask(0, KIND.increment, 'm')]
  const { keyValue } = trio.members[0]!
  keyValue.abandon()
  const [read, write, condition] = await Promise.all(asked)
  t.match(read, { outcome: OUTCOME.failed, error: ERROR.NO_QUORUM })
  t.match(write, { outcome: OUTCOME.inDoubt, error: ERROR.IN_DOUBT, message: /left the quorum/ })
  t.match(condition, { outcome: OUTCOME.inDoubt, error: ERROR.IN_DOUBT })
  t.equal(keyValue.underWay, 0)
})

t.test('of one connection, on one key, what is asked for takes effect in that order', async (t) => {
  const asker = new Asker(t)
  for (const isWarm of [true, false]) {
    asker.trio.isWarm = isWarm
    const asked = Array.from({ length: 20 }, (_, round) => [
      asker.set(0, 'k', `${round}`),
      asker.ask(0, KIND.delete, 'k'),
      asker.get(0, 'k'),
      asker.ask(0, KIND.increment, 'k', (operation) => {
        operation.delta = BigInt(round)
      }),
      asker.get(0, 'k'),
      asker.ask(0, KIND.create, 'k', (operation) => put(operation, 'no')),
    ])
    for (const [round, told] of asked.entries()) {
      const [set, gone, nothing, sum, value, refused] = await Promise.all(told)
      t.match(set, ok)
      t.match(gone, { exists: true })
      t.match(nothing, { error: ERROR.KEY_NOT_FOUND })
      t.match(sum, { sum: BigInt(round) })
      t.match(value, { value: `${round}` })
      t.match(refused, { error: ERROR.KEY_EXISTS })
    }
    t.equal(asker.trio.members[0]!.keyValue.underWay, 0)
  }
})

t.test('several keys at once', async (t) => {
  const asker = new Asker(t)
  const batch = await asker.ask(0, KIND.batch, 'k', (operation) => {
    operation.batch = []
  })
  t.match(batch, { outcome: OUTCOME.failed, error: ERROR.UNSUPPORTED, message: /no batches/ })
})
