/** One round at a time on a key, in the order in which they came. */
import t from 'tap'
import { RoundQueue } from '../src/round-queue.ts'
import { KEY } from '../src/testing/index.ts'

const OTHER = { ...KEY, id: 'other' }
const WAITING_MAX = 3

t.test('one at a time, first come, first served; other keys go on', async (t) => {
  const started: string[] = []
  const later: (() => void)[] = []
  const queue = new RoundQueue(WAITING_MAX, (task) => later.push(task))
  const roundOf = (name: string) => ({ start: () => started.push(name) })
  for (const name of ['a', 'b', 'c']) t.ok(queue.enter(KEY, roundOf(name)))
  t.ok(queue.enter(OTHER, roundOf('other')))
  t.same(started, ['a', 'other'])
  queue.leave(KEY)
  t.same(started, ['a', 'other'], 'not within the end of the one before')
  later.shift()!()
  t.same(started, ['a', 'other', 'b'])
  t.ok(queue.enter(KEY, roundOf('d')))
  queue.leave(KEY)
  queue.leave(OTHER)
  for (const task of later.splice(0)) task()
  t.same(started, ['a', 'other', 'b', 'c'])
})

t.test('whoever does not wait any more is passed over', async (t) => {
  const started: string[] = []
  const queue = new RoundQueue(WAITING_MAX, (task) => task())
  const roundOf = (name: string) => ({ start: () => started.push(name) })
  const [first, second, third] = [roundOf('a'), roundOf('b'), roundOf('c')]
  for (const round of [first, second, third]) queue.enter(KEY, round)
  queue.withdraw(KEY, second)
  queue.leave(KEY)
  t.same(started, ['a', 'c'])
  queue.leave(KEY)
  queue.enter(KEY, roundOf('d'))
  t.same(started, ['a', 'c', 'd'])
})

t.test('so many wait, and when all are gone the next does not', async (t) => {
  const later: (() => void)[] = []
  const queue = new RoundQueue(WAITING_MAX, (task) => later.push(task))
  let count = 0
  const round = { start: () => (count += 1) }
  for (let index = 0; index <= WAITING_MAX; index++) t.ok(queue.enter(KEY, round))
  t.notOk(queue.enter(KEY, round))
  for (let index = 0; index <= WAITING_MAX; index++) {
    queue.leave(KEY)
    later.shift()?.()
  }
  t.equal(count, 1 + WAITING_MAX)
  t.ok(queue.enter(KEY, round))
  t.equal(count, 2 + WAITING_MAX, 'at once')
})
