/**
 * Calls at random against the real program, beside a model of it that is a Map: every answer must be the
 * model's. The seed is printed; MINIVAULT_TEST_SEED repeats a run.
 */
import t from 'tap'
import { Client, type ClientError, type ScanOptions } from '../src/index.ts'
import { startServer } from './support/server.ts'

const STEPS = 3_000
const KEYS = ['a', 'a:', 'a:1', 'a:2', 'b', 'b\u0000', 'ba', '\u00ff', 'zz', 'k'.repeat(300)]
const LENGTHS = [0, 1, 3, 100, 5_000, 16_384, 16_385, 196_608, 196_609, 262_144, 530_000]

interface Held {
  value: Buffer
  version: string
}

class Random {
  #state: number

  constructor(seed: number) {
    this.#state = seed
  }

  /** 0 up to, not with, n */
  below(n: number): number {
    this.#state = (Math.imul(this.#state, 1_664_525) + 1_013_904_223) >>> 0
    return Math.floor((this.#state / 2 ** 32) * n)
  }

  of<T>(list: readonly T[]): T {
    return list[this.below(list.length)]!
  }
}

class Run {
  readonly #client: Client
  readonly #random: Random
  readonly #model = new Map<string, Held>()
  #count = 0

  constructor(client: Client, random: Random) {
    this.#client = client
    this.#random = random
  }

  async step(): Promise<string> {
    const key = this.#random.of(KEYS)
    const steps = [
      this.set,
      this.setIf,
      this.create,
      this.delete,
      this.deleteIf,
      this.increment,
      this.touch,
      this.batch,
      this.update,
      this.setStream,
      this.read,
      this.read,
      this.range,
      this.stream,
      this.scan,
      this.scan,
    ]
    const step = this.#random.of(steps)
    await step.call(this, key)
    return step.name
  }

  #value(): Buffer {
    const length = this.#random.below(4) > 0 ? this.#random.below(40) : this.#random.of(LENGTHS)
    return Buffer.alloc(length, `${++this.#count} `)
  }

  #wrote(key: string, value: Uint8Array, version: string | undefined): void {
    const before = this.#model.get(key)
    if (before !== undefined) mustBe(version! > before.version, 'versions grow')
    this.#model.set(key, { value: Buffer.from(value), version: version! })
  }

  async set(key: string) {
    const value = this.#value()
    this.#wrote(key, value, (await this.#client.set(key, value)).version)
  }

  async setIf(key: string) {
    const held = this.#model.get(key)
    const value = this.#value()
    const isRight = held !== undefined && this.#random.below(2) === 0
    const ifVersion = isRight ? held.version : 'f'.repeat(24)
    const call = this.#client.set(key, value, { ifVersion })
    if (isRight) this.#wrote(key, value, (await call).version)
    else await mustFail(call, 'VERSION_MISMATCH', held?.version)
  }

  async create(key: string) {
    const held = this.#model.get(key)
    const value = this.#value()
    const call = this.#client.create(key, value)
    if (held === undefined) this.#wrote(key, value, (await call).version)
    else await mustFail(call, 'KEY_EXISTS', held.version)
  }

