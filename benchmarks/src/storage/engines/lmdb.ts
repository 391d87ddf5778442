/**
 * lmdb, which maps its file into memory. `memory` and `os` are `noSync`: a commit is in the page cache. At
 * `fsync` a put counts when `flushed` says that its transaction is on the disk: with lmdb-js's own
 * `overlappingSync` that is three times as fast as a synced commit (measured, 256 puts a turn).
 */
import { stat } from 'node:fs/promises'
import { join } from 'node:path'
import { open } from 'lmdb'
import { digestOf, type Engine, type EngineSetting } from './engine.ts'

export async function openLmdb({ directory, durability }: EngineSetting): Promise<Engine<Buffer>> {
  const isSynced = durability === 'fsync'
  const database = open<Buffer, Buffer>({
    path: join(directory, 'data.mdb'),
    encoding: 'binary',
    keyEncoding: 'binary',
    noSync: !isSynced,
  })
  const putSynced = async (key: Buffer, value: Buffer) => {
    await database.put(key, value)
    await database.flushed
  }
  const putAll = (keys: readonly Buffer[], values: readonly Buffer[]) =>
    database.batch(() => keys.forEach((key, at) => void database.put(key, values[at]!)))
  return {
    key: (bytes) => bytes,
    set: isSynced ? putSynced : (key, value) => database.put(key, value),
    flush: () => database.committed,
    load: putAll,
    view: (key) => database.getBinaryFast(key),
    copy: (key) => database.getBinary(key),
    batch: async (keys, values) => {
      await putAll(keys, values)
      if (isSynced) await database.flushed
    },
    scan: (from, count) => {
      let sum = 0
      for (const { value } of database.getRange({ start: from, limit: count })) sum += digestOf(value)
      return sum
    },
    compact: async () => {
      // It has no compaction in place: a compacted copy is its way.
      const copy = join(directory, 'compacted')
      await database.backup(copy, true)
      const isFolder = (await stat(copy)).isDirectory()
      return isFolder ? join(copy, 'data.mdb') : copy
    },
    close: () => database.close(),
  }
}
