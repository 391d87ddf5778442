/** What is written down for many keys, and read back after a restart. */
import { compareVersions, Version } from '@minivault/clock'
import t from 'tap'
import { lifeIn, Marks, MEMBERSHIP } from '../src/marks.ts'
import { KEY, MemoryLog } from '../src/testing/index.ts'

const v = (wallMs: number) => Version.of(wallMs, 0, 1)
const LEAF = { partition: KEY.partition, leaf: KEY.leaf }
const ELSEWHERE = { ...KEY, partition: 1 }

t.test('each kind only rises, in whatever order it is read back', async (t) => {
  const log = new MemoryLog()
  const marks = new Marks(log)
  t.ok(marks.promised(KEY).isZero())
  marks.note({ kind: 'fence', ...LEAF, ballot: v(30) })
  marks.note({ kind: 'fence', ...LEAF, ballot: v(20) })
  marks.note({ kind: 'promise', partition: 1, ballot: v(40) })
  marks.note({ kind: 'floor', ...LEAF, upTo: v(10), expiredBeforeMs: 7 })
  marks.note({ kind: 'floor', ...LEAF, upTo: v(5), expiredBeforeMs: 9 })
  marks.note({ kind: 'life', member: 3, life: 77 })
  marks.note({ kind: 'life', member: 3, life: 78 })
  marks.note({ kind: 'membership', partition: 1, membership: MEMBERSHIP.joining })
  marks.note({ kind: 'membership', partition: 1, membership: MEMBERSHIP.voting })
  for (const [name, one] of [['at once', marks] as const, ['read back', new Marks(log)] as const]) {
    t.equal(one.promised(KEY).wallMs, 30, name)
    t.equal(one.promised(ELSEWHERE).wallMs, 40, name)
    t.equal(one.promisedUpTo(0).wallMs, 30, name)
    t.equal(one.floorOf(KEY)!.upTo.wallMs, 10, name)
    t.equal(one.floorOf(KEY)!.expiredBeforeMs, 9, name)
    t.same([one.floorsIn(0).length, one.floorsIn(1).length], [1, 0], name)
    t.same([lifeIn(one.lives, 3), lifeIn(one.lives, 4)], [78, 0], name)
    t.equal(one.membershipOf(1), MEMBERSHIP.voting, name)
    t.equal(one.membershipOf(0), undefined, name)
    t.equal(compareVersions(one.highest, v(40)), 0, name)
  }
})

t.test('a floor that is only written holds when it is kept', async (t) => {
  const marks = new Marks(new MemoryLog())
  const floor = { kind: 'floor', ...LEAF, upTo: v(10), expiredBeforeMs: 0 } as const
  marks.write(floor)
  t.ok(marks.isNews(floor))
  t.equal(marks.floorOf(KEY), undefined)
  marks.keep(floor)
  t.notOk(marks.isNews(floor))
  t.equal(marks.floorOf(KEY)!.upTo.wallMs, 10)
})
