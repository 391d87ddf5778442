/** Keys and values: what is set is there, byte for byte, until it is overwritten or deleted. */

import { bytes, type ContractCases, noise, sameBytes, text } from './contract-run.ts'

export const valueCases: ContractCases = {
  'a key that was never set': async (t, { store }) => {
    t.equal(await store.get('a'), undefined)
    t.equal(store.getSync('a'), undefined)
    t.equal(store.view('a'), undefined)
    t.equal(store.getInto('a', new Uint8Array(4)), -1)
    t.equal(await store.getEntry('a'), undefined)
    t.equal(await store.has('a'), false)
    t.equal(await store.delete('a'), false)
  },

  'set, overwrite, delete, set again': async (t, run) => {
    const first = await run.store.set('k', 'one')
    const second = await run.store.set('k', 'two')
    t.ok(second.version > first.version, 'versions grow')
    t.equal(text(await run.store.get('k')), 'two')
    t.equal((await run.store.getEntry('k'))?.version, second.version)
    await run.reopen()
    t.equal(text(run.store.getSync('k')), 'two')
    t.equal((await run.store.getEntry('k'))?.version, second.version)
    t.equal(await run.store.delete('k'), true)
    t.equal(await run.store.has('k'), false)
    t.equal(await run.store.delete('k'), false)
    await run.reopen()
    t.equal(await run.store.get('k'), undefined, 'a deleted key stays deleted')
    await run.store.merge()
    t.equal(await run.store.get('k'), undefined, 'and through a merge')
    await run.reopen()
    t.equal(await run.store.get('k'), undefined)
    await run.store.set('k', 'three')
    t.equal(text(run.store.view('k')), 'three')
  },

  'keys are bytes, 1 to 65,535 of them': async (t, run) => {
    const keys = ['../x', '\0', 'a', 'A', 'é', 'é', '//', 'x'.repeat(65_535)].map(bytes)
    keys.push(Uint8Array.of(0xff), Uint8Array.of(0xff, 0xff), Uint8Array.of(0))
    for (const [i, key] of keys.entries()) await run.store.set(key, `value ${i}`)
    await run.reopen()
    for (const [i, key] of keys.entries()) {
      const wanted = keys.findLastIndex((other) => Buffer.compare(other, key) === 0)
      t.equal(text(await run.store.get(key)), `value ${wanted}`, `key ${i}`)
    }
    await t.rejects(run.store.set('', 'x'), { code: 'STORAGE_KEY_LENGTH' })
    await t.rejects(run.store.get(new Uint8Array(65_536)), { code: 'STORAGE_KEY_LENGTH' })
  },

  'values of every size and kind': async (t, run) => {
    const sizes = [0, 1, 7, 8, 9, 1023, 1024, 1025, 65_536, 300_000, (1 << 20) + 1]
    const values = sizes.flatMap((size) => [noise(size, size + 1), new Uint8Array(size).fill(120)])
    for (const [i, value] of values.entries()) await run.store.set(`v${i}`, value, { type: (i & 1) as 0 | 1 })
    for (let round = 0; round < 2; round++) {
      for (const [i, value] of values.entries()) {
        const entry = await run.store.getEntry(`v${i}`)
        t.ok(sameBytes(entry?.value, value), `value ${i} of ${value.length} bytes`)
        t.equal(entry?.type, i & 1)
        t.ok(sameBytes(run.store.getSync(`v${i}`), value))
      }
      await run.store.merge()
      await run.reopen()
    }
    const target = new Uint8Array(4)
    t.equal(run.store.getInto('v2', target), 1)
    t.equal(run.store.getInto('v10', target), 1023, 'the whole length, though less was copied')
  },

  'what was handed in and out belongs to the caller': async (t, { store }) => {
    const value = bytes('mine')
    const written = store.set('k', value)
    value.fill(0)
    await written
    const got = await store.get('k')
    t.equal(text(got), 'mine')
    got?.fill(0)
    t.equal(text(await store.get('k')), 'mine')
  },
}

export const closingCases: ContractCases = {
  'a closed store says so': async (t, { store }) => {
    await store.set('k', 'v')
    const scan = store.scan()
    await store.close()
    await store.close()
    const asked = {
      set: () => store.set('k', 'v'),
      get: () => store.get('k'),
      getEntry: () => store.getEntry('k'),
      getMany: () => store.getMany(['k']),
      getManyOfNone: () => store.getMany([]),
      has: () => store.has('k'),
      delete: () => store.delete('k'),
      touch: () => store.touch('k', {}),
      increment: () => store.increment('k'),
      batch: () => store.batch([{ type: 'delete', key: 'k' }]),
      emptyBatch: () => store.batch([]),
      scan: async () => store.scan().next(),
      openScan: () => scan.next(),
      setStream: () => store.setStream('k', new Blob(['x']).stream()),
      getStream: () => store.getStream('k'),
      merge: () => store.merge(),
      sync: () => store.sync(),
    }
    for (const [name, ask] of Object.entries(asked)) {
      await t.rejects(ask(), { name: 'StorageError', code: 'STORAGE_CLOSED' }, name)
    }
  },
}
