/** Writes that depend on what is there: conditions, expiry, increments; and many keys at once. */

import type { BatchOperation } from '../batch-operations.ts'
import { bytes, type ContractCases, noise, sameBytes, text } from './contract-run.ts'

const OPTION = { code: 'STORAGE_OPTION' }
const NO_VERSION = '0123456789abcdef01234567'

export const conditionCases: ContractCases = {
  ifAbsent: async (t, run) => {
    const { version } = await run.store.set('k', 'one', { ifAbsent: true })
    await run.reopen()
    await t.rejects(run.store.set('k', 'two', { ifAbsent: true }), { code: 'STORAGE_CONDITION', version })
    t.equal(text(await run.store.get('k')), 'one')
    await run.store.delete('k')
    await run.reopen()
    await run.store.set('k', 'three', { ifAbsent: true })
    t.equal(text(await run.store.get('k')), 'three', 'a deleted key is absent')
    await run.store.set('k', 'four', { ifAbsent: false })
    t.equal(text(await run.store.get('k')), 'four', 'false asks for nothing')
    const tries = Array.from({ length: 8 }, (_, i) => run.store.set('race', `${i}`, { ifAbsent: true }))
    const done = (await Promise.allSettled(tries)).filter(({ status }) => status === 'fulfilled')
    t.equal(done.length, 1, 'one of many at once wins')
    t.equal(text(await run.store.get('race')), '0', 'the first')
  },

  ifVersion: async (t, run) => {
    const missing = { code: 'STORAGE_CONDITION', version: undefined }
    await t.rejects(run.store.set('k', 'x', { ifVersion: NO_VERSION }), missing)
    const one = await run.store.set('k', 'one')
    const two = await run.store.set('k', 'two', { ifVersion: one.version })
    t.ok(two.version > one.version)
    await run.reopen()
    const passed = { code: 'STORAGE_CONDITION', version: two.version }
    await t.rejects(run.store.set('k', 'three', { ifVersion: one.version }), passed)
    await t.rejects(run.store.delete('k', { ifVersion: one.version }), passed)
    t.equal(text(await run.store.get('k')), 'two', 'nothing was written')
    t.equal(await run.store.delete('k', { ifVersion: two.version }), true)
    await t.rejects(run.store.delete('k', { ifVersion: two.version }), missing)
    await t.rejects(run.store.set('k', 'x', { ifVersion: two.version }), missing)
    t.equal(await run.store.has('k'), false)
  },

  'conditions that cannot be': async (t, { store }) => {
    await t.rejects(store.set('k', 'v', { ifAbsent: true, ifVersion: NO_VERSION }), OPTION)
    await t.rejects(store.set('k', 'v', { ifVersion: 'latest' }), OPTION)
    await t.rejects(store.delete('k', { ifVersion: '' }), OPTION)
    t.equal(await store.has('k'), false)
  },
}

