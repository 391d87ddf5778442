/** Majorities, of one set and of two. */
import t from 'tap'
import { Electorate } from '../src/electorate.ts'

const SIZES = [1, 2, 3, 4, 5]

t.test('any two quorums meet, and what blocks is what leaves none', async (t) => {
  for (const size of SIZES) {
    const electorate = new Electorate(Array.from({ length: size }, (_, member) => member * 3))
    const { everybody } = electorate
    for (let bits = 0; bits <= everybody; bits++) {
      t.equal(electorate.isBlocking(bits), !electorate.isQuorum(everybody & ~bits), `${size}: ${bits} blocks`)
      for (let others = 0; others <= everybody; others++) {
        if ((bits & others) !== 0) continue
        t.notOk(electorate.isQuorum(bits) && electorate.isQuorum(others), `${size}: ${bits} and ${others}`)
      }
    }
  }
})

t.test('while a partition moves, a majority of both sets', async (t) => {
  const joint = new Electorate([0, 1, 2], [1, 2, 3])
  t.same(joint.members, [0, 1, 2, 3])
  t.ok(joint.isQuorum(0b0110), 'two that are in both')
  t.notOk(joint.isQuorum(0b0011), 'one of the new')
  t.ok(joint.isQuorum(0b1011))
  t.ok(joint.isBlocking(0b0011), 'two of the old')
  t.notOk(joint.isBlocking(0b1001))
  const before = new Electorate([0, 1, 2])
  const after = new Electorate([1, 2, 3])
  for (let bits = 0; bits <= 0b1111; bits++) {
    if (!joint.isQuorum(bits)) continue
    t.ok(before.isQuorum(bits & 0b0111), `${bits}: a quorum of the old`)
    t.ok(after.isQuorum(bits >> 1), `${bits}: a quorum of the new`)
  }
})
