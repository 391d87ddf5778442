/**
 * SQLite in WAL mode with one table of two BLOB columns (an ordinary one: WITHOUT ROWID was seven times
 * slower at 1 KB). `memory` is `synchronous=OFF`, `os` NORMAL, `fsync` FULL. Every call is synchronous.
 */
import { join } from 'node:path'
import Database from 'better-sqlite3'
import { digestOf, type Engine, type EngineSetting } from './engine.ts'

const SYNCHRONOUS = { memory: 'OFF', os: 'NORMAL', fsync: 'FULL' } as const

export async function openSqlite(setting: EngineSetting): Promise<Engine<Buffer>> {
  const { directory, durability, cacheBytes } = setting
  const database = new Database(join(directory, 'data.sqlite'))
  database.pragma('journal_mode = WAL')
  database.pragma(`synchronous = ${SYNCHRONOUS[durability]}`)
  database.pragma(`cache_size = -${cacheBytes >> 10}`)
  database.exec('CREATE TABLE IF NOT EXISTS kv (k BLOB PRIMARY KEY, v BLOB)')
  const upsert = 'INSERT INTO kv VALUES (?, ?) ON CONFLICT (k) DO UPDATE SET v = excluded.v'
  const put = database.prepare<[Buffer, Buffer]>(upsert)
  const get = database.prepare<[Buffer], Buffer>('SELECT v FROM kv WHERE k = ?').pluck()
  const range = database
    .prepare<[Buffer, number], Buffer>('SELECT v FROM kv WHERE k >= ? ORDER BY k LIMIT ?')
    .pluck()
  const putAll = database.transaction((keys: readonly Buffer[], values: readonly Buffer[]) => {
    for (let at = 0; at < keys.length; at++) put.run(keys[at]!, values[at]!)
    return undefined
  })
  return {
    key: (bytes) => bytes,
    set: (key, value) => {
      put.run(key, value)
      return undefined
    },
    flush: () => undefined,
    load: (keys, values) => putAll(keys, values),
    copy: (key) => get.get(key),
    batch: (keys, values) => putAll(keys, values),
    scan: (from, count) => {
      let sum = 0
      for (const value of range.iterate(from, count)) sum += digestOf(value)
      return sum
    },
    compact: async () => {
      database.exec('VACUUM')
      database.pragma('wal_checkpoint(TRUNCATE)')
      return directory
    },
    close: async () => void database.close(),
  }
}