  async delete(key: string) {
    mustBe((await this.#client.delete(key)) === this.#model.has(key), 'delete tells whether')
    this.#model.delete(key)
  }

  async deleteIf(key: string) {
    const held = this.#model.get(key)
    if (held === undefined) return
    await mustFail(this.#client.delete(key, { ifVersion: '1'.repeat(24) }), 'VERSION_MISMATCH', held.version)
    mustBe(await this.#client.delete(key, { ifVersion: held.version }), 'delete by version')
    this.#model.delete(key)
  }

  async increment(key: string) {
    const held = this.#model.get(key)
    const by = BigInt(this.#random.below(1_000) - 500)
    const before = /^-?[0-9]{1,15}$/.test(`${held?.value ?? 0}`) ? BigInt(`${held?.value ?? 0}`) : null
    if (before === null) return mustFail(this.#client.increment(key, by), 'NOT_A_NUMBER', held!.version)
    mustBe((await this.#client.increment(key, by)) === before + by, 'the sum')
    this.#wrote(key, Buffer.from(`${before + by}`), (await this.#client.getEntry(key))!.version)
  }

  async touch(key: string) {
    const held = this.#model.get(key)
    const options = this.#random.below(2) === 0 ? {} : { ttlMs: 1_000_000 }
    mustBe((await this.#client.touch(key, options)) === (held !== undefined), 'touch tells whether')
    if (held !== undefined) this.#wrote(key, held.value, (await this.#client.getEntry(key))!.version)
  }

  async batch() {
    const writes = Array.from({ length: this.#random.below(8) }, () => {
      return { key: this.#random.of(KEYS), value: this.#random.below(3) === 0 ? null : this.#value() }
    })
    const { versions } = await this.#client.batch(
      writes.map(({ key, value }) =>
        value === null ? { type: 'delete', key } : { type: 'set', key, value },
      ),
    )
    for (const [index, { key, value }] of writes.entries()) {
      if (value === null) this.#model.delete(key)
      else this.#model.set(key, { value, version: versions[index]! })
    }
  }

  async update(key: string) {
    const held = this.#model.get(key)
    const added = this.#random.below(5) === 0 ? undefined : `+${++this.#count}`
    const result = await this.#client.update(key, (value) => {
      mustBe(same(value, held?.value), 'update shows what is there')
      return added === undefined ? undefined : Buffer.concat([value ?? Buffer.alloc(0), Buffer.from(added)])
    })
    mustBe((result === undefined) === (added === undefined), 'nothing written, no version')
    if (result !== undefined) this.#wrote(key, Buffer.from(`${held?.value ?? ''}${added}`), result.version)
  }

  async setStream(key: string) {
    const value = this.#random.below(30) === 0 ? Buffer.alloc(5_000_000, `${++this.#count}`) : this.#value()
    const at = this.#random.below(value.length + 1)
    const pieces = [value.subarray(0, at), value.subarray(at)]
    this.#wrote(key, value, (await this.#client.setStream(key, pieces, { size: value.length })).version)
  }

  async read(key: string) {
    const held = this.#model.get(key)
    const entry = await this.#client.getEntry(key)
    mustBe(same(entry?.value, held?.value) && entry?.version === held?.version, 'get')
    mustBe((await this.#client.has(key)) === (held !== undefined), 'has')
  }

  async range(key: string) {
    const value = this.#model.get(key)?.value
    const start = this.#random.below((value?.length ?? 0) + 3)
    const end = this.#random.below((value?.length ?? 0) + 300)
    const range = await this.#client.getRange(key, { start, end })
    mustBe(same(range, value?.subarray(start, Math.max(start, end))), 'getRange')
  }

  async stream(key: string) {
    const held = this.#model.get(key)
    const stream = await this.#client.getStream(key)
    mustBe((stream !== undefined) === (held !== undefined), 'getStream')
    if (stream === undefined) return
    const pieces: Uint8Array[] = []
    for await (const piece of stream) pieces.push(piece)
    mustBe(same(Buffer.concat(pieces), held!.value) && stream.version === held!.version, 'the stream')
  }

  async scan() {
    const random = this.#random
    const maybe = <T>(value: T) => (random.below(3) === 0 ? value : undefined)
    const given = {
      prefix: maybe(random.of(['a', 'b', 'a:', ''])),
      gt: maybe(random.of(KEYS)),
      lt: maybe(random.of(KEYS)),
      limit: maybe(random.below(8)),
      reverse: random.below(2) === 0,
      keysOnly: random.below(3) === 0,
    }
    const options = Object.fromEntries(
      Object.entries(given).filter(([, value]) => value !== undefined),
    ) as ScanOptions
    const bytes = (text: string) => Buffer.from(text)
    let expected = [...this.#model.keys()].sort((a, b) => Buffer.compare(bytes(a), bytes(b)))
    if (given.reverse) expected.reverse()
    expected = expected.filter((key) => {
      const isIn = key.startsWith(given.prefix ?? '')
      const isAbove = given.gt === undefined || Buffer.compare(bytes(key), bytes(given.gt)) > 0
      return isIn && isAbove && (given.lt === undefined || Buffer.compare(bytes(key), bytes(given.lt)) < 0)
    })
    if (given.limit !== undefined) expected = expected.slice(0, given.limit)
    const found: string[] = []
    for await (const { key, value, version } of this.#client.scan(options)) {
      found.push(Buffer.from(key).toString())
      const held = this.#model.get(found.at(-1)!)
      mustBe(held?.version === version, 'the version in a scan')
      mustBe(same(value, given.keysOnly ? Buffer.alloc(0) : held!.value), 'the value in a scan')
    }
    mustBe(found.join() === expected.join(), `scan ${JSON.stringify(options)}: ${found} for ${expected}`)
  }
}

function same(a: Uint8Array | undefined, b: Uint8Array | undefined): boolean {
  return a === undefined || b === undefined ? a === b : Buffer.compare(a, b) === 0
}

function mustBe(isTrue: boolean, what: string): void {
  if (!isTrue) throw new Error(`not as the model: ${what}`)
}

async function mustFail(call: Promise<unknown>, code: string, version?: string): Promise<void> {
  const error = await call.then(
    () => null,
    (error: ClientError) => error,
  )
  mustBe(error?.code === code && error.version === version, `${code}, not ${error?.code}: ${error?.message}`)
}

t.test('every answer is the model’s', async (t) => {
  const seed = Number(process.env['MINIVAULT_TEST_SEED'] ?? Date.now() % 1_000_000)
  t.comment(`seed ${seed}`)
  const { port } = await startServer(t, ['-durability', 'memory'])
  const client = Client.open({ url: `minivault://127.0.0.1:${port}`, protocol: 'frames' })
  t.teardown(() => client.close())
  const run = new Run(client, new Random(seed))
  const counts = new Map<string, number>()
  for (let step = 0; step < STEPS; step++) {
    const name = await run.step().catch((error) => {
      throw new Error(`step ${step} of seed ${seed}: ${error.message}`, { cause: error })
    })
    counts.set(name, (counts.get(name) ?? 0) + 1)
  }
  t.comment(JSON.stringify(Object.fromEntries(counts)))
  t.equal(counts.size, 14, 'every kind of step was taken')
})
