/**
 * The power is cut before and after every single call to the disk of a workload of forty operations with
 * blobs and merges. Afterwards each key must hold what was confirmed last at `fsync`, or something that was
 * asked for after that: nothing lost, nothing invented. The control forgets to fsync and must be caught.
 */
import { MemoryFileSystem } from '@minivault/wal/testing'
import fc from 'fast-check'
import t from 'tap'
import type { DurabilityName, StorageError, Store } from '../src/index.ts'
import { noise } from '../src/testing/index.ts'
import { ForgetfulDisk, openOn, print, until } from './fixtures/crashing-store.ts'

/** What each key may hold: the state confirmed last at fsync, then all that was asked for since. */
class Ledger {
  /** The second control: believes that `os` survives a power cut. */
  trustsOs = false
  readonly #allowed = new Map<string, (string | undefined)[]>()

  asked(key: string, value: string | undefined): void {
    this.of(key).push(value)
  }

  /** Everything before this one is history. */
  confirmed(key: string, value: string | undefined, level: DurabilityName): void {
    if (level === 'fsync' || this.trustsOs)
      this.#allowed.set(key, this.of(key).slice(this.of(key).lastIndexOf(value)))
  }

  of(key: string): (string | undefined)[] {
    let allowed = this.#allowed.get(key)
    if (allowed === undefined) this.#allowed.set(key, (allowed = [undefined]))
    return allowed
  }
}

const KEYS = ['a', 'b', 'c', 'd', 'e']

function payloadOf(n: number): Uint8Array {
  // Every sixth is too long for the log of this test and gets a file.
  return noise(n % 6 === 4 ? 1500 + n : 20 + ((n * 37) % 400), n + 1)
}

async function workload(disk: MemoryFileSystem, ledger: Ledger): Promise<void> {
  let store = await until(disk, openOn(disk, 2))
  for (let n = 0; n < 40; n++) {
    const key = KEYS[(n * 7) % KEYS.length]!
    const level: DurabilityName = n % 2 === 1 ? 'os' : 'fsync'
    if (n % 11 === 10) {
      ledger.asked(key, undefined)
      const existed = await until(disk, store.delete(key, { durability: level }))
      if (existed) ledger.confirmed(key, undefined, level)
    } else {
      const value = payloadOf(n)
      ledger.asked(key, print(value))
      await until(disk, store.set(key, value, { durability: level }))
      ledger.confirmed(key, print(value), level)
    }
    if (n % 13 === 12) await until(disk, store.merge())
    if (n === 25) {
      await until(disk, store.close())
      store = await until(disk, openOn(disk, 3))
    }
  }
  await until(disk, store.close())
}

/** Null: all is well. */
async function verify(disk: MemoryFileSystem, ledger: Ledger): Promise<string | null> {
  let store: Store
  try {
    store = await until(disk, openOn(disk, 4))
  } catch (error) {
    return `does not open: ${error}`
  }
  for (const key of KEYS) {
    let held: string | undefined
    try {
      held = print(await until(disk, store.get(key)))
    } catch (error) {
      return `${key}: ${error}`
    }
    if (!ledger.of(key).includes(held)) return `${key} holds ${held?.length} bytes that it must not hold`
  }
  await until(disk, store.close())
  return null
}

async function crashAt(
  disk: MemoryFileSystem,
  call: number,
  what: 'crash-before' | 'crash-after',
  trustsOs = false,
): Promise<string | null> {
  const ledger = new Ledger()
  ledger.trustsOs = trustsOs
  disk.fault = { call, what }
  try {
    await workload(disk, ledger)
  } catch (error) {
    if (!disk.crashed) return String(error)
  }
  disk.restart(call)
  return verify(disk, ledger)
}

t.test('power cut at every call to the disk', async (t) => {
  const disk = new MemoryFileSystem()
  await workload(disk, new Ledger())
  const { calls } = disk
  t.ok(calls > 200, `${calls} calls`)
  const problems: string[] = []
  for (let call = 1; call <= calls; call++) {
    for (const what of ['crash-before', 'crash-after'] as const) {
      const problem = await crashAt(new MemoryFileSystem(), call, what)
      if (problem !== null) problems.push(`${what} call ${call} (${disk.history[call - 1]}): ${problem}`)
    }
  }
  t.same(problems.slice(0, 5), [])
})

