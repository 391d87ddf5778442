/**
 * Random operations on the engine and on the model, scans left open between them: each answer is the same. A
 * version is known by when its store first told it, since the two stores count differently.
 */

import { mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import fc from 'fast-check'
import t from 'tap'
import type { BatchOperation } from '../src/batch-operations.ts'
import { Store, type StoreOptions } from '../src/index.ts'
import type { ScanOptions } from '../src/scan/scan-range.ts'
import { MemoryStore, noise, type SimpleDoor, type SimpleScan } from '../src/testing/index.ts'

const START_MS = 1_800_000_000_000
const SCANS_OPEN = 4

type Expiry = { ttlMs?: number; expiresAtMs?: number }
type Step =
  | {
      kind: 'set' | 'setStream'
      key: string
      value: Value
      expiry: Expiry
      condition: Condition
      type: 0 | 1
    }
  | { kind: 'delete'; key: string; condition: Condition }
  | { kind: 'touch'; key: string; expiry: Expiry }
  | { kind: 'increment'; key: string; by: bigint; expiry: Expiry }
  | { kind: 'batch'; operations: BatchOperation[] }
  | { kind: 'get'; keys: string[]; start: number; end: number }
  | { kind: 'scan'; options: ScanOptions; page: number; resume: boolean }
  | { kind: 'next'; scan: number; page: number; seek: string | null }
  | { kind: 'merge' | 'sync' | 'reopen' }
  | { kind: 'wait'; ms: number }
/** Text, or so many bytes of noise. */
type Value = string | number
type Condition = 'none' | 'absent' | number

const key = fc.constantFrom('a', 'b', 'ba', 'bb', 'bbb', 'c', '\u{10ffff}', 'long'.repeat(80))
const value: fc.Arbitrary<Value> = fc.oneof(
  { weight: 3, arbitrary: fc.constantFrom('', '1', '-7', '9223372036854775807', 'x'.repeat(900)) },
  fc.constantFrom(1, 200, 5000, 70_000, 1_100_000),
)
const expiry: fc.Arbitrary<Expiry> = fc.oneof(
  { weight: 3, arbitrary: fc.constant({}) },
  fc.constantFrom(1, 20, 3000).map((ttlMs) => ({ ttlMs })),
  fc.constantFrom(0, START_MS + 10, START_MS + 5000, START_MS - 1).map((expiresAtMs) => ({ expiresAtMs })),
)
const condition: fc.Arbitrary<Condition> = fc.oneof(
  { weight: 3, arbitrary: fc.constant('none' as const) },
  fc.constant('absent' as const),
  fc.nat(30),
)
const operation: fc.Arbitrary<BatchOperation> = fc.oneof(
  fc
    .tuple(key, fc.constantFrom('', '5', 'y'.repeat(300)), expiry)
    .map(([key, value, expiry]) => ({ type: 'set' as const, key, value, ...expiry })),
  key.map((key) => ({ type: 'delete' as const, key })),
)
const range: fc.Arbitrary<ScanOptions> = fc.record(
  {
    prefix: fc.constantFrom('b', 'bb', ''),
    gt: key,
    lte: key,
    limit: fc.nat(9),
    reverse: fc.boolean(),
    keysOnly: fc.boolean(),
  },
  { requiredKeys: [] },
)
const kind = <K extends string>(name: K) => fc.constant(name)
const page = fc.integer({ min: 1, max: 5 })
const step: fc.Arbitrary<Step> = fc.oneof(
  {
    weight: 6,
    arbitrary: fc.record({
      kind: fc.constantFrom('set' as const, 'set' as const, 'setStream' as const),
      key,
      value,
      expiry,
      condition,
      type: fc.constantFrom(0 as const, 1 as const),
    }),
  },
  { weight: 3, arbitrary: fc.record({ kind: kind('delete'), key, condition }) },
  { weight: 2, arbitrary: fc.record({ kind: kind('touch'), key, expiry }) },
  {
    weight: 2,
    arbitrary: fc.record({
      kind: kind('increment'),
      key,
      by: fc.constantFrom(1n, -9n, 2n ** 63n - 1n),
      expiry,
    }),
  },
  {
    weight: 2,
    arbitrary: fc.record({ kind: kind('batch'), operations: fc.array(operation, { maxLength: 9 }) }),
  },
  {
    weight: 4,
    arbitrary: fc.record({
      kind: kind('get'),
      keys: fc.array(key, { minLength: 1, maxLength: 4 }),
      start: fc.nat(1000),
      end: fc.nat(2_000_000),
    }),
  },
  {
    weight: 3,
    arbitrary: fc.record({ kind: kind('scan'), options: range, page, resume: fc.boolean() }),
  },
  {
    weight: 4,
    arbitrary: fc.record({
      kind: kind('next'),
      scan: fc.nat(SCANS_OPEN - 1),
      page,
      seek: fc.option(key),
    }),
  },
  {
    weight: 2,
    arbitrary: fc.record({ kind: fc.constantFrom('merge' as const, 'sync' as const, 'reopen' as const) }),
  },
  { weight: 1, arbitrary: fc.record({ kind: kind('wait'), ms: fc.constantFrom(1, 10, 2000) }) },
)

/** One of the two stores, with what it has told. */
class Side {
  store: SimpleDoor
  readonly #reopen: (store: SimpleDoor) => Promise<SimpleDoor>
  readonly #scans: SimpleScan[] = []
  readonly #versions: string[] = []
  #cursor: string | undefined

  constructor(store: SimpleDoor, reopen: (store: SimpleDoor) => Promise<SimpleDoor>) {
    this.store = store
    this.#reopen = reopen
  }

  /** The answer as text; a refusal as its code. */
  async answer(step: Step): Promise<string> {
    try {
      return this.#tell(await this.#ask(step))
    } catch (error) {
      const { code, version } = error as { code?: string; version?: string }
      if (code === undefined) throw error
      return `${code} ${this.#ordinal(version)}`
    }
  }

  #tell(told: unknown): string {
    if (told instanceof Uint8Array) return Buffer.from(told).toString('base64')
    if (Array.isArray(told)) return `[${told.map((one) => this.#tell(one)).join(' ')}]`
    if (typeof told !== 'object' || told === null) return String(told)
    const members = Object.entries(told).map(([name, member]) =>
      name === 'version' ? `version ${this.#ordinal(member)}` : `${name} ${this.#tell(member)}`,
    )
    return `{${members.sort().join(', ')}}`
  }

  async #ask(step: Step): Promise<unknown> {
    const { store } = this
    switch (step.kind) {
      case 'set':
        return store.set(step.key, bytes(step.value), this.#options(step))
      case 'setStream':
        return store.setStream(step.key, new Blob([bytes(step.value)]).stream(), this.#options(step))
      case 'delete':
        if (step.condition === 'none' || step.condition === 'absent') return store.delete(step.key)
        return store.delete(step.key, { ifVersion: this.#version(step.condition) })
      case 'touch':
        return store.touch(step.key, step.expiry)
      case 'increment':
        return store.increment(step.key, step.by, step.expiry)
      case 'batch':
        return (await store.batch(step.operations)).versions.map((version) => ({ version }))
      case 'get':
        return this.#get(step.keys, step)
      case 'scan':
        return this.#scan(step)
      case 'next': {
        const scan = this.#scans[step.scan]
        if (step.seek !== null) scan?.seek(step.seek)
        return scan?.nextPage(step.page)
      }
      case 'reopen':
        this.#closeScans()
        this.store = await this.#reopen(store)
        return null
      case 'wait':
        // Whether a scan still gives what has expired since it began depends on what it has read ahead.
        this.#closeScans()
        return null
      default:
        await store[step.kind]()
        return null
    }
  }

  async #get(keys: string[], range: { start: number; end: number }): Promise<unknown> {
    const key = keys[0]!
    const { store } = this
    const stream = await store.getStream(key, range)
    const pieces: Uint8Array[] = []
    for await (const piece of stream ?? []) pieces.push(piece)
    const { size, start, end, version, type, expiresAtMs } = stream ?? {}
    const told = { size, start, end, version, type, expiresAtMs, bytes: Buffer.concat(pieces) }
    return [
      await store.getMany(keys),
      await store.getEntry(key),
      await store.has(key),
      store.getSync(key),
      told,
    ]
  }

  #closeScans(): void {
    for (const scan of this.#scans.splice(0)) scan.close()
  }

  #scan({ options, page, resume }: Step & { kind: 'scan' }): Promise<unknown> {
    if (this.#scans.length === SCANS_OPEN) this.#scans.shift()?.close()
    const cursor = resume ? this.#cursor : undefined
    const scan = this.store.scan(cursor === undefined ? options : { ...options, cursor })
    this.#scans.push(scan)
    const entries = scan.nextPage(page)
    return entries.finally(() => {
      this.#cursor = scan.cursor
    })
  }

  #options({ expiry, condition, type }: Step & { kind: 'set' | 'setStream' }) {
    if (condition === 'none') return { ...expiry, type }
    if (condition === 'absent') return { ...expiry, type, ifAbsent: true }
    return { ...expiry, type, ifVersion: this.#version(condition) }
  }

  #ordinal(version: string | undefined): number {
    if (version === undefined) return -1
    const known = this.#versions.indexOf(version)
    return known === -1 ? this.#versions.push(version) - 1 : known
  }

  /** The one told so long ago. */
  #version(ago: number): string {
    return this.#versions.at(-1 - ago) ?? 'f'.repeat(24)
  }
}

