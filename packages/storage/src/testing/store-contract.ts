/**
 * What every store must do on its simple door, whatever it is made of. `open` gives an empty store; the suite
 * closes it.
 */

import type { MemoryStore } from './memory-store.ts'

export type SimpleDoor = Pick<
  MemoryStore,
  'get' | 'getSync' | 'view' | 'getInto' | 'getEntry' | 'has' | 'set' | 'delete' | 'merge' | 'sync' | 'close'
>

/** The few assertions the suite needs; tap's `t` has them. */
export interface ContractTest {
  equal(found: unknown, wanted: unknown, message?: string): unknown
  same(found: unknown, wanted: unknown, message?: string): unknown
  rejects(promise: Promise<unknown>, wanted: { code: string }, message?: string): unknown
  ok(value: unknown, message?: string): unknown
}

/** What gives out such a `t` for each case: `test(name, body)`. */
export interface ContractHost {
  test(...named: never[]): unknown
}

export interface ContractOptions {
  /** Closes the store and opens the same data again, where there is data to open. */
  reopen?: (store: SimpleDoor) => Promise<SimpleDoor>
}

const bytes = (text: string) => new TextEncoder().encode(text)
const text = (value: Uint8Array | undefined) =>
  value === undefined ? undefined : new TextDecoder().decode(value)

/** Deterministic bytes that do not compress. */
export function noise(length: number, seed = 1): Uint8Array {
  const value = new Uint8Array(length)
  let state = seed | 0 || 1
  for (let i = 0; i < length; i++) {
    state ^= state << 13
    state ^= state >>> 17
    state ^= state << 5
    value[i] = state
  }
  return value
}

export function storeContract(
  host: ContractHost,
  open: () => Promise<SimpleDoor>,
  options: ContractOptions = {},
): void {
  const test = (name: string, body: (t: ContractTest) => Promise<void>) =>
    (host.test as (name: string, body: unknown) => unknown).call(host, name, body)
  const again = async (store: SimpleDoor) => (options.reopen ? options.reopen(store) : store)

  test('a key that was never set', async (t: ContractTest) => {
    const store = await open()
    t.equal(await store.get('a'), undefined)
    t.equal(store.getSync('a'), undefined)
    t.equal(store.view('a'), undefined)
    t.equal(store.getInto('a', new Uint8Array(4)), -1)
    t.equal(await store.getEntry('a'), undefined)
    t.equal(await store.has('a'), false)
    t.equal(await store.delete('a'), false)
    await store.close()
  })

  test('set, overwrite, delete, set again', async (t: ContractTest) => {
    let store = await open()
    const first = await store.set('k', 'one')
    const second = await store.set('k', 'two')
    t.ok(second.version > first.version, 'versions grow')
    t.equal(text(await store.get('k')), 'two')
    t.equal((await store.getEntry('k'))?.version, second.version)
    store = await again(store)
    t.equal(text(store.getSync('k')), 'two')
    t.equal(await store.delete('k'), true)
    t.equal(await store.has('k'), false)
    t.equal(await store.delete('k'), false)
    store = await again(store)
    t.equal(await store.get('k'), undefined, 'a deleted key stays deleted')
    await store.merge()
    t.equal(await store.get('k'), undefined, 'and through a merge')
    store = await again(store)
    t.equal(await store.get('k'), undefined)
    await store.set('k', 'three')
    t.equal(text(store.view('k')), 'three')
    await store.close()
  })

  test('keys are bytes, 1 to 65,535 of them', async (t: ContractTest) => {
    let store = await open()
    const keys = ['../x', '\0', 'a', 'A', 'é', 'é', '//', 'x'.repeat(65_535)].map(bytes)
    keys.push(Uint8Array.of(0xff), Uint8Array.of(0xff, 0xff), Uint8Array.of(0))
    for (const [i, key] of keys.entries()) await store.set(key, `value ${i}`)
    store = await again(store)
    for (const [i, key] of keys.entries()) {
      const wanted = keys.findLastIndex((other) => Buffer.compare(other, key) === 0)
      t.equal(text(await store.get(key)), `value ${wanted}`, `key ${i}`)
    }
    await t.rejects(store.set('', 'x'), { code: 'STORAGE_KEY_LENGTH' })
    await t.rejects(store.get(new Uint8Array(65_536)), { code: 'STORAGE_KEY_LENGTH' })
    await store.close()
  })

  test('values of every size and kind', async (t: ContractTest) => {
    let store = await open()
    const sizes = [0, 1, 7, 8, 9, 1023, 1024, 1025, 65_536, 300_000, (1 << 20) + 1]
    const values = sizes.flatMap((size) => [noise(size, size + 1), new Uint8Array(size).fill(120)])
    for (const [i, value] of values.entries()) await store.set(`v${i}`, value, { type: (i & 1) as 0 | 1 })
    for (let round = 0; round < 2; round++) {
      for (const [i, value] of values.entries()) {
        const entry = await store.getEntry(`v${i}`)
        t.ok(
          entry !== undefined && Buffer.compare(entry.value, value) === 0,
          `value ${i} of ${value.length} bytes`,
        )
        t.equal(entry?.type, i & 1)
        t.ok(Buffer.compare(store.getSync(`v${i}`)!, value) === 0)
      }
      await store.merge()
      store = await again(store)
    }
    const target = new Uint8Array(4)
    t.equal(store.getInto('v2', target), 1)
    t.equal(store.getInto('v10', target), 1023, 'the whole length, though less was copied')
    await store.close()
  })

  test('what was handed in and out belongs to the caller', async (t: ContractTest) => {
    const store = await open()
    const value = bytes('mine')
    const written = store.set('k', value)
    value.fill(0)
    await written
    const got = await store.get('k')
    t.equal(text(got), 'mine')
    got?.fill(0)
    t.equal(text(await store.get('k')), 'mine')
    await store.close()
  })

  test('a closed store says so', async (t: ContractTest) => {
    const store = await open()
    await store.set('k', 'v')
    await store.close()
    await store.close()
    await t.rejects(store.set('k', 'v'), { code: 'STORAGE_CLOSED' })
    await t.rejects(store.get('k'), { code: 'STORAGE_CLOSED' })
    await t.rejects(store.merge(), { code: 'STORAGE_CLOSED' })
  })
}
