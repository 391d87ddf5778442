/**
 * All that a store holds, a line each: every key of every space with its newest record, as a lookup reads it,
 * and beside it what only the record's own bytes say. Two stores hold the same exactly when the lines are the
 * same. For golden folders.
 */
import { createHash } from 'node:crypto'
import { compareVersions, Version } from '@minivault/clock'
import { cloneBytes, hashKey, KeyHash } from '@minivault/codec'
import type { Engine } from '../engine.ts'
import type { Found } from '../found.ts'
import { VERIFY_SLICE_BYTES } from '../limits.ts'
import { SPACE } from '../mutation.ts'
import { RecordView } from '../record.ts'
import type { Store } from '../store.ts'

/** What every open writes anew. */
const OF_THE_OPEN = new Set(['writer', 'clock-bound'])
const VALUE_TYPES = ['raw', 'json']
const CODECS = ['plain', 'zstd', 'lz4']
const LEVELS = ['memory', 'os', 'fsync']

interface NewestRecord {
  space: number
  key: Uint8Array
  ballot: Version
  codec: string
  level: string
  isBlob: boolean
}

/**
 * Ascending. `space key-in-hex` and: the state (value, expired, deleted), ballot, version, request and
 * attempt, expiry in ms, type, codec and level, length and sha256 of the value.
 */
export async function contentLines(store: Store): Promise<string[]> {
  await store.loaded()
  await store.sync()
  const { engine } = store
  const notes: string[] = []
  const newest = new Map<string, NewestRecord>()
  const view = new RecordView()
  for (const { id, bytes: end } of engine.log.segments()) {
    const take = (_offset: number, bytes: Uint8Array, start: number, stop: number) => {
      if (!view.read(bytes, start, stop)) throw new Error(`segment ${id} has an entry that is no record`)
      if (view.space === SPACE.segment) notes.push(noteLine(view, bytes))
      else takeNewest(newest, view, bytes)
    }
    for (let from = 0; from < end; ) from = engine.log.readBlocks(id, from, VERIFY_SLICE_BYTES, take)
  }
  return [...[...newest.values()].map((record) => lineOf(engine, record)), ...notes].sort()
}

function takeNewest(newest: Map<string, NewestRecord>, view: RecordView, bytes: Uint8Array): void {
  const key = cloneBytes(bytes, view.keyStart, view.keyEnd)
  const name = `${view.space} ${hex(key)}`
  if (view.space === SPACE.meta && OF_THE_OPEN.has(Buffer.from(key).toString('latin1'))) return
  const before = newest.get(name)
  if (before !== undefined && compareVersions(before.ballot, view.ballot) >= 0) return
  newest.set(name, {
    space: view.space,
    key,
    ballot: new Version().copy(view.ballot),
    codec: CODECS[view.codec] ?? `codec ${view.codec}`,
    level: LEVELS[view.level] ?? `level ${view.level}`,
    isBlob: view.isBlob,
  })
}

function noteLine(view: RecordView, bytes: Uint8Array): string {
  const [key, value] = [bytes.subarray(view.keyStart, view.keyEnd), bytes.subarray(view.keyEnd, view.end)]
  return `${view.space} ${hex(key)} note ${hex(value)}`
}

function lineOf(engine: Engine, { space, key, ballot, codec, level, isBlob }: NewestRecord): string {
  const found = engine.readSync(space, key, 0, key.length, hashKey(key, 0, key.length, new KeyHash()))
  const value = found.exists ? found.copyValue() : new Uint8Array()
  const isRead = compareVersions(found.ballot, ballot) === 0
  return [
    `${space} ${hex(key)} ${isRead ? stateOf(found) : 'not-found'}`,
    `ballot ${found.ballot} version ${found.version} request ${found.requestId} ${found.attempt}`,
    `expires ${found.expiresAtMs} ${VALUE_TYPES[found.valueType]} ${isBlob ? 'file' : codec} ${level}`,
    `bytes ${value.length} sha256 ${createHash('sha256').update(value).digest('hex')}`,
  ].join(' ')
}

function stateOf(found: Found): string {
  if (found.exists) return 'value'
  return found.tombstone ? 'deleted' : 'expired'
}

function hex(bytes: Uint8Array): string {
  return Buffer.from(bytes.buffer, bytes.byteOffset, bytes.byteLength).toString('hex')
}