function bytes(value: Value): Uint8Array<ArrayBuffer> {
  return Uint8Array.from(typeof value === 'string' ? Buffer.from(value) : noise(value, value))
}

const root = mkdtempSync(join(tmpdir(), 'minivault-equals-'))
t.teardown(() => rmSync(root, { recursive: true, force: true }))
let folders = 0

const oneHash: NonNullable<StoreOptions['hash']> = (_bytes, _start, _end, into) => {
  into.high = 7
  into.low = 7
  return into
}
const storeOptions: fc.Arbitrary<Partial<StoreOptions>> = fc.constantFrom(
  {},
  { windowBytes: 1 << 17, segmentBytes: 1 << 18 },
  { windowBytes: 1 << 17, segmentBytes: 1 << 18, hash: oneHash },
  { windowBytes: 1 << 17, segmentBytes: 1 << 18, keydirBytes: 1 << 16 },
)

async function compare(steps: readonly Step[], options: Partial<StoreOptions>): Promise<void> {
  let nowMs = START_MS
  const now = () => nowMs
  const directory = join(root, `data${++folders}`)
  const open = () => Store.open({ directory, durability: 'os', cacheBytes: 1 << 20, now, ...options })
  const model = new Side(new MemoryStore({ now }), async (store) => store)
  const engine = new Side(await open(), async (store) => {
    await store.close()
    return open()
  })
  try {
    for (const [i, step] of steps.entries()) {
      if (step.kind === 'wait') nowMs += step.ms
      const [wanted, found] = [await model.answer(step), await engine.answer(step)]
      if (found !== wanted) throw new Error(`step ${i}: ${found.slice(0, 500)}, not ${wanted.slice(0, 500)}`)
    }
  } finally {
    await engine.store.close()
    rmSync(directory, { recursive: true, force: true })
  }
}

t.test('the engine answers as the model does', async (t) => {
  const steps = fc.array(step, { minLength: 10, maxLength: 60, size: 'max' })
  const property = fc.asyncProperty(steps, storeOptions, compare)
  const { failed, counterexample, errorInstance, seed } = await fc.check(property, {
    numRuns: 40,
    interruptAfterTimeLimit: 60_000,
  })
  const told = JSON.stringify(counterexample, (_, told) => (typeof told === 'bigint' ? `${told}n` : told))
  t.notOk(failed, `seed ${seed}: ${errorInstance}: ${told}`)
})
