/** What another region has decided, offered to our own: waited for until a quorum has it, not for long. */
import t from 'tap'
import { Electorate } from '../src/electorate.ts'
import type { Exchange } from '../src/exchange.ts'
import { Exchanges } from '../src/exchanges.ts'
import { LocalOffer } from '../src/local-offer.ts'
import { CAUSE, type Cause, MESSAGE, type Offered, VERDICT, type Verdict } from '../src/messages.ts'
import { NEVER_SHOWN, type Operation } from '../src/operation.ts'
import { Patience } from '../src/patience.ts'
import { DURABILITY, type Durability, type Key } from '../src/ports.ts'
import { type HeldRecord, ZERO } from '../src/record.ts'
import { LEVEL } from '../src/request.ts'
import { Spreading } from '../src/spreading.ts'
import { KEY } from '../src/testing/index.ts'
import { readRecord, writtenRecord } from './support/words.ts'

function operation(): Operation {
  const asked = { change: null, id: null, attempt: 0, level: LEVEL.quorum, durability: DURABILITY.fsync }
  return {
    ...{ token: 1, onOver: null, request: { key: KEY, deadlineMs: 1000, ...asked }, id: ZERO },
    ...{ deadlineMs: 1000, rounds: 1, lost: 0, isForAll: false, candidate: null, isAdmission: false },
    ...{ above: ZERO, isSent: true, shownBefore: NEVER_SHOWN },
  }
}

function offered(verdict: Verdict): Offered {
  const counted = { exchange: 0, epoch: 1, time: ZERO, votes: true, lives: [] }
  return { kind: MESSAGE.offered, ...counted, verdict, above: ZERO }
}

/** As it is asked of the replicas of our region. */
class Asking {
  readonly timers: { afterMs: number; exchange: number }[] = []
  readonly told: string[] = []
  readonly settled: { deadlineMs: number; onOver: () => void; about: Partial<Operation> }[] = []
  readonly patience = new Patience(1000)
  readonly spreading = new Spreading({
    settle: (_, deadlineMs, about, onOver) => void this.settled.push({ deadlineMs, onOver, about }),
  })
  readonly #exchanges = new Exchanges({
    now: () => 0,
    wallMs: () => 0,
    random: () => 0,
    send: () => {},
    setTimer: (afterMs, exchange) => void this.timers.push({ afterMs, exchange }),
    answer: () => {},
  })
  last: Exchange | null = null

  get isOpen(): boolean {
    return this.last !== null && this.#exchanges.find(this.last.number) !== undefined
  }

  open(_: Key, asker: LocalOffer): Exchange {
    this.last = this.#exchanges.open(new Electorate([1, 2, 3]), asker, 1)
    return this.last
  }

  offer(_: Exchange, key: Key, record: HeldRecord, durability: Durability, cause: Cause): void {
    const [name] = Object.entries(CAUSE).find(([, value]) => value === cause)!
    this.told.push(`${key.id} ${writtenRecord(record)} ${name} ${durability}`)
  }

  wait(afterMs: number, exchange: Exchange, stage: number): void {
    this.#exchanges.wait(afterMs, exchange, stage)
  }

  close(exchange: Exchange): void {
    this.#exchanges.close(exchange)
  }
}

function start(words: string) {
  const asking = new Asking()
  let over = 0
  const asked = operation()
  const offer = new LocalOffer(asking, asked, readRecord(words, null), () => void over++)
  offer.start()
  return { asking, offer, asked, over: () => over }
}

t.test('a quorum that has it, or something newer, is the end', async (t) => {
  const { asking, offer, asked, over } = start('x@20')
  t.same(asking.told, [`k x@20 hint ${DURABILITY.fsync}`], 'nobody sends it on')
  t.equal(asking.timers[0]?.afterMs, asking.patience.ms)
  t.equal(asked.rounds, 2)
  offer.onReply(0, offered(VERDICT.held))
  offer.onReply(0, offered(VERDICT.held))
  t.equal(over(), 0, 'one is no quorum, however often it says so')
  offer.onReply(1, offered(VERDICT.promised))
  t.equal(over(), 0, 'who has promised not to take it does not have it')
  t.ok(asking.isOpen)
  offer.onReply(2, offered(VERDICT.older))
  t.equal(over(), 1)
  t.notOk(asking.isOpen, 'no reply and no timer comes any more')
})

t.test('it is not waited for longer than for an answer', async (t) => {
  const { asking, offer, over } = start('x@20')
  offer.onReply(0, offered(VERDICT.held))
  offer.onTimer()
  t.equal(over(), 1)
  t.notOk(asking.isOpen)
})

t.test('what was raised there comes by a round of ours', async (t) => {
  const { asking, over } = start('x@30/20')
  t.same(asking.told, [], 'no replica takes it as it comes')
  t.equal(asking.last, null)
  const [settled] = asking.settled
  t.match(settled?.about, { isAdmission: true, candidate: readRecord('x@30/20', null) })
  t.equal(settled?.deadlineMs, asking.patience.ms, 'which is not waited for longer, either')
  t.equal(over(), 0)
  settled?.onOver()
  t.equal(over(), 1)
})
