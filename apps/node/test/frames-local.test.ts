/**
 * The frame form's operations by their port: what waits for whose durability, and how scans share the node.
 */
import { Version } from '@minivault/clock'
import { ERROR, OUTCOME } from '@minivault/protocol'
import { DURABILITY } from '@minivault/storage'
import t from 'tap'
import { KIND, type Kind, type Operation, type ScanQuery } from '../src/key-value.ts'
import { SCANS_AT_ONCE_MAX, SCANS_WAITING_MAX } from '../src/limits.ts'
import { openReplica, type Replica } from './support/replica.ts'

const wrongVersion = (operation: Operation) => operation.expectedVersion.set(0, 0, 1)
const inMemory = (operation: Operation) => {
  operation.durability = DURABILITY.memory
}

function ask(replica: Replica, kind: Kind, key: string, fill: (operation: Operation) => void) {
  return replica.ask(kind, key, 'v', new Version(), 0, fill)
}

t.test('no answer tells of a record before that is durable', async (t) => {
  const replica = await openReplica(t)
  const asked: [string, Kind, (operation: Operation) => void][] = [
    ['a refused set', KIND.set, wrongVersion],
    [
      'a refused set at memory',
      KIND.set,
      (each) => {
        inMemory(each)
        wrongVersion(each)
      },
    ],
    ['a refused delete', KIND.delete, wrongVersion],
    ['a refused touch', KIND.touch, wrongVersion],
    ['a refused create', KIND.create, inMemory],
    ['an increment of a text', KIND.increment, inMemory],
    ['a touch at memory', KIND.touch, inMemory],
    ['what is known of it', KIND.get, (each) => (each.noValue = true)],
    ['a range of it', KIND.get, (each) => (each.rangeBytes = 1)],
  ]
  for (const [name, kind, fill] of asked) {
    const writing = replica.set('k', 'text')
    const asking = ask(replica, kind, 'k', fill)
    t.notOk(replica.answered, name)
    await Promise.all([writing, asking])
    const again = ask(replica, kind, 'k', fill)
    if (kind !== KIND.touch || fill === wrongVersion) t.ok(replica.answered, `${name}, once it is`)
    await again
  }
  await replica.set('n', '1')
  const count = ask(replica, KIND.increment, 'n', inMemory)
  t.ok(replica.answered, 'at memory nothing is waited for')
  t.equal((await count).sum, 1n)
  const counting = replica.set('n', '1')
  const next = ask(replica, KIND.increment, 'n', inMemory)
  t.notOk(replica.answered, 'unless the number it counts on from is not durable')
  await Promise.all([counting, next])
})

t.test('that a value has expired is told when its expiry is durable', async (t) => {
  const replica = await openReplica(t)
  await replica.set('k', 'long')
  const writing = ask(replica, KIND.set, 'k', (operation) => {
    operation.ttlMs = 1
  })
  const start = Date.now()
  while (Date.now() < start + 3);
  const deleting = replica.ask(KIND.delete, 'k')
  t.notOk(replica.answered, 'a crash could bring the value before it back')
  const touching = replica.ask(KIND.touch, 'k')
  t.notOk(replica.answered)
  await writing
  t.match(await deleting, { outcome: OUTCOME.ok, exists: false })
  t.match(await touching, { error: ERROR.KEY_NOT_FOUND })
})

function query(fill: Partial<ScanQuery>): (operation: Operation) => void {
  return (operation) => {
    operation.scan = {
      prefix: Buffer.alloc(0),
      from: null,
      fromExclusive: false,
      to: null,
      toInclusive: false,
      reverse: false,
      keysOnly: false,
      cursor: '',
      entriesMax: 1000,
      mayBegin: () => true,
      isWanted: () => true,
      take: () => true,
      ...fill,
    }
  }
}

t.test('a scan ends when nobody wants it any more', async (t) => {
  const replica = await openReplica(t)
  for (let index = 0; index < 50; index++) await ask(replica, KIND.set, `k${index}`, inMemory)
  let taken = 0
  const take = () => ++taken > 0
  await ask(replica, KIND.scan, '', query({ take, isWanted: () => taken < 10 }))
  t.equal(taken, 10)
  const page = await ask(replica, KIND.scan, '', query({ take: () => ++taken < 21 }))
  t.ok(page.cursor !== null, 'a full page says how to go on')
  const rest = await ask(replica, KIND.scan, '', query({ cursor: page.cursor!, take }))
  t.equal(rest.cursor, null)
  t.equal(taken, 21 + 40)
})

t.test('so many scans wait for their turn, and no more', async (t) => {
  const replica = await openReplica(t)
  await ask(replica, KIND.set, 'k', inMemory)
  const count = SCANS_AT_ONCE_MAX + SCANS_WAITING_MAX
  const scans = Array.from({ length: count + 1 }, () => ask(replica, KIND.scan, '', query({})))
  t.match(await scans.at(-1), { outcome: OUTCOME.failed, error: ERROR.OVERLOADED })
  const answers = await Promise.all(scans.slice(0, count))
  t.ok(answers.every(({ error }) => error === 0))
  const late = ask(replica, KIND.scan, '', query({ mayBegin: () => false }))
  t.match(await late, { error: ERROR.TIMEOUT })
})
