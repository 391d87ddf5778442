import { LEVEL, Version } from '@minivault/cluster'
import t from 'tap'
import { judgeCounters } from '../src/judges/counters.ts'
import type { KeyHistory } from '../src/judges/key-history.ts'
import { judgeLinearizability } from '../src/judges/linearizability.ts'
import { judgeLostWrites } from '../src/judges/lost-writes.ts'
import { judgeLiveness } from '../src/judges/rest.ts'
import { judgeKey } from '../src/judges/verdict.ts'
import { judgeVersionOrder } from '../src/judges/version-order.ts'
import type { Kind } from '../src/plan/plan.ts'
import { WALL_MS } from '../src/world/member.ts'
import { type Ending, Operation, type Written } from '../src/world/operation.ts'

const NOTHING = 0

/** A history by hand: versions are small numbers, times are milliseconds, 0 is nothing. */
class Hand implements KeyHistory {
  readonly key = 0
  readonly hidesAbsences: boolean
  readonly operations: Operation[] = []
  readonly #written = new Map<string, Written>()

  constructor(hidesAbsences = false) {
    this.hidesAbsences = hidesAbsences
  }

  writtenOf(version: Version): Written | undefined {
    return this.#written.get(version.toString())
  }

  /** An operation from when to when; without an end it is in doubt. */
  call(kind: Kind, from: number, to: number, options: Options = {}): Called {
    const { expected, isFinal = false, expiresMs = 0 } = options
    const operation = new Operation({
      id: this.operations.length + 1,
      key: 0,
      kind,
      level: LEVEL.quorum,
      client: 0,
      callMs: from,
      expected: expected === undefined ? null : at(expected),
      isFinal,
      expiresAtMs: expiresMs === 0 ? 0 : WALL_MS + expiresMs,
    })
    if (to > 0) operation.returnMs = to
    this.operations.push(operation)
    return new Called(operation, this.#written)
  }
}

interface Options {
  readonly expected?: number
  readonly isFinal?: boolean
  readonly expiresMs?: number
}

class Called {
  readonly operation: Operation
  readonly #written: Map<string, Written>

  constructor(operation: Operation, written: Map<string, Written>) {
    this.operation = operation
    this.#written = written
  }

  /** It wrote this; a conditional one on top of that. */
  made(version: number, value: number | null, onTop?: number): this {
    const { operation } = this
    const predecessor = onTop === undefined ? null : at(onTop)
    this.#written.set(at(version).toString(), { version: at(version), operation, value, predecessor })
    return this
  }