t.test('the control: a disk that forgets to sync is caught', async (t) => {
  let caught = 0
  for (let call = 40; call < 300; call += 10) {
    if ((await crashAt(new ForgetfulDisk(), call, 'crash-after')) !== null) caught += 1
  }
  t.ok(caught > 5, `caught ${caught} times`)
  let trusting = 0
  for (let call = 40; call < 300; call += 2) {
    if ((await crashAt(new MemoryFileSystem(), call, 'crash-after', true)) !== null) trusting += 1
  }
  t.ok(trusting > 3, `os taken for fsync is caught ${trusting} times`)
})

t.test('a failed sync makes the store read-only, reads go on', async (t) => {
  for (const [what, code] of [
    ['EIO', 'STORAGE_READ_ONLY'],
    ['ENOSPC', 'STORAGE_DISK_FULL'],
  ] as const) {
    const disk = new MemoryFileSystem()
    const store = await until(disk, openOn(disk))
    await until(disk, store.set('a', 'kept'))
    disk.fault = { call: disk.calls + 1, what }
    await t.rejects(until(disk, store.set('b', 'lost')), { code })
    await t.rejects(until(disk, store.set('c', 'refused')), { code })
    t.equal(store.error?.code, code)
    t.equal(print(await until(disk, store.get('a'))), 'kept')
    await t.rejects(until(disk, store.get('b')), { code }, 'what was never acknowledged is not shown')
    await until(
      disk,
      store.close().catch((error: StorageError) => t.equal(error.code, code)),
    )
  }
})

t.test('any operations: the engine equals a Map', async (t) => {
  const operation = fc.oneof(
    {
      weight: 6,
      arbitrary: fc.record({
        kind: fc.constant('set' as const),
        key: fc.nat(7),
        size: fc.nat(1400),
        level: fc.constantFrom('memory' as const, 'os' as const, 'fsync' as const),
      }),
    },
    { weight: 3, arbitrary: fc.record({ kind: fc.constant('delete' as const), key: fc.nat(7) }) },
    { weight: 1, arbitrary: fc.record({ kind: fc.constantFrom('merge' as const, 'reopen' as const) }) },
  )
  await fc.assert(
    fc.asyncProperty(fc.array(operation, { maxLength: 60 }), async (operations) => {
      const disk = new MemoryFileSystem()
      const model = new Map<string, string>()
      let store = await openOn(disk)
      for (const [n, step] of operations.entries()) {
        if (step.kind === 'merge') await until(disk, store.merge())
        if (step.kind === 'reopen') {
          await until(disk, store.close())
          store = await until(disk, openOn(disk, n + 10))
        }
        if (step.kind === 'set') {
          const value = noise(step.size, n + 1)
          model.set(`k${step.key}`, print(value)!)
          await until(disk, store.set(`k${step.key}`, value, { durability: step.level }))
        }
        if (step.kind === 'delete') {
          const existed = model.delete(`k${step.key}`)
          if ((await until(disk, store.delete(`k${step.key}`))) !== existed) return false
        }
        for (let key = 0; key < 8; key++) {
          if (print(await until(disk, store.get(`k${key}`))) !== model.get(`k${key}`)) return false
          if (print(store.getSync(`k${key}`)) !== model.get(`k${key}`)) return false
        }
      }
      await until(disk, store.close())
      return true
    }),
    { numRuns: 60 },
  )
  t.pass('60 runs')
})

t.test('a merge drops no record whose successor is not durable', async (t) => {
  for (let turns = 0; turns < 24; turns++) {
    const disk = new MemoryFileSystem()
    let store = await until(disk, openOn(disk))
    await until(disk, store.set('a', 'one'))
    for (let i = 0; i < 6; i++) await until(disk, store.set('other', noise(300, i + 1)))
    const merged = store.merge()
    for (let i = 0; i < turns; i++) await new Promise(setImmediate)
    await store.set('a', 'two', { durability: 'memory' })
    await until(disk, merged)
    disk.restart(turns)
    store = await until(disk, openOn(disk, 5))
    t.ok(
      ['one', 'two'].includes(print(await until(disk, store.get('a'))) ?? ''),
      `overtaken in turn ${turns}`,
    )
    await until(disk, store.close())
  }
})
