/**
 * So many minutes of bounded work by all doors, while connections come and go and a member is started anew:
 * what is looked at meanwhile, and what there is to say in the end. What grows is judged in the second half:
 * caches are full then, and the compiler is done.
 */
import { setTimeout as sleep } from 'node:timers/promises'
import { setFlagsFromString } from 'node:v8'
import { runInNewContext } from 'node:vm'
import { PassersBy } from './passers-by.ts'
import { LIMIT_BYTES, type Setting } from './settings.ts'
import { growthOf, type Point } from './slope.ts'
import { Tenant } from './tenant.ts'
import { descriptorKinds, Vitals } from './vitals.ts'

const MEBIBYTE = 1024 * 1024
const MINUTE_MS = 60_000
/** In the second half, by slope: what is reachable; what is resident, which also moves by itself. */
export const LIVE_GROWTH_MAX = 2 * MEBIBYTE
/** Of the clients' process, which remembers what was looked at, and has the libraries of others in it. */
export const OWN_GROWTH_MAX = 4 * MEBIBYTE
export const RESIDENT_GROWTH_MAX = 16 * MEBIBYTE
export const DESCRIPTOR_GROWTH_MAX = 4
/** Of all operations: whoever is asked while a member goes may hear that. */
const FAILED_SHARE_MAX = 0.001
const LOOKS = 240
const COLLECTIONS = 24
/** Before a collection nobody begins anything for so long: what is under way is no growth. */
const LULL_MS = 1000
const DISTURBANCES = 10
const OPERATIONS_A_TENANT = 20
const WORDS_MAX = 3

interface Growth {
  readonly live: number
  readonly resident: number
}

const OF_A_NODE: Growth = { live: LIVE_GROWTH_MAX, resident: RESIDENT_GROWTH_MAX }
const OF_OUR_OWN: Growth = { live: OWN_GROWTH_MAX, resident: Number.POSITIVE_INFINITY }

export interface SoakOptions {
  readonly minutes: number
  readonly seed: number
  /** To each setting, in a second. */
  readonly passersBy: number
  progress(done: number, of: number): void
}

export interface SoakFindings {
  readonly failures: string[]
  readonly measured: string
}

export class Soak {
  readonly #options: SoakOptions
  readonly #settings: readonly Setting[]
  readonly #tenants: Tenant[]
  readonly #passersBy: PassersBy[]
  /** Of this process: the clients, which are ours too, and the gates. */
  readonly #own = new Vitals('the clients')
  readonly #collect: () => void
  readonly #failures: string[] = []
  /** While it is not settled nobody begins anything. */
  #lull = Promise.resolve()
  #isOver = false

