/** The highest ballot of each partition, whatever the order in which they come. */
import { Version } from '@minivault/clock'
import { PARTITIONS } from '@minivault/topology'
import t from 'tap'
import { HighestBallots } from '../src/cluster/stored/highest-ballots.ts'

t.test('only what is higher counts, in its partition alone', async (t) => {
  const highest = new HighestBallots()
  const last = PARTITIONS - 1
  t.ok(highest.of(last).isZero())
  const low = new Version(1, 2, 3)
  // Words are unsigned.
  const high = new Version(-1, 0, 0)
  highest.meet(last, low)
  highest.meet(last, high)
  highest.meet(last, low)
  t.same(highest.of(last), high)
  t.ok(highest.of(last - 1).isZero())
  highest.meet(0, low)
  t.same(highest.of(0), low)
})
