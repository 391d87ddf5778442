/** Who holds what by layouts that follow each other, and what a member has gained. */
import { createLayout, nextLayout, planMoves } from '@minivault/topology'
import t from 'tap'
import {
  Electorate,
  firstState,
  isContinued,
  jointState,
  Layouts,
  phaseOf,
  settledState,
} from '../src/index.ts'
import { KEY } from '../src/testing/index.ts'
import { tableWith } from './support/layouts-of.ts'

const FIRST = firstState(tableWith(1, ['a', 'b', 'c']))
const JOINT = jointState(FIRST, tableWith(2, ['a', 'b', 'd']))
const SETTLED = settledState(JOINT)

function layoutsAt(first = FIRST): Layouts {
  return new Layouts({ partitionCount: 1, key: KEY, first, self: 'a' })
}

t.test('phases rise, and numbers of members stay', async (t) => {
  const back = jointState(SETTLED, tableWith(3, ['a', 'b', 'c', 'e']))
  t.same([FIRST, JOINT, SETTLED, back].map(phaseOf), [3, 4, 5, 6])
  t.same(back.roster, ['a', 'b', 'c', 'd', 'e'])
  t.same(layoutsAt(back).members, [0, 1, 3, 2, 4])
})

t.test('a majority of both while keys move, and of those alone that hold the others', async (t) => {
  const layouts = layoutsAt(JOINT)
  t.same(layouts.moving(), [{ partition: 0, before: [0, 1, 2], after: [0, 1, 3] }])
  const electorate = layouts.electorateOf(0)
  t.same(electorate.members, [0, 1, 2, 3])
  t.equal(electorate.isQuorum(0b1001), false, 'of the old ones only a')
  t.equal(electorate.isQuorum(0b1101), true)
  layouts.obey(settledState(JOINT))
  t.same(layouts.electorateOf(0).members, [0, 1, 3])

  const stays = layoutsAt(jointState(FIRST, tableWith(2, ['c', 'a', 'b'])))
  t.same(stays.moving(), [], 'in another order')
  t.equal(stays.electorateOf(0).isJoint, false)
})

t.test('what a member has gained, whatever it has slept through', async (t) => {
  const back = jointState(SETTLED, tableWith(3, ['a', 'b', 'c']))
  const later = settledState(jointState(settledState(back), tableWith(4, ['a', 'b', 'c'])))
  t.same(layoutsAt(FIRST).gainedBy(3, JOINT), [0], 'd is new')
  t.same(layoutsAt(FIRST).gainedBy(3, SETTLED), [0])
  t.same(layoutsAt(JOINT).gainedBy(3, SETTLED), [], 'it has arrived before')
  t.same(layoutsAt(FIRST).gainedBy(0, SETTLED), [])
  t.same(layoutsAt(FIRST).gainedBy(2, SETTLED), [], 'c holds it no more')
  t.same(layoutsAt(FIRST).gainedBy(2, back), [0], 'in between it was not its own')
  t.same(layoutsAt(SETTLED).gainedBy(2, back), [0])
  t.same(layoutsAt(FIRST).gainedBy(0, later), [0], 'of what was in between nothing is known')
  t.same(layoutsAt(settledState(back)).gainedBy(0, later), [])
})

t.test('of another history is what does not continue the numbers', async (t) => {
  const forked = settledState(jointState(FIRST, tableWith(2, ['a', 'b', 'x'])))
  const later = jointState(SETTLED, tableWith(3, ['d', 'e']))
  for (const [before, after, is] of [
    [FIRST, FIRST, true],
    [FIRST, SETTLED, true],
    [FIRST, later, true],
    [later, FIRST, false],
    [FIRST, forked, true],
    [SETTLED, forked, false],
    [forked, later, false],
  ] as const) {
    t.equal(isContinued(before, after), is, `${before.roster} ${after.roster}`)
  }
})

t.test('only the old ones rule out that something was chosen', async (t) => {
  const electorate = new Electorate([1, 2, 3, 4, 5], [1, 2, 3])
  t.equal(electorate.isBlocking(0b00011), true, 'two of the new ones')
  t.equal(electorate.rulesOut(0b00011), false, 'three others of the old ones are a majority')
  t.equal(electorate.rulesOut(0b01101), true)
})

t.test('layouts of the topology', async (t) => {
  const members = ['a:1', 'b:1', 'c:1'].map((name) => ({ name }))
  const first = createLayout(members)
  const next = nextLayout(first, [...members, { name: 'd:1' }])
  const state = jointState(firstState(first), next)
  const layouts = new Layouts({ partitionCount: 1024, key: KEY, first: state, self: 'a:1' })
  const moving = layouts.moving()
  t.equal(moving.length, planMoves(first, next).partitions.length)
  t.ok(moving.every(({ after }) => after.includes(3)))
  t.equal(layouts.gainedBy(0, settledState(state)).length, 0)
})
