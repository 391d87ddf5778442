import { hashKey } from '@minivault/codec'
import { DURABILITY, VALUE_TYPE } from '@minivault/storage'
import t, { type Test } from 'tap'
import { TombstoneSweep } from '../src/cluster/tombstone-sweep.ts'
import { KIND, type Kind, Operation } from '../src/key-value.ts'
import { TOMBSTONE_AGE_MS } from '../src/limits.ts'
import { until } from './support/large-transfers.ts'
import { PLACEMENT, Trio } from './support/trio.ts'

/** Three members, the sweep of the first, and a clock that can be put on. */
function sweptTrio(t: Test) {
  let laterMs = 0
  const trio = new Trio(() => Date.now() + laterMs)
  t.teardown(() => trio.close())
  const [first] = trio.members as [(typeof trio.members)[0]]
  let told: () => void = () => {}
  first.openPort(() => told())
  let found = 0
  const sweep = new TombstoneSweep({
    core: first.core,
    replica: {
      keysIn: (partition, leaf) => first.store.keysIn(partition, leaf),
      find: (key) => {
        found += 1
        return first.store.find(key)
      },
    },
    placement: PLACEMENT,
    self: 0,
    wallMs: () => first.wallMs(),
  })
  return {
    trio,
    later: (ms: number) => {
      laterMs += ms
    },
    /** Everything is looked at, some of it more than once. */
    sweepAll: async () => {
      for (let n = 0; n < 600; n++) {
        sweep.onTick()
        if (n % 10 === 0) await new Promise(setImmediate)
      }
    },
    ask: (kind: Kind, key: string, ttlMs = 0) => {
      const operation = new Operation()
      const bytes = Buffer.from(key)
      operation.begin(kind, bytes, 0, bytes.length, DURABILITY.fsync)
      operation.ttlMs = ttlMs
      hashKey(bytes, 0, bytes.length, operation.hash)
      if (kind === KIND.set) operation.setValue(Buffer.from('v'), 0, 1, VALUE_TYPE.raw)
      return new Promise<void>((resolve) => {
        told = resolve
        first.keyValue.submit(operation, 0)
      })
    },
    /** So often was a record looked for. */
    found: () => found,
    held: () => trio.members.map(({ store }) => [...store.keys()].length),
  }
}

t.test('what was deleted long ago is let go of by all; what is there stays', async (t) => {
  const { ask, later, sweepAll, held } = sweptTrio(t)
  for (const key of ['a', 'b', 'stays']) await ask(KIND.set, key)
  await ask(KIND.set, 'expires', 1000)
  for (const key of ['a', 'b']) await ask(KIND.delete, key)
  t.ok(await until(() => held().join() === '4,4,4'))
  await sweepAll()
  t.same(held(), [4, 4, 4], 'not yet')
  later(TOMBSTONE_AGE_MS + 10_000)
  t.ok(
    await until(() => {
      void sweepAll()
      return held().join() === '1,1,1'
    }),
  )
})

t.test('nothing is read where nothing is old', async (t) => {
  const { ask, later, sweepAll, held, found } = sweptTrio(t)
  for (let number = 0; number < 50; number++) await ask(KIND.set, `key ${number}`)
  await ask(KIND.set, 'gone')
  await ask(KIND.delete, 'gone')
  await ask(KIND.set, 'expires', 1000)
  await ask(KIND.set, 'was to expire', 1000)
  await ask(KIND.set, 'was to expire')
  t.ok(await until(() => held().join() === '53,53,53'))
  await sweepAll()
  t.equal(found(), 0)
  later(TOMBSTONE_AGE_MS + 10_000)
  t.ok(
    await until(() => {
      void sweepAll()
      return held().join() === '51,51,51'
    }),
  )
  await sweepAll()
  await sweepAll()
  const foundBefore = found()
  t.ok(foundBefore > 0)
  await sweepAll()
  await sweepAll()
  t.equal(found(), foundBefore)
})

t.test('not while one of those who hold it is away', async (t) => {
  const { trio, ask, later, sweepAll, held } = sweptTrio(t)
  await ask(KIND.set, 'a')
  await ask(KIND.delete, 'a')
  t.ok(await until(() => held().join() === '1,1,1'))
  trio.down.add(2)
  later(TOMBSTONE_AGE_MS + 10_000)
  await sweepAll()
  t.same(held(), [1, 1, 1])
  trio.down.delete(2)
  t.ok(
    await until(() => {
      void sweepAll()
      return held().join() === '0,0,0'
    }, 30_000),
  )
})
