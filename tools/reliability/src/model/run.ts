/**
 * Carries steps out on a simulated machine and on the model beside it, and compares the two after each step
 * through every way of reading. Says what is wrong in words; null is good.
 */
import type { Store } from '@minivault/storage'
import type { Machine } from '../disk/machine.ts'
import { failureText } from '../row.ts'
import { type Cell, difference, History } from './history.ts'
import { Operations } from './operations.ts'
import { inOrder, readScan, scanDifference } from './ordered.ts'
import { print } from './payload.ts'
import type { CalmStep, Step, StepOf } from './step.ts'

/** Turns in which background work may go on while a run waits. */
const WAIT_TURNS = 20
const SCAN_PAGE = 20

/** Derived data, never synced: a power cut may tear it, and it is made again when it is read. */
const HINT = /\/hints\//

/** Shows that a store goes on after a fault: what is written now is kept. */
const GOING_ON: readonly Step[] = [
  { kind: 'set', key: 'afterwards', bytes: 30, level: 2, condition: 'none', ttlMs: 0 },
  { kind: 'reopen' },
]

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
  #operations!: Operations
  readonly #snapshots = new Map<string, ReadonlyMap<string, Cell>>()
  #crash: StepOf<'crash'> | null = null
  #steps = 0
  #wasCut = false
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

  /** All steps, with the crashes that are among them. */
  async all(steps: readonly Step[]): Promise<string | null> {
    const { disk } = this.machine
    let problem = await this.#guard(() => this.#open())
    for (const [n, step] of steps.entries()) {
      if (problem === null && !disk.crashed) problem = await this.#guard(() => this.#step(step, n))
      if (problem === null && disk.crashed) problem = await this.#guard(() => this.#restart())
      if (problem !== null) return `step ${n}, ${step.kind}: ${problem}`
      this.#steps += 1
    }
    return this.#guard(() => this.#close())
  }

  /**
   * Steps up to a crash that was planted in the disk, without coming back. What is written is not read in
   * between: `all` does that.
   */
  async untilCrash(steps: readonly CalmStep[]): Promise<string | null> {
    let problem = await this.#guard(() => this.#open())
    for (const [n, step] of steps.entries()) {
      if (problem !== null || this.machine.disk.crashed) return problem
      this.machine.nowMs += 1
      problem = await this.#guard(() => this.#carryOut(step, n))
      this.#steps += 1
    }
    return problem ?? this.#guard(() => this.#close())
  }

  /** Opens after a crash, compares, and goes on from there. */
  async comeBack(isCut: boolean): Promise<string | null> {
    const problem = await this.#guard(() => this.#recover(isCut))
    if (problem !== null) return problem
    const snapshot = await this.#guard(() => this.#compareSnapshots())
    if (snapshot !== null) return snapshot
    for (const step of GOING_ON) {
      const wrong = await this.#guard(() => this.#step(step, this.#steps++))
      if (wrong !== null) return `going on: ${wrong}`
    }
    return this.#guard(() => this.#close())
  }

  async #open(): Promise<null> {
    this.#store = this.#around(await this.machine.open())
    this.#operations = new Operations(this.machine, this.history, this.#store)
    return null
  }

  async #close(): Promise<null> {
    await this.machine.until(this.#store.close())
    this.history.settle()
    return null
  }

  /** Opens after a fault, and takes what is there for the truth. */
  async #recover(isCut: boolean): Promise<string | null> {
    await this.#open()
    const { held, problem } = await this.#held(this.#store)
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
    if (isCut) this.#wasCut = true
    await this.machine.restart(isCut ? seed : undefined)
    const problem = await this.#recover(isCut)
    return problem && `after ${isCut ? 'a power cut' : 'a kill'} ${problem}`
  }

  async #step(step: Step, n: number): Promise<string | null> {
    this.machine.nowMs += 1
    if (step.kind === 'crash') {
      this.#plantCrash(step)
      return null
    }
    return (await this.#carryOut(step, n)) ?? (await this.#compare())
  }

  async #carryOut(step: CalmStep, n: number): Promise<string | null> {
    const { machine } = this
    switch (step.kind) {
      case 'set':
        return this.#operations.set(step, n)
      case 'delete':
        return this.#operations.delete(step)
      case 'touch':
        return this.#operations.touch(step)
      case 'increment':
        return this.#operations.increment(step)
      case 'batch':
        return this.#operations.batch(step, n)
      case 'burst':
        return this.#operations.burst(step, n)
      case 'merge':
        await machine.until(this.#store.merge())
        return null
      case 'sync':
        await machine.until(this.#store.sync())
        this.history.settle()
        return null
      case 'reopen':
        await this.#close()
        return this.#open()
      case 'snapshot':
        return this.#snapshot(`/snapshot-${n}`)
      case 'verify': {
        const { bad } = await machine.until(this.#store.verify())
        const real = bad.find(({ path }) => !(this.#wasCut && HINT.test(path)))
        return real === undefined ? null : `verify says ${JSON.stringify(real)}`
      }
      case 'scan':
        return this.#scan(step, n)
      case 'wait':
        machine.nowMs += step.ms
        for (let turn = 0; turn < WAIT_TURNS; turn++) await machine.turn()
        return null
    }
  }

  async #scan({ request, pageEntries, meanwhile }: StepOf<'scan'>, n: number): Promise<string | null> {
    const { machine, history } = this
    const wanted = inOrder(history.cells, request, machine.nowMs)
    let problem: string | null = null
    const scan = this.#store.scan(request)
    const found = await readScan(machine, scan, pageEntries, async () => {
      for (const [i, step] of meanwhile.entries()) problem ??= await this.#carryOut(step, (n + 1) * 1000 + i)
    })
    return problem ?? scanDifference(wanted, found, request)
  }

  async #snapshot(directory: string): Promise<string | null> {
    const cells = new Map(this.history.cells)
    await this.machine.until(this.#store.snapshot(directory))
    // All that was there when it was asked for was made durable for it.
    this.#snapshots.set(directory, cells)
    return this.#compareSnapshots()
  }

  /** The snapshot taken last, opened as a store of its own. */
  async #compareSnapshots(): Promise<string | null> {
    for (const [directory, cells] of [...this.#snapshots].slice(-1)) {
      const store = await this.machine.open(directory)
      const { held, problem } = await this.#held(store)
      await this.machine.until(store.close())
      const wrong = problem ?? difference(cells, held, this.machine.nowMs)
      if (wrong !== null) return `${directory}: ${wrong}`
    }
    return null
  }

  #plantCrash(step: StepOf<'crash'>): void {
    const { disk } = this.machine
    this.#crash = step
    if (step.inCalls === 0) disk.crashed = true
    else disk.fault = { call: disk.calls + step.inCalls, what: step.isAfter ? 'crash-after' : 'crash-before' }
  }

  /** Every key that was ever asked for, read in every way, against the model. */
  async #compare(): Promise<string | null> {
    const { held, problem } = await this.#held(this.#store)
    return problem ?? difference(this.history.cells, held, this.machine.nowMs)
  }

  /** What the store gives out; `problem` where two ways of reading differ. */
  async #held(store: Store): Promise<{ held: Map<string, Cell>; problem: string | null }> {
    const held = new Map<string, Cell>()
    let problem: string | null = null
    const names = [...this.history.names]
    const scanned = await readScan(this.machine, store.scan(), SCAN_PAGE)
    const entries = await this.machine.until(Promise.all(names.map((key) => store.getEntry(key))))
    for (const [i, key] of names.entries()) {
      const entry = entries[i]
      if (print(entry?.value) !== print(store.getSync(key))) problem ??= `${key}: getEntry, getSync differ`
      if (entry === undefined) continue
      const { value, expiresAtMs, version } = entry
      held.set(key, { value: print(value), expiresAtMs, version })
    }
    problem ??= scanDifference(inOrder(held, {}, this.machine.nowMs), scanned, {})
    return { held, problem }
  }
}
