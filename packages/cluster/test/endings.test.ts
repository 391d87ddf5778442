/** When something of a leaf has to go: told by a replica that was written to, and by one just opened. */
import { Version } from '@minivault/clock'
import t from 'tap'
import { endsAtMs } from '../src/endings.ts'
import { DURABILITY, type HeldRecord, type Key, Ledger, Marks, Replica, ZERO } from '../src/index.ts'
import { MemoryLog } from '../src/testing/index.ts'
import { Trees } from '../src/trees.ts'

const PARTITION = 7

function keyOf(number: number, leaf: number): Key {
  return { id: `k${number}`, high: number, low: number, partition: PARTITION, leaf }
}

function recordOf(ms: number, isTombstone: boolean, expiresAtMs = 0): HeldRecord {
  const ballot = Version.of(ms, 0, 1)
  const value = isTombstone ? null : { bytes: 0 }
  return { ballot, version: ballot, request: ballot, value, expiresAtMs, sum: null }
}

function open(store: MemoryLog): Replica {
  return new Replica(store, new Ledger(ZERO, 64), new Trees(), new Marks(store))
}

const RECORDS: readonly [Key, HeldRecord][] = [
  [keyOf(1, 0), recordOf(50, false)],
  [keyOf(2, 1), recordOf(55, true)],
  [keyOf(3, 1), recordOf(40, true)],
  [keyOf(4, 2), recordOf(50, false, 90)],
  [keyOf(5, 3), recordOf(60, false, 20)],
]

/** Leaf by leaf. */
const EARLIEST = [Number.POSITIVE_INFINITY, 40, 90, 60, Number.POSITIVE_INFINITY]

function earliest({ endings }: Replica): number[] {
  return EARLIEST.map((_, leaf) => endings.earliestMs(PARTITION, leaf))
}

t.test('of what was offered or copied, and of what an open finds', async (t) => {
  const store = new MemoryLog()
  const replica = open(store)
  for (const [number, [key, record]] of RECORDS.entries()) {
    if (number % 2 === 0) replica.offer(key, record, DURABILITY.fsync)
    else replica.copy(key, record)
  }
  t.same(earliest(replica), EARLIEST)
  t.same(earliest(open(store)), EARLIEST)
  replica.endings.set(PARTITION, 1, 55)
  t.equal(replica.endings.earliestMs(PARTITION, 1), 55, 'all of the leaf was looked at')
  replica.drop(PARTITION)
  t.ok(earliest(replica).every((atMs) => atMs === Number.POSITIVE_INFINITY))
})

t.test('nothing goes before both its ballot and its expiry are past', async (t) => {
  t.equal(endsAtMs(50, true, 0), 50)
  t.equal(endsAtMs(50, false, 90), 90)
  t.equal(endsAtMs(50, false, 20), 50)
  t.equal(endsAtMs(50, false, 0), Number.POSITIVE_INFINITY)
})
