/** The servers that one durability's cases share, and how each of them is asked. */
import { setTimeout as sleep } from 'node:timers/promises'
import { BenchmarkError } from '../benchmark-error.ts'
import { Generator } from '../load/generator.ts'
import type { LanguageName } from '../load/languages.ts'
import type { LoadFigures } from '../load/load-figures.ts'
import { DATA_PARENT } from '../machine.ts'
import { etcdPlans } from '../servers/etcd-server.ts'
import { minivaultPlan, type NodeDurability } from '../servers/minivault-server.ts'
import { minivaultTrioPlans } from '../servers/minivault-trio.ts'
import { HOST, Server } from '../servers/server.ts'
import { Trio } from '../servers/trio.ts'
import type { ClusterCase, ClusterContestant, Level } from './figures.ts'
import { CONNECTIONS } from './plan.ts'

/** Until the others have noticed that a member is away, or back. */
const NOTICE_MS = 3000
const TRY_AGAIN_MS = 500
const TRIES_MAX = 20

const LANGUAGES_OF: Readonly<Record<ClusterContestant, Readonly<Record<Level, LanguageName>>>> = {
  trio: { quorum: 'framesOfQuorum', one: 'framesOfOne' },
  single: { quorum: 'frames', one: 'frames' },
  etcd: { quorum: 'etcd', one: 'etcdSerializable' },
}

export class Contestants {
  readonly #started = new Map<ClusterContestant, Trio | Server>()
  readonly #generator = Generator.start(null)

  static async start(
    names: readonly ClusterContestant[],
    durability: NodeDurability,
    from: 'build' | 'source',
  ): Promise<Contestants> {
    const contestants = new Contestants()
    try {
      for (const name of names) contestants.#started.set(name, await startOne(name, durability, from))
      return contestants
    } catch (error) {
      await contestants.close()
      throw error
    }
  }

  pids(name: ClusterContestant): number[] {
    const started = this.#started.get(name)!
    return started instanceof Trio ? started.pids : [started.pid]
  }

  async ask(
    name: ClusterContestant,
    { operation, level, pipeline, valueBytes, isThroughOne }: ClusterCase,
    keyspace: number,
    seconds: number | 'once',
  ): Promise<LoadFigures> {
    const started = this.#started.get(name)!
    const all = started instanceof Trio ? started.ports : [started.port]
    const ports = isThroughOne ? all.slice(0, 1) : all
    const target = { host: HOST, ports, serverPids: this.pids(name), language: LANGUAGES_OF[name][level] }
    const shape = { operation, connections: CONNECTIONS, pipeline, valueBytes, keyspace, seconds } as const
    const figures = await this.#generator.run({ ...target, ...shape })
    if (figures.invalid === null) return figures
    throw new BenchmarkError('BENCH_INVALID', `invalid run against ${name}: ${figures.invalid}`)
  }

  /** Of each cluster the last member, for this case; whoever was away before is back first. */
  async takeAway(one: ClusterCase): Promise<void> {
    for (const started of this.#started.values()) {
      if (!(started instanceof Trio)) continue
      const member = started.members.at(-1)!
      if (member.isFrozen) member.thaw()
      if (member.process === null) await member.start()
      if (one.away === 'frozen') member.freeze()
      if (one.away === 'killed') await member.stop('SIGKILL')
    }
    await sleep(NOTICE_MS)
    for (const name of this.#started.keys()) await this.#untilAnswering(name, one)
  }

  /** etcd elects another leader where its leader went, and answers with errors until then. */
  async #untilAnswering(name: ClusterContestant, one: ClusterCase): Promise<void> {
    for (let tries = 1; ; tries++) {
      try {
        await this.ask(name, { ...one, operation: 'get', level: 'quorum' }, 1, 'once')
        return
      } catch (error) {
        if (tries === TRIES_MAX) throw error
        await sleep(TRY_AGAIN_MS)
      }
    }
  }

  async close(): Promise<void> {
    const all = [...this.#started.values(), this.#generator]
    await Promise.all(all.map((one) => one.close()))
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.close()
  }
}

async function startOne(
  name: ClusterContestant,
  durability: NodeDurability,
  from: 'build' | 'source',
): Promise<Trio | Server> {
  if (name === 'single') return Server.start(minivaultPlan(durability, from), DATA_PARENT, null)
  const plans = name === 'etcd' ? await etcdPlans() : await minivaultTrioPlans(durability, from)
  return Trio.start(plans, DATA_PARENT)
}