  answered(ending: Ending, version: number, value: number | null): Operation {
    Object.assign(this.operation, { ending, version: at(version), value })
    return this.operation
  }
}

function at(number: number): Version {
  return number === NOTHING ? new Version() : new Version(1, number, 1)
}

function put(hand: Hand, from: number, to: number, version: number): Operation {
  const called = hand.call('put', from, to)
  const value = called.operation.written
  return called.made(version, value).answered(to > 0 ? 'ok' : 'doubt', version, value)
}

function get(hand: Hand, from: number, to: number, version: number, value: number | null, isFinal = false) {
  return hand.call('get', from, to, { isFinal }).answered('ok', version, value)
}

function judgedBoth(hand: Hand) {
  const { why, seen } = judgeVersionOrder(hand)
  return { why, order: judgeLinearizability(hand, seen) }
}

t.test('a good history has a witness, and the search finds it, too', async (t) => {
  const hand = new Hand()
  put(hand, 1, 4, 10)
  put(hand, 2, 0, 12)
  get(hand, 5, 6, 10, 1000)
  const sum = hand.call('increment', 7, 9).made(20, 2001, 12)
  sum.answered('ok', 20, 2001)
  get(hand, 8, 10, 12, 2000)
  hand.call('create', 11, 12).answered('no', 20, 2001)
  const gone = hand.call('deleteIf', 13, 14, { expected: 20 }).made(30, null, 20)
  gone.answered('ok', 30, null)
  get(hand, 15, 16, 30, null)
  t.same(judgedBoth(hand), { why: '', order: 'yes' })
})

t.test('a stale read', async (t) => {
  const hand = new Hand()
  put(hand, 1, 2, 10)
  put(hand, 3, 4, 20)
  get(hand, 5, 6, 10, 1000)
  const { why, order } = judgedBoth(hand)
  t.match(why, 'put #2 had ended')
  t.equal(order, 'no')
})

t.test('a write that was never asked for, one that is seen before it is asked for', async (t) => {
  const unknown = new Hand()
  get(unknown, 1, 2, 10, 7)
  t.match(judgedBoth(unknown).why, 'never written')
  const early = new Hand()
  get(early, 1, 2, 10, 2000)
  put(early, 3, 4, 10)
  t.match(judgedBoth(early), { why: 'before it was called', order: 'no' })
})

t.test('what was doubtful is seen, gone, and seen again', async (t) => {
  const hand = new Hand()
  put(hand, 1, 2, 10)
  put(hand, 3, 0, 12)
  get(hand, 4, 5, 12, 2000)
  get(hand, 6, 7, 10, 1000)
  t.match(judgedBoth(hand), { why: 'get #3 had ended', order: 'no' })
})

t.test('an operation that takes effect twice, or after it was refused', async (t) => {
  const twice = new Hand()
  const called = twice.call('put', 1, 2).made(10, 1000).made(20, 1000)
  called.answered('ok', 10, 1000)
  get(twice, 3, 4, 20, 1000)
  t.match(judgedBoth(twice).why, 'twice')
  const refused = new Hand()
  put(refused, 1, 2, 10)
  const late = refused.call('create', 3, 4).made(20, 2000, 10)
  late.answered('no', 10, 1000)
  get(refused, 5, 6, 20, 2000)
  t.match(judgedBoth(refused), { why: 'was answered "no" and took effect', order: 'no' })
  const failed = new Hand()
  failed.call('put', 1, 2).made(10, 1000).answered('failed', NOTHING, null)
  get(failed, 3, 4, 10, 1000)
  t.match(judgedBoth(failed).why, 'was answered "failed" and took effect')
})

t.test('a write between a condition and its effect', async (t) => {
  const hand = new Hand()
  put(hand, 1, 2, 10)
  put(hand, 3, 6, 15)
  const compared = hand.call('cas', 3, 6, { expected: 10 }).made(20, 3000, 10)
  compared.answered('ok', 20, 3000)
  get(hand, 4, 5, 15, 2000)
  get(hand, 7, 8, 20, 3000)
  t.match(judgedBoth(hand), { why: 'came between', order: 'no' })
})

t.test('a refusal where the condition holds', async (t) => {
  const hand = new Hand()
  put(hand, 1, 2, 10)
  hand.call('cas', 3, 4, { expected: 10 }).answered('no', 10, 1000)
  t.match(judgedBoth(hand), { why: 'its condition holds', order: 'no' })
})

t.test('a value that is not the one of its version', async (t) => {
  const hand = new Hand()
  put(hand, 1, 2, 10)
  get(hand, 3, 4, 10, 17)
  t.match(judgedBoth(hand), { why: 'shows 17', order: 'no' })
})

t.test('an acknowledgement with the version of another', async (t) => {
  const hand = new Hand()
  put(hand, 1, 2, 10)
  hand.call('put', 1, 2).made(11, 2000).answered('ok', 10, 2000)
  t.match(judgedBoth(hand).why, 'version of another')
})

t.test('versions that do not agree with real time', async (t) => {
  const hand = new Hand()
  put(hand, 1, 2, 20)
  put(hand, 3, 4, 10)
  t.match(judgedBoth(hand).why, 'had ended')
})

t.test('who finds nothing is not told which nothing: it has to fit somewhere', async (t) => {
  const seenAt = (from: number, to: number) => {
    const hand = new Hand(true)
    put(hand, 1, 2, 10)
    const gone = hand.call('deleteIf', 5, 8).made(20, null)
    gone.answered('ok', 20, null)
    hand.call('create', 10, 12).made(30, 3000).answered('ok', 30, 3000)
    get(hand, 13, 14, 30, 3000)
    get(hand, from, to, NOTHING, null)
    return judgedBoth(hand)
  }
  const right = { why: '', order: 'yes' } as const
  const wrong = { why: 'found nothing', order: 'no' } as const
  t.same(seenAt(0, 1), right, 'before everything')
  t.match(seenAt(3, 4), wrong, 'while it was there')
  t.same(seenAt(4, 6), right, 'during the delete')
  t.same(seenAt(9, 11), right, 'behind it')
  t.same(seenAt(11, 20), right, 'until it is made again')
  t.match(seenAt(13, 20), wrong, 'behind that')
})

t.test('looks that find nothing, one behind the other, and something in between', async (t) => {
  const hand = new Hand(true)
  get(hand, 1, 10, NOTHING, null)
  put(hand, 2, 5, 10)
  get(hand, 6, 7, 10, 2000)
  get(hand, 12, 13, NOTHING, null)
  const { why, order } = judgedBoth(hand)
  t.match(why, 'get #4 found nothing')
  t.equal(order, 'no')
})

t.test('a delete in doubt may be what nobody was told of', async (t) => {
  const hand = new Hand(true)
  put(hand, 1, 2, 10)
  hand.call('deleteIf', 3, 0)
  get(hand, 4, 5, NOTHING, null)
  hand.call('create', 6, 7).made(20, 4000).answered('ok', 20, 4000)
  get(hand, 8, 9, 20, 4000)
  t.same(judgeKey(hand, false), { violations: [], undecided: 0, searched: 1 })
  get(hand, 10, 11, 10, 1000)
  t.match(judgeKey(hand, false).violations, [{ judge: 'linearizability' }])
})

t.test('what expires is there before and gone after, by any clock', async (t) => {
  const seenAt = (from: number, value: number | null) => {
    const hand = new Hand()
    hand.call('put', 1, 2, { expiresMs: 1000 }).made(10, 1000).answered('ok', 10, 1000)
    get(hand, from, from + 1, 10, value)
    return judgeVersionOrder(hand).why
  }
  t.equal(seenAt(100, 1000), '')
  t.match(seenAt(100, null), 'shows null')
  t.equal(seenAt(1000, 1000), '')
  t.equal(seenAt(1000, null), '')
  t.match(seenAt(2000, 1000), 'shows 1000')
  t.equal(seenAt(2000, null), '')
})

t.test('counters', async (t) => {
  const good = new Hand()
  good.call('increment', 1, 2).answered('ok', 10, 1)
  good.call('increment', 1, 0).answered('doubt', NOTHING, null)
  get(good, 5, 6, 10, 2, true)
  t.equal(judgeCounters(good), '')
  const same = new Hand()
  same.call('increment', 1, 2).answered('ok', 10, 1)
  same.call('increment', 1, 2).answered('ok', 11, 1)
  t.match(judgeCounters(same), 'twice')
  const lost = new Hand()
  lost.call('increment', 1, 2).answered('ok', 10, 1)
  get(lost, 5, 6, NOTHING, null, true)
  t.match(judgeCounters(lost), '0 at the end')
  const winners = new Hand()
  winners.call('create', 1, 2).answered('ok', 10, 1000)
  winners.call('create', 1, 2).answered('ok', 11, 2000)
  t.match(judgeCounters(winners), '2 were told')
})

t.test('lost writes and silence', async (t) => {
  const good = new Hand()
  put(good, 1, 2, 10)
  get(good, 3, 4, 10, 1000, true)
  get(good, 3, 4, 10, 1000, true)
  t.equal(judgeLostWrites(good), '')
  t.equal(judgeLiveness(good, 1), '')
  t.match(judgeLiveness(good, 3), '2 final reads of 6')
  const lost = new Hand()
  put(lost, 1, 2, 10)
  get(lost, 3, 4, NOTHING, null, true)
  t.match(judgeLostWrites(lost), 'put #1 was acknowledged')
  const torn = new Hand()
  put(torn, 1, 2, 10)
  get(torn, 3, 4, 10, 1000, true)
  get(torn, 3, 4, NOTHING, null, true)
  t.match(judgeLostWrites(torn), 'at the end')
  const silent = new Hand()
  silent.call('get', 3, 0, { isFinal: true }).answered('doubt', NOTHING, null)
  t.match(judgeLiveness(silent, 1), 'ended in doubt')
})
