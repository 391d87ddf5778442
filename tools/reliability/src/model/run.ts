/**
 * Carries steps out on a simulated machine and on the model beside it, and compares the two after each step
 * through every way of reading. Says what is wrong in words; null is good.
 */
import type { Store } from '@minivault/storage'
import { LEVEL_NAMES, type Machine } from '../disk/machine.ts'
import { failureText } from '../row.ts'
import { type Cell, difference, History } from './history.ts'
import type { Condition, Step } from './step.ts'

const NO_VERSION = 'f'.repeat(24)

type SetStep = Extract<Step, { kind: 'set' }>

export interface RunOptions {
  /** Plants a fault between the run and its store. */
  around?: (store: Store) => Store
  /** Believes that this level survives a power cut; the planted fault of a harness. Default 2. */
  trustedLevel?: number
}

export class Run {
  readonly machine: Machine
  readonly history = new History()
  readonly #around: (store: Store) => Store
  readonly #trustedLevel: number
  #store!: Store
  #crash: Extract<Step, { kind: 'crash' }> | null = null
  #steps = 0
  crashes = 0

  constructor(machine: Machine, { around = (store) => store, trustedLevel = 2 }: RunOptions = {}) {
    this.machine = machine
    this.#around = around
    this.#trustedLevel = trustedLevel
  }

  /** Steps that were carried out. */
  get steps(): number {
    return this.#steps
  }

  async all(steps: readonly Step[]): Promise<string | null> {
    const { disk } = this.machine
    let problem = await this.#guard(() => this.open())
    for (const [n, step] of steps.entries()) {
      if (problem === null && !disk.crashed) problem = await this.#guard(() => this.#step(step, n))
      if (problem === null && disk.crashed) problem = await this.#guard(() => this.#restart())
      if (problem !== null) return `step ${n}, ${step.kind}: ${problem}`
      this.#steps += 1
    }
    return this.#guard(() => this.close())
  }

  /** Steps up to a crash that was planted in the disk, without coming back. */
  async untilCrash(steps: readonly Step[]): Promise<string | null> {
    const { disk } = this.machine
    let problem = await this.#guard(() => this.open())
    for (const [n, step] of steps.entries()) {
      if (problem !== null || disk.crashed) return problem
      problem = await this.#guard(() => this.#step(step, n))
      this.#steps += 1
    }
    return problem ?? this.#guard(() => this.close())
  }

  /** Opens after a crash, compares, and shows that it goes on from there: what is written now is kept. */
  async comeBack(isCut: boolean): Promise<string | null> {
    const problem = await this.#guard(() => this.#recover(isCut))
    if (problem !== null) return problem
    const steps: Step[] = [
      { kind: 'set', key: 'afterwards', bytes: 30, level: 2, condition: 'none', ttlMs: 0 },
      { kind: 'reopen' },
    ]
    for (const step of steps) {
      const wrong = await this.#guard(() => this.#step(step, this.#steps++))
      if (wrong !== null) return `going on: ${wrong}`
    }
    return this.#guard(() => this.close())
  }

  async open(): Promise<null> {
    this.#store = this.#around(await this.machine.open())
    return null
  }

  async close(): Promise<null> {
    await this.machine.until(this.#store.close())
    this.history.settle()
    return null
  }

  /** Opens after a fault, and takes what is there for the truth. */
  async #recover(isCut: boolean): Promise<string | null> {
    await this.open()
    const { held, problem } = await this.#held()
    const wrong = this.history.recover(held, isCut ? this.#trustedLevel : 1, this.machine.nowMs)
    return problem ?? wrong
  }

  /** While the machine is dead, what the store says means nothing. */
  async #guard(body: () => Promise<string | null>): Promise<string | null> {
    let problem: string | null
    try {
      problem = await body()
    } catch (error) {
      problem = failureText(error)
    }
    return this.machine.disk.crashed ? null : problem
  }

