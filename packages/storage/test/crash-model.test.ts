/**
 * Any operations with power cuts and kills between and inside them, against a model of what each key may
 * hold: what was confirmed last at a level that survives the fault, or something asked for after that. Never
 * anything else, and never what a reopen had shown to be gone.
 */
import type { Done } from '@minivault/wal'
import { MemoryFileSystem } from '@minivault/wal/testing'
import fc from 'fast-check'
import t from 'tap'
import type { Store } from '../src/index.ts'
import { noise } from '../src/testing/index.ts'
import { Crashed, openOn, print, until } from './fixtures/crashing-store.ts'

const LEVELS = ['memory', 'os', 'fsync'] as const
type Level = 0 | 1 | 2
const KEY_COUNT = 6

/** `isCut`: the power went; else only the process died. */
type Step =
  | { kind: 'set'; key: number; bytes: number; level: Level }
  | { kind: 'delete'; key: number; level: Level }
  | { kind: 'merge' }
  | { kind: 'reopen' }
  | { kind: 'sync' }
  | { kind: 'crash'; isCut: boolean; inCalls: number; isAfter: boolean; seed: number }

const key = fc.nat(KEY_COUNT - 1)
const level = fc.constantFrom<Level[]>(0, 1, 2)
const stepArbitrary: fc.Arbitrary<Step> = fc.oneof(
  // Over about 1,000 bytes a value gets a file of its own here.
  { weight: 8, arbitrary: fc.record({ kind: fc.constant('set' as const), key, bytes: fc.nat(1400), level }) },
  { weight: 3, arbitrary: fc.record({ kind: fc.constant('delete' as const), key, level }) },
  { weight: 2, arbitrary: fc.constantFrom<Step[]>({ kind: 'merge' }, { kind: 'reopen' }, { kind: 'sync' }) },
  {
    weight: 3,
    arbitrary: fc.record({
      kind: fc.constant('crash' as const),
      isCut: fc.boolean(),
      inCalls: fc.nat(30),
      isAfter: fc.boolean(),
      seed: fc.nat(1e6),
    }),
  },
)

/**
 * What each key may hold: all that was asked for, in order, with the level at which it was confirmed (-1: not
 * yet).
 */
class Model {
  readonly #asked = new Map<number, { value: string | undefined; confirmed: number }[]>()

  of(name: number) {
    let asked = this.#asked.get(name)
    if (asked === undefined) this.#asked.set(name, (asked = [{ value: undefined, confirmed: 2 }]))
    return asked
  }

  current(name: number): string | undefined {
    return this.of(name).at(-1)!.value
  }

  ask(name: number, value: string | undefined): { confirmed: number } {
    const entry = { value, confirmed: -1 }
    this.of(name).push(entry)
    return entry
  }

  allows(name: number, value: string | undefined, survivingLevel: number): boolean {
    const asked = this.of(name)
    const from = asked.findLastIndex(({ confirmed }) => confirmed >= survivingLevel)
    return asked.slice(from).some((entry) => entry.value === value)
  }

  /** Everything is durable, or known to be gone: this is what there is. */
  settle(name: number, value: string | undefined): void {
    this.#asked.set(name, [{ value, confirmed: 2 }])
  }
}

class Run {
  readonly model = new Model()
  readonly #disk: MemoryFileSystem
  #crash: Extract<Step, { kind: 'crash' }> | null = null
  #opened = 0
  #store!: Store
  crashes = 0

  constructor(disk: MemoryFileSystem) {
    this.#disk = disk
  }

