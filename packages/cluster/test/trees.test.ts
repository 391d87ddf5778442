/** Digests of leaves beside the records themselves. */
import { Version } from '@minivault/clock'
import fc from 'fast-check'
import t from 'tap'
import type { Key } from '../src/ports.ts'
import { absentAt, type HeldRecord } from '../src/record.ts'
import { Trees } from '../src/trees.ts'

const PARTITION = 7
const KEYS = 12
const LEAVES_USED = 4

function keyOf(number: number): Key {
  const high = Math.imul(number + 1, 0x9e3779b1)
  return { id: `k${number}`, high, low: number, partition: PARTITION, leaf: number % LEAVES_USED }
}

function recordOf(ballot: number): HeldRecord {
  return { ...absentAt(Version.of(ballot, 0, 1)), version: Version.of(ballot, 0, 1) }
}

/** By key: its ballot, 0 for none. */
type Held = readonly number[]

const held: fc.Arbitrary<Held> = fc.array(fc.nat(3), { minLength: KEYS, maxLength: KEYS })

/** Comes to it in two steps, as a replica does. */
function treesOf(before: Held, after: Held): Trees {
  const trees = new Trees()
  const recordAt = (ballot: number) => (ballot === 0 ? null : recordOf(ballot))
  before.forEach((ballot, number) => void trees.replace(keyOf(number), null, recordAt(ballot)))
  after.forEach((ballot, number) => {
    trees.replace(keyOf(number), recordAt(before[number]!), recordAt(ballot))
  })
  return trees
}

t.test('leaves differ where records differ, however they came about', async () => {
  fc.assert(
    fc.property(held, held, held, (before, one, other) => {
      const ours = treesOf(before, one)
      const theirs = treesOf(one, other)
      const wanted = [...Array(LEAVES_USED).keys()].filter((leaf) =>
        one.some((ballot, number) => number % LEAVES_USED === leaf && ballot !== other[number]),
      )
      const digests = theirs.digests(PARTITION)
      const isRootRight = ours.hasRoot(PARTITION, digests) === (wanted.length === 0)
      return isRootRight && ours.differing(PARTITION, digests).join() === wanted.join()
    }),
  )
})

t.test('what is nowhere has the digest of nothing', async (t) => {
  const trees = treesOf(Array(KEYS).fill(2), Array(KEYS).fill(0))
  t.ok(trees.hasRoot(PARTITION, new Trees().digests(PARTITION)))
})

t.test('swapped ballots are seen', async (t) => {
  const ours = treesOf(Array(KEYS).fill(0), [1, 0, 0, 0, 2, ...Array(KEYS - 5).fill(0)])
  const theirs = treesOf(Array(KEYS).fill(0), [2, 0, 0, 0, 1, ...Array(KEYS - 5).fill(0)])
  t.same(ours.differing(PARTITION, theirs.digests(PARTITION)), [0])
})