export const expiryCases: ContractCases = {
  'an expired value is not there for anyone': async (t, run) => {
    await run.store.set('ttl', 'a', { ttlMs: 1000 })
    const due = run.nowMs + 1000
    await run.store.set('at', 'b', { expiresAtMs: due })
    await run.store.set('never', 'c', { expiresAtMs: 0 })
    await run.store.set('past', 'd', { expiresAtMs: run.nowMs })
    t.equal(await run.store.has('past'), false, 'in the past: gone at once')
    run.nowMs = due - 1
    await run.reopen()
    t.equal((await run.store.getEntry('ttl'))?.expiresAtMs, due)
    t.equal((await run.store.getEntry('at'))?.expiresAtMs, due)
    t.equal((await run.store.getEntry('never'))?.expiresAtMs, 0)
    run.nowMs = due
    for (const round of ['expired', 'reopened', 'merged']) {
      for (const key of ['ttl', 'at', 'past']) {
        t.equal(await run.store.get(key), undefined, `${key}, ${round}`)
        t.equal(run.store.getSync(key), undefined)
        t.equal(run.store.view(key), undefined)
        t.equal(run.store.getInto(key, new Uint8Array(1)), -1)
        t.equal(await run.store.getEntry(key), undefined)
        t.equal(await run.store.has(key), false)
        t.equal(await run.store.touch(key, { ttlMs: 1000 }), false)
        t.equal(await run.store.delete(key), false)
        t.same(await run.store.getMany([key]), [undefined])
        const condition = { code: 'STORAGE_CONDITION', version: undefined }
        await t.rejects(run.store.set(key, 'x', { ifVersion: NO_VERSION }), condition)
      }
      if (round === 'reopened') await run.store.merge()
      else await run.reopen()
    }
    await run.store.set('ttl', 'again', { ifAbsent: true })
    t.equal(text(await run.store.get('ttl')), 'again')
    t.equal(await run.store.increment('at'), 1n, 'counts from zero')
    t.equal(text(await run.store.get('never')), 'c')
  },

  'a plain set lifts the expiry': async (t, run) => {
    await run.store.set('k', 'a', { ttlMs: 10 })
    await run.store.set('k', 'b')
    run.nowMs += 10
    await run.reopen()
    t.equal(text(await run.store.get('k')), 'b')
  },

  'touch sets and removes the expiry, and nothing else': async (t, run) => {
    const value = noise(3000)
    const { version } = await run.store.set('k', value, { type: 1 })
    t.equal(await run.store.touch('k', { ttlMs: 50 }), true)
    await run.reopen()
    const touched = await run.store.getEntry('k')
    t.ok(sameBytes(touched?.value, value))
    t.equal(touched?.type, 1)
    t.equal(touched?.expiresAtMs, run.nowMs + 50)
    t.ok(touched!.version > version, 'a touch is a write')
    t.equal(await run.store.touch('k', {}), true)
    run.nowMs += 60
    t.ok(sameBytes(await run.store.get('k'), value), 'no expiry any more')
    t.equal(await run.store.touch('k', { expiresAtMs: run.nowMs + 1 }), true)
    await run.reopen()
    run.nowMs += 1
    t.equal(await run.store.get('k'), undefined)
    t.equal(await run.store.touch('k', {}), false, 'what has expired stays gone')
    await run.store.set('large', noise(2 << 20))
    t.equal(await run.store.touch('large', { ttlMs: 50 }), true)
    await run.reopen()
    t.ok(sameBytes(await run.store.get('large'), noise(2 << 20)))
    await run.store.touch('large', { expiresAtMs: run.nowMs })
    t.equal(await run.store.has('large'), false, 'in the past: gone at once')
  },

  'expiries that cannot be': async (t, { store }) => {
    await store.set('k', '1')
    for (const ttlMs of [0, -1, 1.5, Number.NaN, Number.POSITIVE_INFINITY]) {
      await t.rejects(store.set('k', '2', { ttlMs }), OPTION, `ttlMs ${ttlMs}`)
      await t.rejects(store.touch('k', { ttlMs }), OPTION)
      await t.rejects(store.increment('k', 1, { ttlMs }), OPTION)
    }
    for (const expiresAtMs of [-1, 0.5, Number.NaN, 2 ** 60]) {
      await t.rejects(store.set('k', '2', { expiresAtMs }), OPTION, `expiresAtMs ${expiresAtMs}`)
    }
    await t.rejects(store.set('k', '2', { ttlMs: 5, expiresAtMs: 5 }), OPTION)
    t.equal(text(await store.get('k')), '1')
    t.equal((await store.getEntry('k'))?.expiresAtMs, 0)
  },
}

export const incrementCases: ContractCases = {
  'increment counts in decimal text': async (t, run) => {
    t.equal(await run.store.increment('n'), 1n)
    t.equal(await run.store.increment('n', 41), 42n)
    t.equal(await run.store.increment('n', -50n), -8n)
    t.equal(text(await run.store.get('n')), '-8')
    await run.reopen()
    t.equal(await run.store.increment('n', 0), -8n)
    await run.store.set('n', '9007199254740993')
    t.equal(await run.store.increment('n'), 9007199254740994n, 'past the safe integers')
    const sums = await Promise.all(Array.from({ length: 50 }, () => run.store.increment('many')))
    t.same(
      sums,
      Array.from({ length: 50 }, (_, i) => BigInt(i + 1)),
      'at once',
    )
  },

  'increment keeps to signed 64 bits': async (t, { store }) => {
    const notANumber = { code: 'STORAGE_NOT_A_NUMBER' }
    const max = 2n ** 63n - 1n
    t.equal(await store.increment('n', max), max)
    await t.rejects(store.increment('n'), notANumber)
    t.equal(text(await store.get('n')), `${max}`, 'as it was')
    t.equal(await store.increment('m', -max - 1n), -max - 1n)
    await t.rejects(store.increment('m', -1), notANumber)
    await t.rejects(store.increment('l', max + 1n), notANumber)
    t.equal(await store.has('l'), false)
    for (const value of ['', 'x', '1.0', ' 1', '1 ', '+1', '01', '-0', '-', `${max + 1n}`, '1'.repeat(99)]) {
      await store.set('v', value)
      await t.rejects(store.increment('v', -1), notANumber, JSON.stringify(value))
      t.equal(text(await store.get('v')), value)
    }
    for (const by of [0.5, Number.NaN, 2 ** 53]) await t.rejects(store.increment('m', by), OPTION, `by ${by}`)
  },

  'increment: the expiry is that of the key once it is made': async (t, run) => {
    await run.store.increment('n', 5, { ttlMs: 100 })
    const due = run.nowMs + 100
    await run.store.increment('n', 5, { ttlMs: 900 })
    await run.store.increment('n')
    t.equal((await run.store.getEntry('n'))?.expiresAtMs, due)
    await run.reopen()
    run.nowMs = due
    t.equal(await run.store.get('n'), undefined)
    t.equal(await run.store.increment('n', 3), 3n)
    t.equal((await run.store.getEntry('n'))?.expiresAtMs, 0)
  },
}

