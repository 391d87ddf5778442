/**
 * The power is cut after every call to the disk while large values come in as streams, are
 * touched, replaced, deleted and merged around. Afterwards each key holds, whole, what was confirmed last or
 * something asked for after that; and `blobs/` holds the files of live records and no other. The control
 * forgets to sync and must be caught.
 */

import { hashKey, KeyHash } from '@minivault/codec'
import type { MemoryFileSystem as Disk } from '@minivault/wal/testing'
import { MemoryFileSystem } from '@minivault/wal/testing'
import t from 'tap'
import type { Store } from '../src/index.ts'
import { noise } from '../src/testing/index.ts'
import { ForgetfulDisk, openOn, print, until } from './fixtures/crashing-store.ts'

const KEYS = ['a', 'b', 'c']

/** What each key may hold: the state confirmed last, then all that was asked for since. */
type Allowed = Map<string, (string | undefined)[]>

async function* inPieces(value: Uint8Array): AsyncGenerator<Uint8Array> {
  for (let at = 0; at < value.length; at += 700) yield value.subarray(at, at + 700)
}

async function workload(disk: Disk, allowed: Allowed): Promise<void> {
  let store = await until(disk, openOn(disk, 2))
  const confirmed = (key: string, value: string | undefined) => allowed.set(key, [value])
  const asked = (key: string, value: string | undefined) => {
    allowed.set(key, [...(allowed.get(key) ?? [undefined]), value])
  }
  for (let n = 0; n < 16; n++) {
    const key = KEYS[n % 3]!
    // Too long for the log of this test: each gets a file.
    const value = noise(6000 + 100 * n, n + 1)
    asked(key, print(value))
    await until(disk, store.setStream(key, inPieces(value)))
    confirmed(key, print(value))
    if (n % 3 === 0) await until(disk, store.touch(key, { ttlMs: 1_000_000 }))
    if (n % 5 === 2) {
      asked(key, undefined)
      await until(disk, store.delete(key))
      confirmed(key, undefined)
    }
    if (n % 7 === 6) await until(disk, store.merge())
    if (n === 9) {
      await until(disk, store.close())
      store = await until(disk, openOn(disk, 3))
    }
  }
  await until(disk, store.close())
}

/** Null: all is well. */
async function problemOf(disk: Disk, allowed: Allowed): Promise<string | null> {
  let store: Store
  try {
    store = await until(disk, openOn(disk, 4))
  } catch (error) {
    return `does not open: ${error}`
  }
  const live: string[] = []
  for (const key of KEYS) {
    try {
      const held = print(await until(disk, store.get(key)))
      if (!(allowed.get(key) ?? [undefined]).includes(held)) return `${key} holds ${held?.length} bytes`
    } catch (error) {
      return `${key}: ${error}`
    }
    const bytes = new TextEncoder().encode(key)
    const { blob } = store.locate(bytes, 0, 1, hashKey(bytes, 0, 1, new KeyHash()))
    if (blob !== null) live.push(blob.name)
  }
  const orphans = () =>
    [...disk.files().keys()].filter((path) => path.includes('/blobs/') && !live.includes(path.slice(-33)))
  for (let i = 0; i < 100 && orphans().length > 0; i++) await new Promise(setImmediate)
  if (orphans().length > 0) return `orphans: ${orphans()}`
  await until(disk, store.close())
  return null
}

/** After this call, which is the same as before the next. */
async function crashAt(disk: Disk, call: number): Promise<string | null> {
  const allowed: Allowed = new Map()
  disk.fault = { call, what: 'crash-after' }
  try {
    await workload(disk, allowed)
  } catch (error) {
    if (!disk.crashed) return String(error)
  }
  disk.restart(call)
  return problemOf(disk, allowed)
}

t.test('streamed values: power cut at every call to the disk', async (t) => {
  const disk = new MemoryFileSystem()
  const allowed: Allowed = new Map()
  await workload(disk, allowed)
  t.equal(await problemOf(disk, allowed), null)
  const { calls } = disk
  t.ok(calls > 200, `${calls} calls`)
  const problems: string[] = []
  for (let call = 1; call <= calls; call++) {
    const problem = await crashAt(new MemoryFileSystem(), call)
    if (problem !== null) problems.push(`after call ${call} (${disk.history[call - 1]}): ${problem}`)
  }
  t.same(problems.slice(0, 5), [])
  let caught = 0
  for (let call = 40; call < calls; call += 10) {
    if ((await crashAt(new ForgetfulDisk(), call)) !== null) caught += 1
  }
  t.ok(caught > 5, `the control, a disk that forgets to sync, is caught ${caught} times`)
})
