/**
 * One engine under one workload, in a process of its own (`contestant-main.ts`), so that neither memory nor
 * compiled code nor background threads of one engine touch the figures of another. The parent calls these
 * methods, one at a time.
 */
import { createHash } from 'node:crypto'
import { readFileSync } from 'node:fs'
import { type ChurnFigures, churn } from './churn.ts'
import type { Engine, EngineName, EngineSetting } from './engines/engine.ts'
import { OPENERS } from './engines/open-engine.ts'
import { invalid, MEASURES, type MeasureName, type RoundFigures } from './measures.ts'
import { sustain } from './sustained.ts'
import { keyBytes, Workload, type WorkloadShape } from './workload.ts'
import { writeDelay } from './write-delay.ts'

const LOAD_CHUNK = 1000
const CHECKED_KEYS = 1000

export interface SessionOptions extends EngineSetting {
  readonly engine: EngineName
  readonly shape: WorkloadShape
}

export interface FirstAnswer {
  /** From the call of open to the answer of the first read. */
  readonly seconds: number
  /** Until everything that open does later was done, too. */
  readonly loadedSeconds: number
  /** By how much the process grew: memory of its own, mapped files left out. */
  readonly grownBytes: number
  /** What the store itself says of its index; zeros where it says nothing. */
  readonly indexBytes: { readonly table: number; readonly rest: number }
}

export class Session {
  readonly #options: SessionOptions
  readonly #work: Workload
  #engine: Engine | null = null
  #keys: unknown[] = []
  #absentKeys: unknown[] = []

  constructor(options: SessionOptions) {
    this.#options = options
    this.#work = new Workload(options.shape)
  }

  async open(changes: Partial<EngineSetting> = {}): Promise<void> {
    const open = await OPENERS[this.#options.engine]()
    this.#engine = await open({ ...this.#options, ...changes })
  }

  async close(): Promise<void> {
    await this.#opened().close()
    this.#engine = null
  }

  /** Gives every key its first value. */
  async load(): Promise<void> {
    const engine = this.#opened()
    const { keyCount } = this.#options.shape
    for (let first = 0; first < keyCount; first += LOAD_CHUNK) {
      const count = Math.min(LOAD_CHUNK, keyCount - first)
      const indexes = Array.from({ length: count }, (_, at) => first + at)
      const keys = indexes.map((index) => engine.key(keyBytes(index)))
      await engine.load(
        keys,
        indexes.map((index) => this.#work.valueOf(index)),
      )
    }
    await engine.flush()
  }

  /** Makes all keys before the clock starts. */
  makeKeys(): void {
    const engine = this.#opened()
    const { keyCount } = this.#options.shape
    const names = Array.from({ length: keyCount }, (_, index) => index)
    this.#keys = names.map((index) => engine.key(keyBytes(index)))
    this.#absentKeys = names.map((index) => engine.key(keyBytes(keyCount + index)))
  }

  round(measure: MeasureName, seconds: number, inFlight: number): Promise<RoundFigures> {
    const engine = this.#opened()
    const load = {
      engine,
      keys: this.#keys,
      absentKeys: this.#absentKeys,
      work: this.#work,
      inFlight,
      seconds,
    }
    return MEASURES[measure](load)
  }

  churn(times: number): Promise<ChurnFigures> {
    return churn(this.#opened(), this.#keys, this.#work, times, this.#options.directory)
  }

  sustain(seconds: number): Promise<RoundFigures> {
    return sustain(this.#opened(), this.#work, seconds)
  }

  /** Milliseconds until a set that was answered from memory had been written. */
  writeDelay(): Promise<number> {
    const engine = this.#opened()
    return writeDelay(engine, engine.key(keyBytes(0)), this.#options.directory)
  }

  /** Opens the store, which must not be open, and asks for one key. */
  async firstAnswer(): Promise<FirstAnswer> {
    const open = await OPENERS[this.#options.engine]()
    const asked = this.#work.next()
    const grownFrom = ownBytes()
    const start = performance.now()
    const engine = await open(this.#options)
    const value = await read(engine, engine.key(keyBytes(asked)))
    const seconds = (performance.now() - start) / 1000
    if (value === undefined || !this.#work.valueOf(asked).equals(value)) throw invalid('a wrong first answer')
    await engine.loaded?.()
    const loadedSeconds = (performance.now() - start) / 1000
    const indexBytes = engine.indexBytes?.() ?? { table: 0, rest: 0 }
    const grownBytes = ownBytes() - grownFrom
    this.#engine = engine
    return { seconds, loadedSeconds, grownBytes, indexBytes }
  }

  /**
   * Reads a sample of keys and compares whole values with what was written last; then writes and reads a
   * fixed set, whose hash is the same for every engine and every run.
   */
  async check(): Promise<string> {
    const engine = this.#opened()
    const count = Math.min(CHECKED_KEYS, this.#options.shape.keyCount)
    const hash = createHash('sha1')
    for (let checked = 0; checked < count; checked++) {
      const index = this.#work.next()
      const value = await read(engine, engine.key(keyBytes(index)))
      if (value === undefined || !this.#work.valueOf(index).equals(value)) {
        throw invalid(`${this.#options.engine} does not hold what was written last, key ${index}`)
      }
    }
    if (this.#options.engine === 'pread') return ''
    for (let index = 0; index < count; index++) {
      await engine.set(engine.key(keyBytes(index)), this.#work.pool[index % this.#work.pool.length]!)
      hash.update((await read(engine, engine.key(keyBytes(index)))) ?? 'missing')
    }
    return hash.digest('hex').slice(0, 12)
  }

  #opened(): Engine {
    if (this.#engine === null) throw invalid('the engine is not open')
    return this.#engine
  }
}

async function read(engine: Engine, key: unknown): Promise<Uint8Array | undefined> {
  return engine.copy === undefined ? engine.get!(key) : engine.copy(key)
}

/** The process's own memory, garbage left out: files mapped into it do not count. */
function ownBytes(): number {
  ;(globalThis as { gc?: () => void }).gc?.()
  const kib = /^RssAnon:\s+(\d+) kB$/m.exec(readFileSync('/proc/self/status', 'latin1'))?.[1]
  return Number(kib) * 1024
}
