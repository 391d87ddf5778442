/**
 * An application with keys of its own, which nobody else writes: so it knows at any time what has to be
 * there. One operation after the other, so many a second. A key of which a write is in doubt is left alone
 * until the end, when it must hold what it held or what was being written, and goes on under another name.
 */
import { setTimeout as sleep } from 'node:timers/promises'
import { seededRandom } from '@minivault/wal/testing'
import { payloadOf } from '../model/payload.ts'
import { failureText } from '../row.ts'
import { type Door, hadNoEffect, type Put } from './doors.ts'

const NAMES = 600
const TTL_MS = 5000
/** What lies between the clocks of the client and the node, and their looks at them. */
const CLOCK_SLACK_MS = 2000
const LARGE_SHARE = 0.003
/** By share of the rest: so many bytes at most. */
const SIZES: readonly (readonly [share: number, bytesMax: number])[] = [
  [0.1, 8],
  [0.6, 1000],
  [0.95, 8000],
  [1, 200_000],
]
const LARGE_BYTES = [600_000, 4_000_000] as const

/** What was written: which payload, of what length. */
interface Written {
  readonly id: number
  readonly bytes: number
}

/** A key: what it holds, and between which moments that ends where it does. */
interface Key {
  name: string
  holds: Written | null
  endsFromMs: number
  endsByMs: number
  count: number
  version: string | undefined
}

interface Doubt {
  readonly name: string
  /** Any of these is right. */
  readonly possible: readonly (Written | null)[]
}

const NEVER = Number.POSITIVE_INFINITY

export class Tenant {
  readonly #door: Door
  readonly #prefix: string
  readonly #random: () => number
  readonly #keys: Key[] = []
  readonly #doubts: Doubt[] = []
  readonly wrong: string[] = []
  readonly failed: string[] = []
  operations = 0
  #lastId = 0
  #lastName = 0

  constructor(door: Door, prefix: string, seed: number) {
    this.#door = door
    this.#prefix = prefix
    this.#random = seededRandom(seed)
    for (let n = 0; n < NAMES; n++) this.#keys.push(this.#fresh())
  }

  get doubts(): number {
    return this.#doubts.length
  }

  close(): Promise<void> {
    return this.#door.close()
  }

  async work(perSecond: number, isOver: () => Promise<boolean>): Promise<void> {
    while (!(await isOver())) {
      const startedMs = performance.now()
      await this.#one()
      await sleep(Math.max(0, 1000 / perSecond - (performance.now() - startedMs)))
    }
  }

  /** Reads everything, at whatever door. */
  async verify(door: Door): Promise<void> {
    for (const key of this.#keys) {
      if (this.#isCounter(key)) continue
      await this.#attempt(key, async () => this.#judge(key, await door.get(key.name), 'in the end'))
    }
    for (const key of this.#keys.filter((one) => this.#isCounter(one)))
      await this.#attempt(key, () => this.#count(key, door))
    for (const { name, possible } of this.#doubts) {
      const found = await door.get(name)
      const isRight = possible.some((one) => isOf(one, found?.value))
      if (!isRight) this.wrong.push(`${name}: ${bytesOf(found?.value)}, which it never was`)
    }
  }

  async #one(): Promise<void> {
    const key = this.#keys[Math.floor(this.#random() * NAMES)]!
    this.operations += 1
    const drawn = this.#random()
    await this.#attempt(key, async () => {
      if (drawn < 0.005) return this.#list()
      if (this.#isCounter(key)) return this.#count(key, this.#door)
      if (drawn < 0.4) return this.#read(key)
      if (drawn < 0.5) return this.#delete(key)
      return this.#put(key, drawn)
    })
  }

