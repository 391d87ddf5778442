/** LevelDB. `memory` and `os` are `sync: false` (write(2) into its log), `fsync` is `sync: true`. */
import { ClassicLevel } from 'classic-level'
import { digestOf, type Engine, type EngineSetting } from './engine.ts'

export async function openClassicLevel(setting: EngineSetting): Promise<Engine<Buffer>> {
  const { directory, durability, cacheBytes } = setting
  const database = new ClassicLevel<Buffer, Buffer>(directory, {
    keyEncoding: 'buffer',
    valueEncoding: 'buffer',
    compression: false,
    cacheSize: cacheBytes,
  })
  await database.open()
  const options = { sync: durability === 'fsync' }
  const unsynced = { sync: false }
  const putAll = (keys: readonly Buffer[], values: readonly Buffer[], how: { sync: boolean }) =>
    database.batch(
      keys.map((key, at) => ({ type: 'put', key, value: values[at]! }) as const),
      how,
    )
  return {
    key: (bytes) => bytes,
    set: (key, value) => database.put(key, value, options),
    flush: () => undefined,
    load: (keys, values) => putAll(keys, values, unsynced),
    copy: (key) => database.getSync(key),
    get: (key) => database.get(key),
    batch: (keys, values) => putAll(keys, values, options),
    scan: async (from, count) => {
      const iterator = database.iterator({ gte: from, limit: count })
      let sum = 0
      for (;;) {
        const entries = await iterator.nextv(1000)
        if (entries.length === 0) break
        for (const [, value] of entries) sum += digestOf(value)
      }
      await iterator.close()
      return sum
    },
    compact: async () => {
      await database.compactRange(Buffer.alloc(0), Buffer.alloc(64, 0xff))
      return directory
    },
    close: () => database.close(),
  }
}
