/** What goes on to other regions: who is to send it, how much at a time, and what is kept for later. */
import t from 'tap'
import { Forwarding, type ForwardingParts } from '../src/forwarding.ts'
import { Hints } from '../src/hints.ts'
import { firstState, Layouts, type Table } from '../src/index.ts'
import { LIMITS } from '../src/limits.ts'
import { CAUSE, type Cause, MESSAGE } from '../src/messages.ts'
import { Peers } from '../src/peers.ts'
import { DURABILITY, type Key } from '../src/ports.ts'
import { type HeldRecord, isRaised, ZERO } from '../src/record.ts'
import { KEY, MemoryLog } from '../src/testing/index.ts'
import { readRecord, readVersion, writtenRecord } from './support/words.ts'

const SUSPECT_AFTER_MS = 100
const TICK_MS = 10
const NAMES = ['a', 'b', 'c', 'd'] as const
const [A, B, C, D] = [0, 1, 2, 3] as const
const keyOf = (id: string): Key => ({ ...KEY, id })

/** All four hold everything; c and d are in another region. */
function tableOf(): Table {
  const members = NAMES.map((name, place) => ({ name, region: place < C ? 'eu' : 'us' }))
  const places = [A, B, C, D]
  const votersOf = (_: number, region: string) => places.filter((place) => members[place]!.region === region)
  return { epoch: 1, home: 'eu', members, replicasOf: () => places, votersOf }
}

interface Brought {
  readonly words: string
  readonly onOver: (isAnswered: boolean) => void
}

/** A replica's part in it; what it brings is answered when the test says so. */
class Stage {
  readonly store = new MemoryLog()
  readonly forwarding: Forwarding
  readonly admitted: string[] = []
  readonly #peers = new Peers(0, SUSPECT_AFTER_MS, TICK_MS)
  readonly #brought: Brought[] = []
  #nowMs = 0

  constructor(self: number, limits: Partial<ForwardingParts['limits']> = {}) {
    const first = firstState(tableOf())
    this.forwarding = new Forwarding({
      placement: new Layouts({ partitionCount: 2, key: KEY, first, self: NAMES[self]! }),
      store: this.store,
      self,
      limits: { ...LIMITS, ...limits },
      peers: this.#peers,
      hints: new Hints(LIMITS.hintsMax),
      repair: {
        handOver: (member, key, record, cause, onOver) =>
          void this.#brought.push({ words: this.#words(member, key, record, cause), onOver }),
        isToBeAdmitted: (_, record) => isRaised(record),
        admit: (_, record) => void this.admitted.push(writtenRecord(record)),
      },
    })
    this.#tick([A, B, C, D])
  }

  /** Nobody else is heard for so long that they are suspected. */
  hearOnly(...members: number[]): void {
    this.#nowMs += SUSPECT_AFTER_MS * 2
    this.#tick(members)
    this.#nowMs += TICK_MS
    this.#tick(members)
  }

  /** Until our own delay at the tick is forgotten. */
  #tick(heard: readonly number[]): void {
    for (let i = 0; i < 100; i++) {
      this.#nowMs += TICK_MS
      for (const member of heard) this.#peers.heard(member, this.#nowMs)
      this.#peers.onTick([A, B, C, D], this.#nowMs)
    }
  }

  take(id: string, words: string): void {
    const record = readRecord(words, null)
    this.store.hold(keyOf(id), record, DURABILITY.os)
    this.forwarding.onTaken(keyOf(id), record.ballot)
  }

  /** All that is under way, in words. */
  brought(): string[] {
    return this.#brought.map(({ words }) => words)
  }

  /** The oldest that is under way. */
  answer(isAnswered = true): void {
    this.#brought.shift()!.onOver(isAnswered)
  }

  #words(member: number, { id }: Key, record: HeldRecord, cause: Cause): string {
    return `${id} ${writtenRecord(record)} to ${NAMES[member]}${cause === CAUSE.hint ? '' : ` (${cause})`}`
  }
}

t.test('the first that is there sends', async (t) => {
  const stage = new Stage(B)
  const senders = () => [A, B, C, D].filter((member) => stage.forwarding.isSender(0, member))
  t.same(senders(), [A, C], 'one in each region')
  t.equal(stage.forwarding.onTick(), false)
  stage.hearOnly(C, D)
  t.same(senders(), [A, B, C], 'one that is not heard sends perhaps, and so does the next')
  t.equal(stage.forwarding.onTick(), true, 'we have become one')
  t.equal(stage.forwarding.onTick(), false, 'which is told once')
  stage.hearOnly(A, D)
  t.same(senders(), [A, C, D])
  t.equal(stage.forwarding.onTick(), false)
  const first = new Stage(A)
  first.hearOnly(C, D)
  t.equal(first.forwarding.isSender(0, B), false, 'we are there, whoever hears us')
  t.equal(first.forwarding.onTick(), false, 'who begins as one has not become it')
})

