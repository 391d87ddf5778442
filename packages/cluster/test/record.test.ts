/** When two replicas say the same of a key. */
import { Version } from '@minivault/clock'
import t from 'tap'
import { absentAt, type HeldRecord, higher, isAbsent, isSame, NEVER } from '../src/record.ts'

const v = (wallMs: number) => Version.of(wallMs, 0, 1)

function held(ballot: number, version: number, text: string | null): HeldRecord {
  const value = text === null ? null : { bytes: text.length }
  return { ballot: v(ballot), version: v(version), request: v(version), value, expiresAtMs: 0, sum: null }
}

function same(a: HeldRecord, b: HeldRecord): boolean {
  if (isSame(a, b) !== isSame(b, a)) throw new Error('the order of two must not matter')
  return isSame(a, b)
}

t.test('records are the same by their ballots', async (t) => {
  t.ok(same(held(20, 20, 'x'), { ...held(20, 20, 'x'), value: undefined }), 'with and without the value')
  t.notOk(same(held(20, 20, 'x'), held(30, 20, 'x')), 'one version under two ballots')
})

t.test('nothing is the same as nothing, whatever the floors', async (t) => {
  t.ok(isAbsent(NEVER))
  t.ok(same(NEVER, absentAt(v(10))))
  t.ok(same(absentAt(v(20)), absentAt(v(10))))
})

t.test('nothing is the same as a tombstone that its floor stands for', async (t) => {
  t.ok(same(absentAt(v(10)), held(10, 10, null)))
  t.ok(same(absentAt(v(10)), held(9, 9, null)))
  t.notOk(same(absentAt(v(10)), held(11, 11, null)), 'deleted again, above the floor')
  t.notOk(same(NEVER, held(10, 10, null)), 'there is no floor')
  t.notOk(same(absentAt(v(10)), held(9, 9, 'x')), 'a value is no tombstone')
  t.notOk(same(absentAt(v(10)), { ...held(9, 9, 'x'), value: undefined }), 'nor is one that was not sent')
})

t.test('the higher of two', async (t) => {
  t.equal(higher(v(10), v(20)).wallMs, 20)
  t.equal(higher(v(20), v(10)).wallMs, 20)
})