  /** Null: all is well. */
  async all(steps: readonly Step[]): Promise<string | null> {
    this.#store = await this.#open()
    for (const [n, step] of steps.entries()) {
      let problem: string | null = null
      try {
        problem = await this.#step(step, n)
      } catch (error) {
        if (!(error instanceof Crashed)) return `step ${n}: ${error}`
      }
      try {
        if (this.#disk.crashed) problem ??= await this.#recover()
      } catch (error) {
        return `does not open after step ${n}: ${(error as { code?: string }).code ?? error}`
      }
      if (problem !== null) return `step ${n}, ${step.kind}: ${problem}`
    }
    return null
  }

  async #step(step: Step, n: number): Promise<string | null> {
    const disk = this.#disk
    const store = this.#store
    if (step.kind === 'crash') {
      this.#crash = step
      if (step.inCalls === 0) disk.crashed = true
      else
        disk.fault = { call: disk.calls + step.inCalls, what: step.isAfter ? 'crash-after' : 'crash-before' }
      return null
    }
    if (step.kind === 'merge') await until(disk, store.merge())
    else if (step.kind === 'sync') await until(disk, store.sync())
    else if (step.kind === 'reopen') {
      await until(disk, store.close())
      this.#settle()
      this.#store = await this.#open()
    } else if (step.kind === 'set') {
      const value = noise(step.bytes, n + 1)
      const entry = this.model.ask(step.key, print(value))
      await until(disk, store.set(`k${step.key}`, value, { durability: LEVELS[step.level] }))
      entry.confirmed = step.level
    } else {
      const existed = this.model.current(step.key) !== undefined
      const entry = existed ? this.model.ask(step.key, undefined) : null
      const said = await until(disk, store.delete(`k${step.key}`, { durability: LEVELS[step.level] }))
      if (said !== existed) return `delete said ${said}`
      if (entry !== null) entry.confirmed = step.level
    }
    if (step.kind === 'sync') this.#settle()
    return this.#compare((name, held) => held === this.model.current(name))
  }

  #settle(): void {
    for (let name = 0; name < KEY_COUNT; name++) this.model.settle(name, this.model.current(name))
  }

  async #recover(): Promise<string | null> {
    // What the dead process still had in its queues.
    for (let i = 0; i < 20; i++) await new Promise(setImmediate)
    const { isCut, seed } = this.#crash!
    this.#disk.restart(isCut ? seed : undefined)
    this.crashes += 1
    this.#store = await this.#open()
    const problem = await this.#compare((name, held) => {
      const isAllowed = this.model.allows(name, held, isCut ? 2 : 1)
      // What a power cut has left is on the disk; after a kill it may still be lost by a cut.
      if (isCut) this.model.settle(name, held)
      else this.model.ask(name, held).confirmed = 1
      return isAllowed
    })
    return problem && `after ${isCut ? 'a power cut' : 'a kill'} ${problem}`
  }

  async #compare(isRight: (name: number, held: string | undefined) => boolean): Promise<string | null> {
    for (let name = 0; name < KEY_COUNT; name++) {
      const held = print(await until(this.#disk, this.#store.get(`k${name}`)))
      if (!isRight(name, held)) return `k${name} holds ${held?.length} bytes that it must not hold`
    }
    return null
  }

  #open(): Promise<Store> {
    this.#opened += 1
    return until(this.#disk, openOn(this.#disk, this.#opened))
  }
}

const steps = fc.array(stepArbitrary, { minLength: 10, maxLength: 60 })

t.test('any operations, power cuts and kills: nothing confirmed is lost, nothing is invented', async (t) => {
  let crashes = 0
  const property = fc.asyncProperty(steps, async (list) => {
    const run = new Run(new MemoryFileSystem())
    const problem = await run.all(list)
    crashes += run.crashes
    if (problem !== null) throw new Error(problem)
  })
  await fc.assert(property, { numRuns: Number(process.env['CRASH_MODEL_RUNS'] ?? 150) })
  t.ok(crashes > 150, `${crashes} crashes`)
})

/** The control: the log's own syncs do nothing. */
class ForgetfulDisk extends MemoryFileSystem {
  override datasync(_descriptor: number, done: Done): void {
    queueMicrotask(() => done(null))
  }
  override datasyncSync(): void {}
}

t.test('the control: a disk that forgets to sync is caught', async (t) => {
  const problems: string[] = []
  const property = fc.asyncProperty(steps, async (list) => {
    const problem = await new Run(new ForgetfulDisk()).all(list)
    if (problem !== null) problems.push(problem)
  })
  await fc.assert(property, { numRuns: 100 })
  const honest = /that it must not hold$|^does not open after step \d+: STORAGE_CORRUPT$/
  t.same(
    problems.filter((problem) => !honest.test(problem)),
    [],
    'lost, or found out at open',
  )
  t.ok(problems.length > 10, `${problems.length} of 100 runs`)
})
