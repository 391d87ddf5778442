/** The ledger beside a list that forgets nothing. */
import { compareVersions, Version } from '@minivault/clock'
import fc from 'fast-check'
import t from 'tap'
import { Ledger } from '../src/ledger.ts'

const CAPACITY = 8
const v = (wallMs: number, writer = 1) => Version.of(wallMs, 0, writer)

t.test('what it held of a request, and what it promised to', async (t) => {
  const ledger = new Ledger(v(5), CAPACITY)
  ledger.addHeld(v(10), v(10), v(10), null)
  ledger.addHeld(v(20), v(20), v(20), 7n)
  ledger.addHeld(v(10), v(30), v(10), null)
  ledger.addAttempt(v(10), 2)
  const found = ledger.evidence(v(10)).map(({ ballot, version }) => [ballot.wallMs, version.wallMs])
  t.same(found, [
    [30, 10],
    [10, 10],
  ])
  t.equal(ledger.evidence(v(20))[0]!.sum, 7n)
  t.same([ledger.attempt(v(10)), ledger.attempt(v(20))], [2, 0])
  t.ok(ledger.hasHeld(v(10), v(30)))
  t.notOk(ledger.hasHeld(v(20), v(30)))
  t.equal(ledger.horizon.wallMs, 5)
})

t.test('the oldest is forgotten, and the horizon says so', async () => {
  fc.assert(
    fc.property(fc.array(fc.tuple(fc.nat(20), fc.nat(20)), { maxLength: 60 }), (added) => {
      const ledger = new Ledger(v(0), CAPACITY)
      for (const [request, ballot] of added) ledger.addHeld(v(request + 1), v(ballot + 1), v(1), null)
      const kept = added.slice(-CAPACITY)
      const forgotten = added.slice(0, -CAPACITY).map(([request]) => request + 1)
      if (ledger.horizon.wallMs !== Math.max(0, ...forgotten)) return false
      for (let request = 0; request <= 20; request++) {
        const wanted = kept.filter(([one]) => one === request).map(([, ballot]) => ballot + 1)
        const found = ledger.evidence(v(request + 1)).map(({ ballot }) => ballot.wallMs)
        if (found.join() !== wanted.reverse().join()) return false
      }
      return compareVersions(ledger.horizon, v(22)) < 0
    }),
  )
})