  async #restart(): Promise<string | null> {
    const { isCut, seed } = this.#crash!
    this.crashes += 1
    await this.machine.restart(isCut ? seed : undefined)
    const problem = await this.#recover(isCut)
    return problem && `after ${isCut ? 'a power cut' : 'a kill'} ${problem}`
  }

  async #step(step: Step, n: number): Promise<string | null> {
    const { machine } = this
    const store = this.#store
    machine.nowMs += 1
    switch (step.kind) {
      case 'crash':
        this.#crash = step
        if (step.inCalls === 0) machine.disk.crashed = true
        else this.#plantCrash(step.inCalls, step.isAfter)
        return null
      case 'set':
        return (await this.#set(step, n)) ?? this.#compare()
      case 'delete':
        return (await this.#delete(step)) ?? this.#compare()
      case 'burst':
        await this.#burst(step.keys, step.level, n)
        break
      case 'merge':
        await machine.until(store.merge())
        break
      case 'sync':
        await machine.until(store.sync())
        this.history.settle()
        break
      case 'reopen':
        await this.close()
        await this.open()
        break
      case 'wait':
        machine.nowMs += step.ms
        for (let turn = 0; turn < 20; turn++) await machine.turn()
        break
    }
    return this.#compare()
  }

  #plantCrash(inCalls: number, isAfter: boolean): void {
    const { disk } = this.machine
    disk.fault = { call: disk.calls + inCalls, what: isAfter ? 'crash-after' : 'crash-before' }
  }

  async #set(step: SetStep, n: number): Promise<string | null> {
    const { machine, history } = this
    const value = payloadOf(n, step.bytes)
    const there = history.live(step.key, machine.nowMs)
    const isRefused = refuses(step.condition, there)
    const expiresAtMs = step.ttlMs === 0 ? 0 : machine.nowMs + step.ttlMs
    const cell: Cell = { value: print(value), expiresAtMs, version: '' }
    const asked = isRefused ? null : history.ask([step.key, cell])
    try {
      const { version } = await machine.until(
        this.#store.set(step.key, value, {
          durability: LEVEL_NAMES[step.level]!,
          ...(step.ttlMs === 0 ? {} : { ttlMs: step.ttlMs }),
          ...conditionOf(step.condition, there),
        }),
      )
      if (asked === null)
        return `set of ${step.key} was taken though its condition (${step.condition}) failed`
      if (there !== undefined && version <= there.version) return `${step.key}: its version went back`
      cell.version = version
      asked.acknowledged = step.level
      return null
    } catch (error) {
      return this.#isConditionAnswer(error, isRefused)
    }
  }

  async #delete({ key, level, condition }: Extract<Step, { kind: 'delete' }>): Promise<string | null> {
    const { machine, history } = this
    const there = history.live(key, machine.nowMs)
    const ifVersion = condition === 'version' || condition === 'stale'
    const isRefused = ifVersion && refuses(condition, there)
    const asked = there === undefined || isRefused ? null : history.ask([key, undefined])
    try {
      const durability = LEVEL_NAMES[level]!
      const options = ifVersion ? { durability, ...conditionOf(condition, there) } : { durability }
      const said = await machine.until(this.#store.delete(key, options))
      if (isRefused) return `delete of ${key} was taken though its condition (${condition}) failed`
      if (said !== (there !== undefined)) return `delete of ${key} said ${said}`
      if (asked !== null) asked.acknowledged = level
      return null
    } catch (error) {
      return this.#isConditionAnswer(error, isRefused)
    }
  }

  #isConditionAnswer(error: unknown, isExpected: boolean): null {
    if (isExpected && (error as { code?: string }).code === 'STORAGE_CONDITION') return null
    throw error
  }

  async #burst(keys: readonly string[], level: number, n: number): Promise<void> {
    const { machine, history } = this
    const durability = LEVEL_NAMES[level]!
    const sent = keys.map(async (key, i) => {
      const value = payloadOf(n * 16 + i, 10 + ((n * 31 + i * 57) % 250))
      const cell: Cell = { value: print(value), expiresAtMs: 0, version: '' }
      const asked = history.ask([key, cell])
      const { version } = await this.#store.set(key, value, { durability })
      cell.version = version
      asked.acknowledged = level
    })
    await machine.until(Promise.all(sent))
  }

  /** Every key that was ever asked for, read in every way, against the model. */
  async #compare(): Promise<string | null> {
    const { held, problem } = await this.#held()
    return problem ?? difference(this.history.cells, held, this.machine.nowMs)
  }

  /** What the store gives out; `problem` where two ways of reading differ. */
  async #held(): Promise<{ held: Map<string, Cell>; problem: string | null }> {
    const held = new Map<string, Cell>()
    let problem: string | null = null
    const names = [...this.history.names]
    const entries = await this.machine.until(Promise.all(names.map((key) => this.#store.getEntry(key))))
    for (const [i, key] of names.entries()) {
      const entry = entries[i]
      if (print(entry?.value) !== print(this.#store.getSync(key)))
        problem ??= `${key}: getEntry, getSync differ`
      if (entry === undefined) continue
      const { value, expiresAtMs, version } = entry
      held.set(key, { value: print(value), expiresAtMs, version })
    }
    return { held, problem }
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

/** Bytes that name the operation they are of; half of them can be compressed. */
export function payloadOf(n: number, bytes: number): Uint8Array {
  const value = new Uint8Array(bytes + 4)
  new DataView(value.buffer).setUint32(0, n)
  let state = (n + 1) * 2654435761
  for (let i = 4; i < value.length; i++) {
    state ^= state << 13
    state ^= state >>> 17
    state ^= state << 5
    value[i] = i & 64 ? state : n
  }
  return value
}

export function print(value: Uint8Array | undefined): string {
  return value === undefined ? '' : Buffer.from(value).toString('latin1')
}