t.test('what the sender takes goes to each replica elsewhere', async (t) => {
  const stage = new Stage(A)
  stage.take('k', 'x@20')
  t.same(stage.brought(), ['k x@20 to c', 'k x@20 to d'])
  t.same([stage.forwarding.pending(C), stage.forwarding.pending(B)], [1, 0])
  stage.answer()
  t.same([stage.forwarding.pending(C), stage.forwarding.pending(D)], [0, 1])
  const other = new Stage(B)
  other.take('k', 'x@20')
  t.same(other.brought(), [], 'and nothing of what another one takes')
})

t.test('so many are on their way at a time, and so many bytes', async (t) => {
  const stage = new Stage(A, { farRepairsAtOnce: 2 })
  stage.hearOnly(B, C)
  for (const id of ['k', 'l', 'm']) stage.take(id, 'x@20')
  t.same(stage.brought(), ['k x@20 to c', 'l x@20 to c'])
  t.equal(stage.forwarding.pending(C), 3)
  stage.answer()
  t.same(stage.brought(), ['l x@20 to c', 'm x@20 to c'])

  const large = new Stage(A, { farBytesMax: 6 })
  large.hearOnly(B, C)
  for (const id of ['k', 'l', 'm']) large.take(id, 'four@20')
  t.same(large.brought(), ['k four@20 to c', 'l four@20 to c'], 'the last one may pass it')
  large.answer()
  t.same(large.brought(), ['l four@20 to c', 'm four@20 to c'])
})

t.test('who does not answer, or is not there, hears of it later', async (t) => {
  const stage = new Stage(A)
  stage.hearOnly(B, C)
  stage.take('k', 'x@20')
  t.equal(stage.forwarding.pending(D), 1, 'a pointer for the one that is away')
  stage.answer(false)
  stage.take('l', 'y@30')
  t.same(stage.brought(), [], 'nothing goes after what was not answered')
  t.equal(stage.forwarding.pending(C), 2)
  stage.forwarding.onHeard(C)
  t.same(stage.brought(), ['k x@20 to c', 'l y@30 to c'])
  stage.hearOnly(B, C, D)
  stage.forwarding.onHeard(D)
  t.same(stage.brought().slice(2), ['k x@20 to d', 'l y@30 to d'])
})

t.test('only what is held is told', async (t) => {
  const stage = new Stage(A)
  stage.forwarding.forward(keyOf('k'), readVersion('20'))
  t.same(stage.brought(), [], 'nothing is held')
  stage.store.hold(keyOf('k'), readRecord('x@20', null), DURABILITY.os)
  stage.forwarding.forward(keyOf('k'), readVersion('30'))
  t.same(stage.brought(), [], 'something older is')
  t.equal(stage.forwarding.pending(C), 0)
  stage.store.hold(keyOf('k'), readRecord('y@40', null), DURABILITY.os)
  stage.forwarding.forward(keyOf('k'), readVersion('30'))
  t.same(stage.brought(), ['k y@40 to c', 'k y@40 to d'], 'what is newer is as good')
})

t.test('how old the oldest is that a region lacks', async (t) => {
  const stage = new Stage(A, { farRepairsAtOnce: 1 })
  t.equal(stage.forwarding.oldestMs(C), null)
  stage.take('k', 'x@50')
  t.equal(stage.forwarding.oldestMs(C), 50, 'on its way')
  stage.take('l', 'x@40')
  t.equal(stage.forwarding.oldestMs(C), 40, 'kept')
  stage.answer()
  stage.answer()
  t.equal(stage.forwarding.oldestMs(C), 40, 'on its way')
  stage.answer()
  t.equal(stage.forwarding.oldestMs(C), null)
})

t.test('what was raised elsewhere is admitted by the sender', async (t) => {
  const offerOf = (words: string, cause: Cause) => ({
    ...{ kind: MESSAGE.offer, exchange: 1, epoch: 1, time: ZERO, key: KEY, durability: DURABILITY.os },
    ...{ record: readRecord(words, null), cause },
  })
  const stage = new Stage(A)
  for (const cause of [CAUSE.hint, CAUSE.repair])
    t.equal(stage.forwarding.refuses(C, offerOf('x@30/20', cause)), true)
  t.same(stage.admitted, ['x@30/20', 'x@30/20'])
  t.equal(stage.forwarding.refuses(C, offerOf('x@30', CAUSE.hint)), false, 'not raised')
  t.equal(stage.forwarding.refuses(B, offerOf('x@30/20', CAUSE.hint)), false, 'of our own region')
  t.equal(stage.forwarding.refuses(C, offerOf('x@30/20', CAUSE.accept)), false, 'of a round')
  t.equal(stage.admitted.length, 2)
  const other = new Stage(B)
  t.equal(other.forwarding.refuses(C, offerOf('x@30/20', CAUSE.hint)), true)
  t.same(other.admitted, [], 'by nobody else')
})
