/** Pointers: the newest of each key, the oldest keys first, and not too many. */
import { Version } from '@minivault/clock'
import t from 'tap'
import { Hints } from '../src/hints.ts'
import { KEY } from '../src/testing/index.ts'

const HINTS_MAX = 3
const key = (id: string) => ({ ...KEY, id })
const v = (wallMs: number) => Version.of(wallMs, 0, 1)

t.test('what was missed twice is told once', async (t) => {
  const hints = new Hints(HINTS_MAX)
  hints.add(1, key('a'), v(10))
  hints.add(1, key('b'), v(20))
  hints.add(1, key('a'), v(30))
  hints.add(2, key('a'), v(30))
  t.same([hints.count(1), hints.count(2), hints.count(3)], [2, 1, 0])
  const taken = hints.take(1, 10).map((hint) => [hint.key.id, hint.ballot.wallMs])
  t.same(taken, [
    ['a', 30],
    ['b', 20],
  ])
  t.same([hints.count(1), hints.count(2)], [0, 1])
  t.same(hints.take(3, 10), [])
})

t.test('the oldest are dropped', async (t) => {
  const hints = new Hints(HINTS_MAX)
  for (const id of ['a', 'b', 'c', 'd', 'e']) hints.add(1, key(id), v(10))
  t.equal(hints.count(1), HINTS_MAX)
  t.same(
    hints.take(1, 2).map((hint) => hint.key.id),
    ['c', 'd'],
  )
  t.equal(hints.count(1), 1)
})
