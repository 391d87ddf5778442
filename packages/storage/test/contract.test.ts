import { mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import t from 'tap'
import { Store, type StoreOptions } from '../src/index.ts'
import { MemoryStore, type SimpleDoor, storeContract } from '../src/testing/index.ts'

const root = mkdtempSync(join(tmpdir(), 'minivault-contract-'))
t.teardown(() => rmSync(root, { recursive: true, force: true }))
let folders = 0

function suite(options: Partial<StoreOptions>) {
  const where = new Map<SimpleDoor, string>()
  const open = async (now: () => number, directory = join(root, `data${++folders}`)) => {
    const store = await Store.open({ directory, durability: 'os', cacheBytes: 4 << 20, now, ...options })
    where.set(store, directory)
    return store
  }
  const reopen = async (store: SimpleDoor, now: () => number) => {
    await store.close()
    return open(now, where.get(store))
  }
  return { open: (now: () => number) => open(now), reopen }
}

const constantHash: NonNullable<StoreOptions['hash']> = (_bytes, _start, _end, into) => {
  into.high = 7
  into.low = 7
  return into
}

t.test('the model', async (t) => storeContract(t, async (now) => new MemoryStore({ now })))
t.test('the engine', async (t) => storeContract(t, suite({}).open))
t.test('the engine, reopened', async (t) => {
  const { open, reopen } = suite({})
  storeContract(t, open, { reopen })
})
t.test('tiny window, segments and cache', async (t) => {
  const { open, reopen } = suite({ windowBytes: 1 << 19, segmentBytes: 1 << 20, cacheBytes: 1 << 20 })
  storeContract(t, open, { reopen })
})
t.test('an index smaller than its keys', async (t) => {
  const { open, reopen } = suite({ windowBytes: 1 << 19, segmentBytes: 1 << 20, keydirBytes: 1 << 16 })
  storeContract(t, open, { reopen })
})
t.test('one hash for all keys', async (t) => {
  const { open, reopen } = suite({ hash: constantHash, durability: 'memory' })
  storeContract(t, open, { reopen })
})
