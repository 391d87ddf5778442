/**
 * Each operation of the store, carried out on the store and on the model: what the store says must be what
 * the model says. Null is good; else in words what is wrong.
 */
import type { BatchOperation, Store } from '@minivault/storage'
import { LEVEL_NAMES, type Machine } from '../disk/machine.ts'
import type { Cell, Change, History } from './history.ts'
import { payloadOf, print } from './payload.ts'
import type { Condition, StepOf } from './step.ts'

/** A version that no record has. */
const NO_VERSION = 'f'.repeat(24)

export class Operations {
  readonly #machine: Machine
  readonly #history: History
  readonly #store: Store

  constructor(machine: Machine, history: History, store: Store) {
    this.#machine = machine
    this.#history = history
    this.#store = store
  }

  async set({ key, bytes, level, condition, ttlMs }: StepOf<'set'>, n: number): Promise<string | null> {
    const value = payloadOf(n, bytes)
    const there = this.#live(key)
    const isRefused = refuses(condition, there)
    const cell = this.#cell(print(value), ttlMs)
    const asked = isRefused ? null : this.#history.ask([key, cell])
    const options = { ...this.#expiry(ttlMs), ...conditionOf(condition, there) }
    try {
      const written = this.#store.set(key, value, { durability: LEVEL_NAMES[level]!, ...options })
      const { version } = await this.#machine.until(written)
      if (asked === null) return `set of ${key} was taken though its condition (${condition}) failed`
      if (there !== undefined && version <= there.version) return `${key}: its version went back`
      cell.version = version
      asked.acknowledged = level
      return null
    } catch (error) {
      return conditionAnswer(error, isRefused)
    }
  }

  async delete({ key, level, condition }: StepOf<'delete'>): Promise<string | null> {
    const there = this.#live(key)
    const isConditional = condition === 'version' || condition === 'stale'
    const isRefused = isConditional && refuses(condition, there)
    const asked = there === undefined || isRefused ? null : this.#history.ask([key, undefined])
    const durability = LEVEL_NAMES[level]!
    const options = isConditional ? { durability, ...conditionOf(condition, there) } : { durability }
    try {
      const said = await this.#machine.until(this.#store.delete(key, options))
      if (isRefused) return `delete of ${key} was taken though its condition (${condition}) failed`
      if (said !== (there !== undefined)) return `delete of ${key} said ${said}`
      if (asked !== null) asked.acknowledged = level
      return null
    } catch (error) {
      return conditionAnswer(error, isRefused)
    }
  }

  async touch({ key, level, ttlMs }: StepOf<'touch'>): Promise<string | null> {
    const there = this.#live(key)
    const cell = this.#cell(there?.value ?? '', ttlMs)
    const asked = there && this.#history.ask([key, cell])
    const options = { durability: LEVEL_NAMES[level]!, ...this.#expiry(ttlMs) }
    const said = await this.#machine.until(this.#store.touch(key, options))
    if (said !== (there !== undefined)) return `touch of ${key} said ${said}`
    if (asked !== undefined) asked.acknowledged = level
    await this.#learnVersion(key, cell)
    return null
  }

  async increment({ key, by, level }: StepOf<'increment'>): Promise<string | null> {
    const there = this.#live(key)
    const sum = BigInt(there?.value ?? 0) + BigInt(by)
    const cell = this.#cell(String(sum), 0)
    const asked = this.#history.ask([key, cell])
    const said = await this.#machine.until(
      this.#store.increment(key, by, { durability: LEVEL_NAMES[level]! }),
    )
    asked.acknowledged = level
    await this.#learnVersion(key, cell)
    return said === sum ? null : `${key} was incremented to ${said}, not ${sum}`
  }

  async batch({ operations, level }: StepOf<'batch'>, n: number): Promise<string | null> {
    const changes: Change[] = []
    const list = operations.map(({ key, bytes }, i): BatchOperation => {
      if (bytes === null) {
        changes.push([key, undefined])
        return { type: 'delete', key }
      }
      const value = payloadOf(n * 16 + i, bytes)
      changes.push([key, this.#cell(print(value), 0)])
      return { type: 'set', key, value }
    })
    const asked = this.#history.ask(...changes)
    const written = this.#store.batch(list, { durability: LEVEL_NAMES[level]! })
    const { versions } = await this.#machine.until(written)
    asked.acknowledged = level
    for (const [i, [, cell]] of changes.entries()) if (cell !== undefined) cell.version = versions[i]!
    return versions.length === operations.length ? null : `a batch gave ${versions.length} versions`
  }

  /** Sets that are all on their way before the first is answered. */
  async burst({ keys, level }: StepOf<'burst'>, n: number): Promise<null> {
    const durability = LEVEL_NAMES[level]!
    const sent = keys.map(async (key, i) => {
      const value = payloadOf(n * 16 + i, 10 + ((n * 31 + i * 57) % 250))
      const cell = this.#cell(print(value), 0)
      const asked = this.#history.ask([key, cell])
      const { version } = await this.#store.set(key, value, { durability })
      cell.version = version
      asked.acknowledged = level
    })
    await this.#machine.until(Promise.all(sent))
    return null
  }

  /** Of an operation that does not tell it. */
  async #learnVersion(key: string, cell: Cell): Promise<void> {
    const entry = await this.#machine.until(this.#store.getEntry(key))
    cell.version = entry?.version ?? ''
  }

  #live(key: string): Cell | undefined {
    return this.#history.live(key, this.#machine.nowMs)
  }

  #cell(value: string, ttlMs: number): Cell {
    return { value, expiresAtMs: ttlMs === 0 ? 0 : this.#machine.nowMs + ttlMs, version: '' }
  }

  #expiry(ttlMs: number): { ttlMs?: number } {
    return ttlMs === 0 ? {} : { ttlMs }
  }
}

function refuses(condition: Condition, there: Cell | undefined): boolean {
  if (condition === 'none') return false
  if (condition === 'absent') return there !== undefined
  return condition === 'stale' || there === undefined
}

function conditionOf(condition: Condition, there: Cell | undefined) {
  if (condition === 'none') return {}
  if (condition === 'absent') return { ifAbsent: true }
  return { ifVersion: condition === 'version' ? (there?.version ?? NO_VERSION) : NO_VERSION }
}

function conditionAnswer(error: unknown, isExpected: boolean): null {
  if (isExpected && (error as { code?: string }).code === 'STORAGE_CONDITION') return null
  throw error
}