  /** One key in twenty, where the door can count. */
  #isCounter(key: Key): boolean {
    return this.#door.increments && this.#keys.indexOf(key) % 20 === 0
  }

  async #attempt(key: Key, act: () => Promise<void>): Promise<void> {
    try {
      await act()
    } catch (error) {
      this.failed.push(`${this.#door.name}: ${failureText(error)}`)
      if (!hadNoEffect(error)) this.#renew(key)
    }
  }

  async #read(key: Key): Promise<void> {
    const startMs = Date.now()
    const found = await this.#door.get(key.name)
    this.#judge(key, found, 'read', startMs)
    key.version = found?.version
  }

  async #delete(key: Key): Promise<void> {
    this.#doubt(key, null)
    await this.#door.delete(key.name)
    this.#settle(key, null)
  }

  /** Plain, with an expiry, or with a condition of which it is known whether it holds. */
  async #put(key: Key, drawn: number): Promise<void> {
    const written = { id: ++this.#lastId, bytes: this.#drawBytes() }
    const how = this.#drawPut(key, drawn)
    this.#doubt(key, written, how.ttlMs !== undefined)
    const startMs = Date.now()
    const isTaken = await this.#door.put(key.name, payloadFor(written), how)
    const mayFail = how.ifVersion !== undefined || (how.ifAbsent && key.holds !== null)
    if (!isTaken && !mayFail) this.wrong.push(`${key.name}: a write without a condition was refused`)
    if (isTaken && how.ifAbsent && key.holds !== null && startMs < key.endsFromMs - CLOCK_SLACK_MS)
      this.wrong.push(`${key.name}: it was made anew, and is there`)
    this.#settle(key, isTaken ? written : key.holds, isTaken ? how.ttlMs : undefined, startMs, !isTaken)
  }

  #drawPut(key: Key, drawn: number): Put {
    if (drawn < 0.6) return { ttlMs: TTL_MS }
    if (drawn < 0.7) return { ifAbsent: true }
    if (drawn < 0.8 && key.version !== undefined) return { ifVersion: key.version }
    return {}
  }

  async #count(key: Key, door: Door): Promise<void> {
    this.#doubt(key, null)
    const sum = await door.increment(key.name)
    key.count += 1
    if (sum !== key.count) this.wrong.push(`${key.name} counts ${sum}, and was raised ${key.count} times`)
    key.count = sum
    this.#pending = null
  }

  async #list(): Promise<void> {
    const startMs = Date.now()
    const names = new Set(await this.#door.keys(this.#prefix))
    const endMs = Date.now()
    for (const key of this.#keys) {
      if (this.#isCounter(key)) continue
      const isThere = key.holds !== null && endMs < key.endsFromMs - CLOCK_SLACK_MS
      const isGone = key.holds === null || startMs > key.endsByMs + CLOCK_SLACK_MS
      if (isThere && !names.has(key.name)) this.wrong.push(`${key.name} is not in the list`)
      if (isGone && names.has(key.name)) this.wrong.push(`${key.name} is in the list, and gone`)
    }
  }

  #judge(key: Key, found: { value: Uint8Array } | undefined, when: string, startMs = Date.now()): void {
    const mayBeThere = startMs < key.endsByMs + CLOCK_SLACK_MS
    const mustBeThere = Date.now() < key.endsFromMs - CLOCK_SLACK_MS
    const isRight =
      (mayBeThere && isOf(key.holds, found?.value)) || (!mustBeThere && isOf(null, found?.value))
    if (isRight) return
    const held = key.holds === null ? 'nothing' : `payload ${key.holds.id} of ${key.holds.bytes} bytes`
    this.wrong.push(`${key.name}, ${when}: ${bytesOf(found?.value)}; it holds ${held}`)
  }

  // --- what is on its way

  #pending: { readonly key: Key; readonly written: Written | null; readonly ends: boolean } | null = null

  #doubt(key: Key, written: Written | null, ends = false): void {
    this.#pending = { key, written, ends }
  }

  #settle(key: Key, holds: Written | null, ttlMs?: number, startMs = 0, isAsBefore = false): void {
    this.#pending = null
    key.version = undefined
    if (isAsBefore) return
    key.holds = holds
    key.endsFromMs = ttlMs === undefined ? NEVER : startMs + ttlMs
    key.endsByMs = ttlMs === undefined ? NEVER : Date.now() + ttlMs
  }

  /** Nobody knows what became of the write; of a read that failed nothing changes. */
  #renew(key: Key): void {
    const pending = this.#pending
    this.#pending = null
    if (pending === null || pending.key !== key) return
    if (!this.#isCounter(key)) {
      // What ends has ended by then.
      const ends = pending.ends || key.endsByMs !== NEVER
      const possible = ends ? [key.holds, pending.written, null] : [key.holds, pending.written]
      this.#doubts.push({ name: key.name, possible })
    }
    Object.assign(key, this.#fresh())
  }

  #fresh(): Key {
    const name = `${this.#prefix}${this.#lastName++}`
    return { name, holds: null, endsFromMs: NEVER, endsByMs: NEVER, count: 0, version: undefined }
  }

  #drawBytes(): number {
    if (this.#random() < LARGE_SHARE) {
      const [least, most] = LARGE_BYTES
      return least + Math.floor(this.#random() * (most - least))
    }
    const drawn = this.#random()
    const [, bytesMax] = SIZES.find(([share]) => drawn <= share)!
    return 1 + Math.floor(this.#random() * bytesMax)
  }
}

function payloadFor({ id, bytes }: Written): Uint8Array {
  return payloadOf(id, bytes).subarray(0, bytes)
}

function isOf(written: Written | null, value: Uint8Array | undefined): boolean {
  if (written === null || value === undefined) return written === null && value === undefined
  return written.bytes === value.length && Buffer.compare(payloadFor(written), value) === 0
}

function bytesOf(value: Uint8Array | undefined): string {
  return value === undefined ? 'nothing is there' : `there are ${value.length} bytes`
}
