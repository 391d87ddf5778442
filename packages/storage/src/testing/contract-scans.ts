/** Scans: what is there, in the order of its bytes, as of the moment the scan began. */

import type { ScanOptions } from '../scan/scan-range.ts'
import { bytes, type ContractCases, type ContractTest, noise, sameBytes, text } from './contract-run.ts'
import type { SimpleDoor, SimpleScan } from './simple-door.ts'

const WRONG = { code: 'STORAGE_SCAN' }

const hex = (key: Uint8Array) => Buffer.from(key).toString('hex')

async function keysOf(store: SimpleDoor, options?: ScanOptions): Promise<string[]> {
  const keys: string[] = []
  for await (const { key } of store.scan(options)) keys.push(text(key)!)
  return keys
}

async function fill(store: SimpleDoor, names: readonly string[]): Promise<void> {
  for (const name of names) await store.set(name, `value of ${name}`)
}

export const scanCases: ContractCases = {
  'a scan gives all there is, in the order of its bytes': async (t, run) => {
    t.same(await keysOf(run.store), [], 'an empty store')
    const keys = ['b', 'a', 'B', 'aa', 'é', '\0', 'z'.repeat(300), 'ab', 'b\0'].map(bytes)
    keys.push(Uint8Array.of(0xff), Uint8Array.of(0xff, 0xff), Uint8Array.of(0xff, 0), Uint8Array.of(0x80))
    for (const [i, key] of keys.entries())
      await run.store.set(key, noise(i * 100), { type: (i & 1) as 0 | 1 })
    await run.store.set('gone', 'x')
    await run.store.delete('gone')
    await run.store.set('due', 'x', { ttlMs: 1 })
    const kept = await run.store.set('kept', 'x', { ttlMs: 1000 })
    run.nowMs += 1
    await run.reopen()
    const wanted = [...keys, bytes('kept')].sort(Buffer.compare)
    const found = await run.store.scan().nextPage(1000)
    t.same(
      found.map(({ key }) => hex(key)),
      wanted.map(hex),
      'forwards',
    )
    for (const entry of found) {
      const i = keys.findIndex((key) => sameBytes(entry.key, key))
      if (i === -1) {
        const { key, value, version, type, expiresAtMs } = entry
        t.same(
          [text(key), text(value), version, type, expiresAtMs],
          ['kept', 'x', kept.version, 0, run.nowMs + 999],
        )
      } else {
        const whole = await run.store.getEntry(entry.key)
        t.ok(sameBytes(entry.value, noise(i * 100)), `value ${i}`)
        t.same([entry.version, entry.type, entry.expiresAtMs], [whole?.version, i & 1, 0])
      }
    }
    const backwards = await run.store.scan({ reverse: true, keysOnly: true }).nextPage(1000)
    t.same(
      backwards.map(({ key }) => hex(key)),
      wanted.map(hex).reverse(),
      'backwards',
    )
    t.ok(
      backwards.every(({ value }) => value.length === 0),
      'keys only',
    )
    t.equal(backwards.at(-1)?.version, found[0]?.version)
  },

  'scans of large values': async (t, run) => {
    const sizes = [2 << 20, 10, (1 << 20) + 1, 1 << 20]
    for (const [i, size] of sizes.entries()) await run.store.set(`v${i}`, noise(size, i + 1))
    await run.reopen()
    for await (const { key, value } of run.store.scan()) {
      const i = Number(text(key)?.slice(1))
      t.ok(sameBytes(value, noise(sizes[i]!, i + 1)), `${sizes[i]} bytes`)
    }
  },

  'ranges, prefixes, limits': async (t, run) => {
    await fill(run.store, ['a', 'b', 'ba', 'bb', 'bb1', 'bc', 'c', 'd'])
    await run.reopen()
    const wanted: [ScanOptions, string][] = [
      [{ prefix: 'b' }, 'b ba bb bb1 bc'],
      [{ prefix: '' }, 'a b ba bb bb1 bc c d'],
      [{ prefix: 'x' }, ''],
      [{ gt: 'b', lt: 'c' }, 'ba bb bb1 bc'],
      [{ gte: 'b', lte: 'c' }, 'b ba bb bb1 bc c'],
      [{ gt: 'b' }, 'ba bb bb1 bc c d'],
      [{ gte: 'bbb' }, 'bc c d'],
      [{ lt: 'bb' }, 'a b ba'],
      [{ lte: bytes('bb') }, 'a b ba bb'],
      [{ gte: '' }, 'a b ba bb bb1 bc c d'],
      [{ lt: '' }, ''],
      [{ gt: 'c', lt: 'b' }, ''],
      [{ gt: 'b', lt: 'b' }, ''],
      [{ gte: 'b', lte: 'b' }, 'b'],
      [{ prefix: 'b', gt: 'bb' }, 'bb1 bc'],
      [{ prefix: 'b', lt: 'z', gte: 'a' }, 'b ba bb bb1 bc'],
      [{ prefix: 'bb', lt: 'b' }, ''],
      [{ limit: 0 }, ''],
      [{ limit: 3 }, 'a b ba'],
      [{ limit: 99 }, 'a b ba bb bb1 bc c d'],
      [{ prefix: 'b', limit: 2 }, 'b ba'],
    ]
    for (const [options, keys] of wanted) {
      const forwards = keys.split(' ').filter(Boolean)
      t.same(await keysOf(run.store, options), forwards, JSON.stringify(options))
      const whole = (await keysOf(run.store, { ...options, limit: 1000 })).reverse()
      const backwards = await keysOf(run.store, { ...options, reverse: true })
      t.same(backwards, whole.slice(0, options.limit), `${JSON.stringify(options)}, backwards`)
    }
  },

  'a prefix of 0xff bytes has no end': async (t, { store }) => {
    const keys = ['fe', 'ff', 'ff00', 'ffff', 'ffffff', 'ffffff01']
    for (const key of keys) await store.set(Buffer.from(key, 'hex'), key)
    for (const prefix of ['ff', 'ffff', 'ffffff', 'ffffffff', 'fe']) {
      for (const reverse of [false, true]) {
        const found = await store.scan({ prefix: Buffer.from(prefix, 'hex'), reverse }).nextPage(99)
        const wanted = keys.filter((key) => key.startsWith(prefix))
        if (reverse) wanted.reverse()
        t.same(
          found.map(({ key }) => hex(key)),
          wanted,
          `${prefix}, ${reverse ? 'backwards' : 'forwards'}`,
        )
      }
    }
  },

  'options that cannot be': async (t, { store }) => {
    const wrong: object[] = [
      { gt: 'a', gte: 'a' },
      { lt: 'a', lte: 'a' },
      { limit: -1 },
      { limit: 1.5 },
      { limit: Number.NaN },
      { limit: '5' },
      { prefix: 5 },
      { gt: null },
      { cursor: '' },
      { cursor: 'not a cursor!' },
      { cursor: 7 },
    ]
    for (const options of wrong) {
      await t.rejects(
        (async () => store.scan(options).next())(),
        { ...WRONG, name: 'StorageError' },
        JSON.stringify(options),
      )
    }
    for (const count of [0, -1, 0.5]) await t.rejects(store.scan().nextPage(count), WRONG, `page of ${count}`)
  },
}

