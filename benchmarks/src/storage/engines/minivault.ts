/** Our own, through its simple door, from source (see `contestant.ts`). Values are stored as they are. */
import { Store } from '@minivault/storage'
import { digestOf, type Engine, type EngineSetting } from './engine.ts'

export async function openMinivault(setting: EngineSetting): Promise<Engine<Buffer>> {
  const { directory, durability, cacheBytes } = setting
  const autoMerge = setting.mergesByItself ?? true
  const store = await Store.open({ directory, durability, cacheBytes, autoMerge, compression: 'none' })
  const loadLevel = { durability: 'memory' } as const
  const written = { durability: 'os' } as const
  return {
    key: (bytes) => bytes,
    set: (key, value) => store.set(key, value),
    // The log is in order: when this record has been written, all before it have.
    flush: () => store.set('flushed', '', written),
    load: async (keys, values) => {
      const sets = keys.map((key, at) => store.set(key, values[at]!, loadLevel))
      await Promise.all(sets)
    },
    view: (key) => store.view(key),
    copy: (key) => store.getSync(key),
    get: (key) => store.get(key),
    batch: (keys, values) =>
      store.batch(keys.map((key, at) => ({ type: 'set', key, value: values[at]! }) as const)),
    scan: async (from, count) => {
      const scan = store.scan({ gte: from, limit: count })
      let sum = 0
      for (;;) {
        const entries = await scan.nextPage(1000)
        if (entries.length === 0) return sum
        for (const { value } of entries) sum += digestOf(value)
      }
    },
    compact: async () => {
      await store.merge()
      return directory
    },
    indexBytes: () => {
      const { keydirBytes, hintBytes } = store.stats()
      return { table: keydirBytes, rest: hintBytes }
    },
    loaded: () => store.loaded(),
    close: () => store.close(),
  }
}
