/** What a whole core does beyond the scenarios: its rounds, its bounds, and messages that come twice. */
import t from 'tap'
import { Electorate, OUTCOME, type Placement, REASON } from '../src/index.ts'
import { fixedPlacement } from '../src/testing/index.ts'
import { Trio } from './support/trio.ts'
import { writtenRecord } from './support/words.ts'

t.test('rounds when all is calm', async (t) => {
  const rounds: readonly (readonly [words: string, rounds: number])[] = [
    ['get', 1],
    ['put x', 1],
    ['get', 1],
    ['create y', 1],
    ['delete', 1],
    ['create 5', 2],
    ['increment', 2],
    ['swap 1 z', 1],
    ['get', 1],
  ]
  const trio = new Trio()
  for (const [words, count] of rounds) {
    t.equal(trio.ask(1, words).rounds, count, words)
  }
})

t.test('everything comes twice, in any order', async (t) => {
  for (let seed = 1; seed <= 40; seed++) {
    const trio = new Trio({ seed })
    trio.ask(1, 'put 0')
    for (const node of [1, 2, 3]) t.equal(trio.ask(node, 'increment').outcome, OUTCOME.ok)
    const { record } = trio.ask(2, 'get')
    t.match(writtenRecord(record!), /^3@/, `seed ${seed}`)
  }
})

t.test('so many operations at once', async (t) => {
  const trio = new Trio({ limits: { operationsMax: 1 } })
  const first = trio.begin(1, 'put x')
  t.match(trio.begin(1, 'put y').answer, { outcome: OUTCOME.failed, reason: REASON.busy })
  const retried = trio.begin(1, 'put y (request 90, attempt 1)')
  t.match(retried.answer, { outcome: OUTCOME.inDoubt, reason: REASON.busy }, 'it may be done elsewhere')
  trio.rest()
  t.match(first.answer, { outcome: OUTCOME.ok })
  t.match(trio.ask(1, 'get'), { outcome: OUTCOME.ok }, 'there is room again')
})

t.test('rounds of one coordinator queue up, and none is refused', async (t) => {
  const trio = new Trio()
  const begun = Array.from({ length: 20 }, () => trio.begin(1, 'increment'))
  trio.rest()
  const rounds = begun.map(({ answer }) => answer!.rounds)
  t.same(rounds, Array(20).fill(2))
  t.match(writtenRecord(trio.ask(2, 'get').record!), /^20@/)
})

t.test('and only so many of them', async (t) => {
  const trio = new Trio({ limits: { roundQueueMax: 1 } })
  const begun = ['increment', 'increment', 'increment'].map((words) => trio.begin(1, words))
  trio.rest()
  const outcomes = begun.map(({ answer }) => answer!.outcome)
  t.same(outcomes, [OUTCOME.ok, OUTCOME.ok, OUTCOME.failed])
})

t.test('while a partition moves, both sets have to agree', async (t) => {
  const joint = placementOf(new Electorate([1, 2, 3], [2, 3, 4]))
  const trio = new Trio({ placementOf: () => joint })
  trio.down.add(1)
  trio.down.add(2)
  const { outcome } = trio.ask(3, 'put x (within 100 ms)')
  t.equal(outcome, OUTCOME.inDoubt, 'two of the new, one of the old')
  trio.down.delete(2)
  t.equal(trio.ask(3, 'put y').outcome, OUTCOME.ok, 'two of each')
  t.equal(trio.ask(4, 'get').outcome, OUTCOME.ok)
})

t.test('a question by an old layout is refused, and counts for nothing', async (t) => {
  const old = placementOf(new Electorate([1, 2, 3]), 1)
  const current = placementOf(new Electorate([1, 2, 3]), 2)
  const trio = new Trio({ placementOf: (node) => (node === 1 ? old : current) })
  t.equal(trio.ask(1, 'put x (within 100 ms)').outcome, OUTCOME.inDoubt)
  t.equal(trio.ask(2, 'put y').outcome, OUTCOME.ok, 'by the new one')
})

t.test('what a member may have missed is told before it is known, and until it has it', async (t) => {
  const trio = new Trio()
  const told = () => {
    const { hearingOut, peers } = trio.statusOf(1)
    return [hearingOut, peers.find(({ member }) => member === 3)!.hints]
  }
  trio.ask(1, 'put x')
  t.same(told(), [0, 0], 'all have answered')
  trio.down.add(3)
  t.equal(trio.ask(1, 'put y').outcome, OUTCOME.ok)
  t.same(told(), [1, 0], 'two are enough, and the third may just be late')
  trio.rest()
  t.same(told(), [0, 1])
  trio.tick(3)
  t.same(told(), [0, 1], 'it is heard, and what it missed is on its way to it')
  trio.down.delete(3)
  trio.rest()
  trio.tick(3)
  t.same(told(), [0, 0])
})

function placementOf(electorate: Electorate, epoch = 1): Placement {
  return fixedPlacement(electorate, 1, epoch)
}