export const scanningCases: ContractCases = {
  'pages, single steps and the loop go on from each other': async (t, { store }) => {
    const names = Array.from({ length: 50 }, (_, i) => `k${String(i).padStart(2, '0')}`)
    await fill(store, names)
    const scan = store.scan()
    t.equal(scan.cursor, undefined, 'nothing given out yet')
    const found = (await scan.nextPage(20)).map(({ key }) => text(key))
    const step = await scan.next()
    t.equal(step.done, false)
    found.push(text(step.value.key))
    for await (const { key, value } of scan) {
      found.push(text(key))
      t.equal(text(value), `value of ${text(key)}`)
    }
    t.same(found, names)
    t.same(await scan.nextPage(5), [], 'the end')
    t.equal((await scan.next()).done, true)
    await using empty = store.scan({ limit: 0 })
    t.equal((await empty.next()).done, true)
  },

  'a cursor resumes right behind what was given out': async (t, run) => {
    const names = Array.from({ length: 40 }, (_, i) => `k${String(i).padStart(2, '0')}`)
    await fill(run.store, names)
    for (const reverse of [false, true]) {
      const options = { prefix: 'k', gt: 'k00', lte: 'k38', reverse }
      const found: string[] = []
      let cursor: string | undefined
      for (let page = 0; page < 20; page++) {
        const scan: SimpleScan = run.store.scan(cursor === undefined ? options : { ...options, cursor })
        for (const { key } of await scan.nextPage(3)) found.push(text(key)!)
        cursor = scan.cursor
        scan.close()
        if (page % 5 === 0) await run.reopen()
      }
      const wanted = names.slice(1, 39)
      t.same(found, reverse ? wanted.reverse() : wanted, reverse ? 'backwards' : 'forwards')
    }
    const backwards = run.store.scan({ reverse: true })
    t.equal(backwards.cursor, undefined)
    await backwards.next()
    await t.rejects((async () => run.store.scan({ cursor: backwards.cursor! }).next())(), WRONG)
    backwards.close()
    const scan = run.store.scan({ limit: 2 })
    await scan.nextPage(2)
    const { cursor } = scan
    await run.store.delete('k01')
    await run.store.delete('k02')
    await run.store.set('k01a', 'new')
    t.same(
      await keysOf(run.store, { cursor: cursor!, limit: 2 }),
      ['k01a', 'k03'],
      'also where its key is gone; it sees the store as it is now',
    )
  },

  'a scan sees the store as it was when it began': async (t, { store }) => {
    const names = Array.from({ length: 300 }, (_, i) => `k${String(i).padStart(3, '0')}`)
    await fill(store, names)
    const before = await store.getEntry('k200')
    const scans = [store.scan(), store.scan({ reverse: true }), store.scan({ keysOnly: true })]
    await scans[0]!.nextPage(10)
    for (const name of names.slice(100)) await store.set(name, noise(4000))
    for (const name of names.slice(0, 100)) await store.delete(name)
    await fill(store, ['a', 'k0000', 'k150a', 'z'])
    await store.batch([
      { type: 'delete', key: 'k250' },
      { type: 'set', key: 'k251', value: 'batch' },
    ])
    await store.merge()
    await checkSeen(t, scans[0]!, names.slice(10), true)
    await checkSeen(t, scans[1]!, [...names].reverse(), true)
    await checkSeen(t, scans[2]!, names, false)
    const late = await store.scan({ gte: 'k200', limit: 1 }).nextPage(1)
    t.ok(late[0]!.version > before!.version)
    t.ok(sameBytes(late[0]?.value, noise(4000)), 'a later scan sees what came later')
  },

  'seek goes to a key, forwards and back, in the same view': async (t, { store }) => {
    await fill(store, ['a', 'b', 'bb', 'c', 'd'])
    for (const reverse of [false, true]) {
      await using scan = store.scan({ gte: 'b', lt: 'd', reverse })
      const rest = async () => (await scan.nextPage(99)).map(({ key }) => text(key)).join(' ')
      t.equal(await rest(), reverse ? 'c bb b' : 'b bb c')
      await store.set('bc', 'new')
      await store.set('b', 'overwritten')
      const wanted: [string | Uint8Array, string, string][] = [
        ['bb', 'bb c', 'bb b'],
        ['bc', 'c', 'bb b'],
        ['b', 'b bb c', 'b'],
        [bytes('c'), 'c', 'c bb b'],
        ['a', 'b bb c', ''],
        ['x', '', 'c bb b'],
        ['', 'b bb c', ''],
      ]
      for (const [key, forwards, backwards] of wanted) {
        scan.seek(key)
        t.equal(await rest(), reverse ? backwards : forwards, `seek ${key}, reverse: ${reverse}`)
      }
      scan.seek('b')
      t.equal(text((await scan.nextPage(1))[0]?.value), 'value of b', 'the value of then')
      t.throws(() => scan.seek(5 as never), WRONG)
      scan.close()
      scan.seek('b')
      t.equal((await scan.next()).done, true, 'over is over')
      await store.delete('bc')
      await store.set('b', 'value of b')
    }
    await using limited = store.scan({ limit: 4 })
    await limited.nextPage(3)
    limited.seek('a')
    t.equal((await limited.nextPage(9)).length, 1, 'the limit counts on')
    limited.seek('a')
    t.same(await limited.nextPage(9), [])
  },

  'a scan that is left is over': async (t, { store }) => {
    await fill(store, ['a', 'b', 'c'])
    const scan = store.scan()
    for await (const { key } of scan) {
      t.equal(text(key), 'a')
      break
    }
    t.equal((await scan.next()).done, true)
    t.same(await scan.nextPage(3), [])
    const closed = store.scan()
    await closed.next()
    closed.close()
    closed.close()
    t.equal((await closed.next()).done, true)
    const failing = async () => {
      for await (const _ of store.scan()) throw new RangeError('of the loop')
    }
    for (let i = 0; i < 300; i++) await t.rejects(failing(), { name: 'RangeError' })
    t.same(await keysOf(store), ['a', 'b', 'c'], 'many scans left half-way hold nothing')
  },

  "what a scan gives out is the caller's": async (t, { store }) => {
    await fill(store, ['a', 'b'])
    const from = bytes('a')
    const scan = store.scan({ gte: from })
    from.fill(255)
    const [first] = await scan.nextPage(1)
    first?.key.fill(255)
    first?.value.fill(255)
    const [second] = await scan.nextPage(1)
    t.equal(text(second?.key), 'b')
    t.same(await keysOf(store), ['a', 'b'])
    t.equal(text(await store.get('a')), 'value of a')
  },
}

async function checkSeen(
  t: ContractTest,
  scan: SimpleScan,
  names: string[],
  hasValues: boolean,
): Promise<void> {
  const found = await scan.nextPage(1000)
  t.same(
    found.map(({ key }) => text(key)),
    names,
  )
  const isOld = found.every(({ key, value }) => text(value) === (hasValues ? `value of ${text(key)}` : ''))
  t.ok(isOld, 'with the values of then')
}