export const batchCases: ContractCases = {
  'getMany answers in the order of its keys': async (t, run) => {
    await run.store.set('a', '1')
    await run.store.set('b', noise(70_000))
    await run.store.set('c', '')
    await run.reopen()
    const key = bytes('a')
    const asked = run.store.getMany(['c', key, 'nothing', 'b', 'a'])
    key.fill(0)
    const [c, a, nothing, b, again] = await asked
    t.same([text(c), text(a), nothing, text(again)], ['', '1', undefined, '1'])
    t.ok(sameBytes(b, noise(70_000)))
    t.same(await run.store.getMany([]), [])
    await t.rejects(run.store.getMany(['a', '']), { code: 'STORAGE_KEY_LENGTH' })
  },

  'a batch writes all of it, in order': async (t, run) => {
    await run.store.set('old', 'x')
    const value = new Uint8Array([118])
    const key = new Uint8Array([107])
    const written = run.store.batch([
      { type: 'set', key, value },
      { type: 'delete', key: 'old' },
      { type: 'delete', key: 'never' },
      { type: 'set', key: 'json', value: '{}', valueType: 1, ttlMs: 10 },
      { type: 'set', key: 'large', value: noise(70_000) },
      { type: 'set', key: 'twice', value: 'first' },
      { type: 'set', key: 'gone', value: 'soon' },
      { type: 'set', key: 'twice', value: 'second' },
      { type: 'delete', key: 'gone' },
      { type: 'delete', key: 'back' },
      { type: 'set', key: 'back', value: 'again' },
    ])
    value.fill(0)
    key.fill(0)
    const { versions } = await written
    t.equal(versions.length, 11)
    for (let round = 0; round < 2; round++) {
      const values = await run.store.getMany(['k', 'old', 'never', 'json', 'twice', 'gone', 'back'])
      t.same(values.map(text), ['v', undefined, undefined, '{}', 'second', undefined, 'again'])
      t.ok(sameBytes(await run.store.get('large'), noise(70_000)))
      const json = await run.store.getEntry('json')
      t.same([json?.version, json?.type, json?.expiresAtMs], [versions[3], 1, run.nowMs + 10])
      t.equal((await run.store.getEntry('twice'))?.version, versions[7])
      await run.reopen()
    }
    await run.store.set('twice', 'third', { ifVersion: versions[7]! })
    t.equal(text(await run.store.get('twice')), 'third')
    t.same(await run.store.batch([]), { versions: [] })
  },

  'a batch of many is seen as one': async (t, run) => {
    const keys = Array.from({ length: 1000 }, (_, i) => `key ${i}`)
    const all = (value: string) => keys.map((key): BatchOperation => ({ type: 'set', key, value }))
    await run.store.batch(all('old'))
    const written = run.store.batch(all('new'))
    const seen = new Set((await run.store.getMany(keys)).map(text))
    t.equal(seen.size, 1, 'while it is under way')
    await written
    await run.reopen()
    t.same(new Set((await run.store.getMany(keys)).map(text)), new Set(['new']))
    await run.store.batch(keys.map((key) => ({ type: 'delete', key })))
    await run.reopen()
    t.same(new Set(await run.store.getMany(keys)), new Set([undefined]))
  },

  'a batch with a wrong operation writes nothing': async (t, run) => {
    await run.store.set('there', 'x')
    const refused: [BatchOperation, string][] = [
      [{ type: 'set', key: '', value: 'v' }, 'STORAGE_KEY_LENGTH'],
      [{ type: 'delete', key: new Uint8Array(65_536) }, 'STORAGE_KEY_LENGTH'],
      [{ type: 'set', key: 'k', value: 'v', ttlMs: 0 }, 'STORAGE_OPTION'],
      [{ type: 'set', key: 'k', value: 'v', valueType: 7 as never }, 'STORAGE_OPTION'],
      [{ type: 'set', key: 'k', value: 5 as never }, 'STORAGE_OPTION'],
      [{ type: 'put', key: 'k', value: 'v' } as never, 'STORAGE_BATCH'],
      [null as never, 'STORAGE_BATCH'],
    ]
    for (const [wrong, code] of refused) {
      const batch = run.store.batch([
        { type: 'set', key: 'first', value: '1' },
        { type: 'delete', key: 'there' },
        wrong,
        { type: 'set', key: 'last', value: '2' },
      ])
      await t.rejects(batch, { code }, JSON.stringify(wrong)?.slice(0, 60))
    }
    await run.reopen()
    t.same(await run.store.getMany(['first', 'k', 'last']), [undefined, undefined, undefined])
    t.equal(text(await run.store.get('there')), 'x')
  },
}
