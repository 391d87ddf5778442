/**
 * What other regions cost a write, and how soon they have it. Two regions of three members each, 100 ms apart
 * each way; beside them three members that are one region. Whatever members say to each other passes through
 * proxies, in both. Both are written to in turns, at a moderate rate.
 * Now and then a member of the other region is asked at level `one`, from shortly before it can hold a write
 * until it shows it: that time begins with the write's call.
 */
import { performance } from 'node:perf_hooks'
import { setTimeout as sleep } from 'node:timers/promises'
import { freePort } from '@minivault/free-port'
import { Latencies } from '../latencies.ts'
import { DATA_PARENT } from '../machine.ts'
import { minivaultPlan } from '../servers/minivault-server.ts'
import { isServing, type MemberAddress, proxiedAddresses } from '../servers/minivault-trio.ts'
import { freshFolder, HOST } from '../servers/server.ts'
import type { ServerPlan } from '../servers/started-process.ts'
import { Member, Trio } from '../servers/trio.ts'
import type { RegionsResult } from './figures.ts'
import { MemberProxies } from './member-proxy.ts'
import { Probe } from './probe.ts'

const DURABILITY = 'os'
const VALUE_BYTES = 1024
const REGIONS = ['north', 'south'] as const
const MEMBERS = 3
/** One way. */
const FAR_MS = 100
const WRITERS = 6
/** Of each writer, between two writes. */
const PAUSE_MS = 20
/** One write in so many is looked for. */
const LOOKED_FOR = 5
const LOOK_MS = 2
const TURNS = 3
const WARM_MS = 3000

export async function measureRegions(
  turnMs: number,
  onResult: (result: RegionsResult) => void,
): Promise<void> {
  await using one = await Federation.start(1)
  await using far = await Federation.start(REGIONS.length)
  const { ports } = far.trio
  const near = await Writers.open(one.trio.ports, [])
  const federated = await Writers.open(ports.slice(0, MEMBERS), ports.slice(MEMBERS))
  for (const writers of [near, federated]) await writers.write(WARM_MS)
  for (const writers of [near, federated]) writers.forget()
  for (let turn = 0; turn < TURNS; turn++) {
    await near.write(turnMs)
    await federated.write(turnMs)
  }
  for (const writers of [near, federated]) writers.close()
  const times = ({ latencies }: Writers) => ({
    writes: latencies.count,
    p50Micros: latencies.percentile(0.5),
    p99Micros: latencies.percentile(0.99),
  })
  const { arrivals } = federated
  const [p50Micros, p99Micros, maxMicros] = [0.5, 0.99, 1].map((share) => arrivals.percentile(share))
  const arrival = {
    writes: arrivals.count,
    p50Micros: p50Micros!,
    p99Micros: p99Micros!,
    maxMicros: maxMicros!,
  }
  const shape = { part: 'regions', regions: REGIONS.length, farMs: FAR_MS, durability: DURABILITY } as const
  onResult({ ...shape, near: times(near), federated: times(federated), arrival })
}

/** The members of all regions, a master by which they find each other, and the ways between them. */
class Federation implements AsyncDisposable {
  readonly trio: Trio
  readonly #master: Member
  readonly #proxies: MemberProxies

  private constructor(trio: Trio, master: Member, proxies: MemberProxies) {
    this.trio = trio
    this.#master = master
    this.#proxies = proxies
  }

  static async start(regions: number): Promise<Federation> {
    const addresses = await proxiedAddresses(regions * MEMBERS)
    const proxies = await MemberProxies.start(addresses, (to) => (first) => delayOf(first, addresses, to))
    const masterPort = await freePort()
    const master = new Member(masterPlan(masterPort, addresses.length), freshFolder(DATA_PARENT))
    try {
      await master.start()
      const plans = addresses.map((address, at) => memberPlan(address, regionOf(at), masterPort))
      return new Federation(await Trio.start(plans, DATA_PARENT), master, proxies)
    } catch (error) {
      await master.stop('SIGKILL')
      proxies[Symbol.dispose]()
      throw error
    }
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.trio.close()
    await this.#master.stop('SIGKILL')
    this.#proxies[Symbol.dispose]()
  }
}

function regionOf(member: number): string {
  return REGIONS[Math.floor(member / MEMBERS)]!
}

function delayOf(first: Buffer, addresses: readonly MemberAddress[], to: number): number {
  const from = addresses.findIndex(({ publicPort }) => first.includes(`${HOST}:${publicPort}`))
  return from >= 0 && regionOf(from) !== regionOf(to) ? FAR_MS : 0
}

function masterPlan(port: number, founders: number): ServerPlan {
  const plan = minivaultPlan(DURABILITY, 'build', port)
  const words = ['-mode', 'master', '-founders', String(founders)]
  // It has no durability to choose.
  return { ...plan, args: (directory) => [...plan.args(directory).slice(0, -2), ...words] }
}

function memberPlan({ port, publicPort }: MemberAddress, region: string, masterPort: number): ServerPlan {
  const plan = minivaultPlan(DURABILITY, 'build', port)
  const words = ['-public-url', `${HOST}:${publicPort}`, '-region', region]
  words.push('-master', `http://${HOST}:${masterPort}`)
  return {
    ...plan,
    args: (directory) => [...plan.args(directory), ...words],
    ready: async (output) => {
      const ready = await plan.ready(output)
      return ready !== null && (await isServing(port)) ? port : null
    },
  }
}

class Writers {
  latencies = new Latencies()
  /** From the call until another region shows it. */
  arrivals = new Latencies()
  readonly #probes: readonly Probe[]
  readonly #lookers: readonly Probe[]
  #next = 0

  private constructor(probes: readonly Probe[], lookers: readonly Probe[]) {
    this.#probes = probes
    this.#lookers = lookers
  }

  static async open(ports: readonly number[], elsewhere: readonly number[]): Promise<Writers> {
    const open = (count: number, some: readonly number[]) => {
      return Promise.all(Array.from({ length: count }, (_, at) => Probe.open(some[at % some.length]!)))
    }
    return new Writers(
      await open(WRITERS, ports),
      elsewhere.length === 0 ? [] : await open(WRITERS, elsewhere),
    )
  }

  forget(): void {
    this.latencies = new Latencies()
    this.arrivals = new Latencies()
  }

  async write(forMs: number): Promise<void> {
    const endMs = performance.now() + forMs
    await Promise.all(this.#probes.map((probe, at) => this.#writeThrough(probe, this.#lookers[at], endMs)))
  }

  close(): void {
    for (const probe of [...this.#probes, ...this.#lookers]) probe.close()
  }

  async #writeThrough(probe: Probe, looker: Probe | undefined, endMs: number): Promise<void> {
    let looking = Promise.resolve()
    let isLooking = false
    for (let n = 0; performance.now() < endMs; n++) {
      const key = this.#next++
      const value = Buffer.alloc(VALUE_BYTES, `write ${key} `)
      const startedMs = performance.now()
      await probe.set(key, value)
      this.latencies.add(performance.now() - startedMs)
      if (looker !== undefined && n % LOOKED_FOR === 0 && !isLooking) {
        isLooking = true
        looking = this.#look(looker, key, value, startedMs).finally(() => {
          isLooking = false
        })
      }
      await sleep(PAUSE_MS)
    }
    await looking
  }

  async #look(looker: Probe, key: number, value: Buffer, startedMs: number): Promise<void> {
    await sleep(FAR_MS - (performance.now() - startedMs))
    while (!(await looker.get(key))?.equals(value)) await sleep(LOOK_MS)
    this.arrivals.add(performance.now() - startedMs)
  }
}
