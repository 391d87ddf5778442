/**
 * The cases of SET, GET and the mix. Cases that differ only in their pipeline share their servers, which are
 * started afresh in folders of their own, filled, and warmed. Rounds take turns (minivault, redis, the
 * others, minivault, …), so that what the machine does meanwhile hits all; while one server is measured the
 * others idle.
 *
 * A server's CPU counts from the beginning of its round to the beginning of its next one: what it puts off
 * until nobody asks (files to be synced, hints, merges) is in its account.
 */
import { readdirSync } from 'node:fs'
import { join } from 'node:path'
import { setTimeout as sleep } from 'node:timers/promises'
import { DATA_PARENT } from '../machine.ts'
import { Contestants, type LoadShape } from './contestants.ts'
import {
  type CaseResult,
  type ContestantName,
  type RoundFigures,
  summarise,
  type WireCase,
  withAfterwards,
} from './figures.ts'
import { Generator } from './generator.ts'
import { minivaultPlan } from './minivault-server.ts'
import { floorPlan } from './node-servers.ts'
import { CORES } from './pinning.ts'
import { hasRedisBenchmark } from './redis-benchmark.ts'
import { redisPlan } from './redis-server.ts'
import { Server } from './server.ts'
import { readCpuSeconds } from './server-process.ts'
import { keyspaceOf, type WireOptions } from './wire-options.ts'

const WARM_SHARE = 0.25
const WARM_PIPELINE = 64
/** Behind the last round, so that its later work counts as well. */
const AFTERWARDS_MS = 300

/** Neighbours that can share their servers, in order. */
export function groupCases(cases: readonly WireCase[]): WireCase[][] {
  const groups = new Map<string, WireCase[]>()
  for (const one of cases) {
    const { operation, minivault, valueBytes, connections, others } = one
    const name = JSON.stringify([operation, minivault, valueBytes, connections, others])
    groups.set(name, [...(groups.get(name) ?? []), one])
  }
  return [...groups.values()]
}

/** Measures cases of one group; each result is told as soon as it is known. */
export async function measureGroup(
  cases: readonly WireCase[],
  options: WireOptions,
  pin: boolean,
  onResult: (result: CaseResult) => void,
): Promise<void> {
  const [first] = cases as [WireCase]
  const { operation, valueBytes, connections } = first
  const others = first.others.filter((name) => name !== 'redisBenchmark' || hasRedisBenchmark())
  const core = pin ? CORES.server : null
  const generatorCore = pin ? CORES.generator : null
  await using minivault = await Server.start(minivaultPlan(first.minivault), DATA_PARENT, core)
  await using redis = await Server.start(await redisPlan(first.redis), DATA_PARENT, core)
  await using floor =
    others.includes('floor') && operation !== 'mix'
      ? await Server.start(floorPlan(operation, valueBytes), DATA_PARENT, core)
      : null
  await using generator = Generator.start(generatorCore)
  const contestants = new Contestants({ minivault, redis, floor }, generator, generatorCore)
  const keyspace = keyspaceOf(valueBytes, options)
  const shape = { operation, valueBytes, connections, keyspace, pipeline: 1 }
  const names: ContestantName[] = ['minivault', 'redis', ...others]
  await contestants.fill(shape)
  const warmPipeline = Math.min(WARM_PIPELINE, Math.max(...cases.map(({ pipeline }) => pipeline)))
  await warm(contestants, names, { ...shape, pipeline: warmPipeline }, options)
  for (const one of cases) {
    const segmentsBefore = newestSegment(minivault)
    const caseShape = { ...shape, pipeline: one.pipeline }
    if (one.pipeline !== warmPipeline) await warm(contestants, names, caseShape, options)
    const rounds = await measureRounds(contestants, names, caseShape, options)
    const summaries = Object.fromEntries(names.map((name) => [name, summarise(rounds[name]!)]))
    const segmentsBegun = newestSegment(minivault) - segmentsBefore
    onResult({ part: 'load', ...one, others, keyspace, summaries, rounds, segmentsBegun })
  }
}

async function warm(
  contestants: Contestants,
  names: readonly ContestantName[],
  shape: LoadShape,
  options: WireOptions,
): Promise<void> {
  for (const name of names) {
    if (name !== 'redisBenchmark') await contestants.measure(name, shape, options.seconds * WARM_SHARE)
  }
}

type Rounds = Partial<Record<ContestantName, RoundFigures[]>>

async function measureRounds(
  contestants: Contestants,
  names: readonly ContestantName[],
  shape: LoadShape,
  options: WireOptions,
): Promise<Rounds> {
  const rounds: Rounds = Object.fromEntries(names.map((name) => [name, []]))
  /** By server: who was measured last, and its CPU then. */
  const last = new Map<Server, { name: ContestantName; cpuSeconds: number }>()
  const countAfterwards = (server: Server) => {
    const before = last.get(server)
    if (before === undefined) return
    const list = rounds[before.name]!
    const afterwards = readCpuSeconds(server.pid) - before.cpuSeconds
    list.push(withAfterwards(list.pop()!, afterwards))
  }
  for (let round = 0; round < options.rounds; round++) {
    for (const name of names) {
      const server = contestants.serverOf(name)
      countAfterwards(server)
      const figures = await contestants.measure(name, shape, options.seconds)
      rounds[name]!.push(withAfterwards(figures, 0))
      last.set(server, { name, cpuSeconds: readCpuSeconds(server.pid) })
    }
  }
  await sleep(AFTERWARDS_MS)
  for (const server of last.keys()) countAfterwards(server)
  return rounds
}

/** The highest number of a log file in the server's data folder. */
function newestSegment(minivault: Server): number {
  const names = readdirSync(join(minivault.directory, 'data', 'log'))
  return Math.max(
    0,
    ...names.filter((name) => name.endsWith('.seg')).map((name) => Number.parseInt(name, 10)),
  )
}