  constructor(settings: readonly Setting[], options: SoakOptions) {
    this.#options = options
    this.#settings = settings
    this.#tenants = settings.flatMap((setting, at) =>
      setting.doors().map((door, index) => {
        return new Tenant(door, `soak ${at} ${index} `, options.seed * 1000 + at * 100 + index)
      }),
    )
    this.#passersBy = settings.map((setting) => new PassersBy(() => setting.ports()))
    setFlagsFromString('--expose-gc')
    this.#collect = runInNewContext('gc')
  }

  async run(): Promise<SoakFindings> {
    const { minutes, passersBy } = this.#options
    const isOver = () => this.#lull.then(() => this.#isOver)
    const working = [
      ...this.#tenants.map((tenant) => tenant.work(OPERATIONS_A_TENANT, isOver)),
      ...this.#passersBy.map((one) => one.come(passersBy, isOver)),
      ...this.#settings.map((setting) => this.#disturb(setting)),
    ]
    const settled = Promise.all(working)
    settled.catch(() => {})
    try {
      await this.#watch(minutes * MINUTE_MS)
    } finally {
      this.#isOver = true
      await settled
    }
    for (const setting of this.#settings) await setting.rest()
    await this.#verify()
    this.#judge(minutes * MINUTE_MS)
    return { failures: this.#failures, measured: this.#measured(minutes * MINUTE_MS) }
  }

  async #disturb(setting: Setting): Promise<void> {
    const everyMs = (this.#options.minutes * MINUTE_MS) / DISTURBANCES
    const startedMs = performance.now()
    for (let turn = 0; turn < DISTURBANCES - 1; turn++) {
      while (!this.#isOver && performance.now() < startedMs + (turn + 0.5) * everyMs) await sleep(100)
      if (!this.#isOver) await setting.disturb(turn)
    }
  }

  async #watch(durationMs: number): Promise<void> {
    const startedMs = performance.now()
    for (let look = 1; look <= LOOKS; look++) {
      const atMs = (look * durationMs) / LOOKS
      await sleep(Math.max(0, startedMs + atMs - performance.now()))
      this.#own.look(process.pid, atMs)
      for (const one of this.#processes) {
        const pid = one.pid()
        if (pid !== null) one.vitals.look(pid, atMs)
        else if (one.isSteady) throw new Error(`${one.vitals.name} has ended: ${one.vitals.complaints[0]}`)
      }
      if (look >= LOOKS / 2 && look % (LOOKS / 2 / COLLECTIONS) === 0) {
        this.#lull = this.#collectAll(atMs)
        await this.#lull
      }
      this.#options.progress(look, LOOKS)
    }
  }

  async #collectAll(atMs: number): Promise<void> {
    await sleep(LULL_MS)
    this.#collect()
    const { heapUsed, external } = process.memoryUsage()
    this.#own.live.push({ atMs, value: heapUsed + external })
    for (const { vitals, pid, isSteady } of this.#processes) {
      const now = pid()
      if (isSteady && now !== null) await vitals.collect(now, atMs)
    }
  }

  get #processes() {
    return this.#settings.flatMap(({ processes }) => processes)
  }

  async #verify(): Promise<void> {
    const perSetting = this.#settings.map((setting) => setting.doors())
    let at = 0
    for (const doors of perSetting) {
      for (const _ of doors) await this.#tenants[at++]!.verify(doors[0]!)
      await Promise.all(doors.map((door) => door.close()))
    }
    await Promise.all(this.#tenants.map((tenant) => tenant.close()))
  }

  #judge(durationMs: number): void {
    const say = (what: string) => void this.#failures.push(what)
    for (const { vitals, pid, isSteady } of this.#processes) {
      const { name, peakBytes, complaints } = vitals
      if (peakBytes > LIMIT_BYTES) say(`${name}: its peak was ${mebibytes(peakBytes)} MiB`)
      for (const one of complaints.slice(0, WORDS_MAX)) say(`${name} said: ${one}`)
      if (isSteady) this.#judgeGrowth(vitals, durationMs, OF_A_NODE, pid())
    }
    this.#judgeGrowth(this.#own, durationMs, OF_OUR_OWN, process.pid)
    const operations = sum(this.#tenants.map((tenant) => tenant.operations))
    const failed = this.#tenants.flatMap((tenant) => tenant.failed)
    if (failed.length > operations * FAILED_SHARE_MAX)
      say(`${failed.length} of ${operations} operations failed${kindsOf(failed)}`)
    const wrong = this.#tenants.flatMap((tenant) => tenant.wrong)
    for (const one of wrong.slice(0, WORDS_MAX)) say(one)
  }

  #judgeGrowth(vitals: Vitals, durationMs: number, most: Growth, pid: number | null): void {
    const { resident, live, descriptors } = growths(vitals, durationMs)
    const say = (what: string) => void this.#failures.push(`${vitals.name}: in the second half ${what}`)
    if (live > most.live) say(`what is reachable grew by ${mebibytes(live)} MiB`)
    if (resident > most.resident) say(`what is resident grew by ${mebibytes(resident)} MiB`)
    if (descriptors > DESCRIPTOR_GROWTH_MAX) {
      const kinds = pid === null ? '' : `: ${descriptorKinds(pid)}`
      say(`its descriptors grew by ${descriptors.toFixed(1)}${kinds}`)
    }
  }

  #measured(durationMs: number): string {
    const figures = [...this.#processes.map(({ vitals }) => vitals), this.#own].map((vitals) => {
      const { resident, live, descriptors } = growths(vitals, durationMs)
      const peak = `peak ${mebibytes(vitals.peakBytes)} MiB`
      if (vitals.live.length === 0) return `${vitals.name}: ${peak}`
      const grown = `${mebibytes(live)} reachable of ${mebibytes(vitals.live.at(-1)!.value)}`
      const opened = `${descriptors.toFixed(1)} descriptors of ${vitals.descriptors.at(-1)!.value}`
      return `${vitals.name}: ${peak}, grown by ${grown}, ${mebibytes(resident)} resident, ${opened}`
    })
    const operations = sum(this.#tenants.map((tenant) => tenant.operations))
    const failed = this.#tenants.flatMap((tenant) => tenant.failed)
    const doubts = sum(this.#tenants.map((tenant) => tenant.doubts))
    const passed = sum(this.#passersBy.map(({ count }) => count))
    const limited = this.#settings.every(({ isLimited }) => isLimited) ? 'by the kernel' : 'by a watch alone'
    return [
      `256 MiB ${limited}`,
      `${operations} operations, ${failed.length} failed${kindsOf(failed)}, ${doubts} writes in doubt`,
      `${passed} came and went`,
      ...figures,
    ].join('; ')
  }
}

function growths({ resident, live, descriptors }: Vitals, durationMs: number) {
  const halfMs = durationMs / 2
  const of = (points: readonly Point[]) =>
    growthOf(
      points.filter(({ atMs }) => atMs >= halfMs),
      halfMs,
    )
  return { resident: of(resident), live: of(live), descriptors: of(descriptors) }
}

function kindsOf(failed: readonly string[]): string {
  const counts = new Map<string, number>()
  for (const one of failed) counts.set(one, (counts.get(one) ?? 0) + 1)
  const kinds = [...counts].sort(([, a], [, b]) => b - a).slice(0, WORDS_MAX)
  return kinds.length === 0 ? '' : ` (${kinds.map(([kind, count]) => `${count} × ${kind}`).join('; ')})`
}

function sum(numbers: readonly number[]): number {
  return numbers.reduce((total, one) => total + one, 0)
}

function mebibytes(bytes: number): string {
  return (bytes / MEBIBYTE).toFixed(1)
}
