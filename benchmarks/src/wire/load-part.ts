/**
 * The cases of SET, GET and the mix. Cases that differ only in their pipeline share their servers, which are
 * started afresh in folders of their own, filled, and warmed, then measured in rounds.
 */
import { readdirSync } from 'node:fs'
import { join } from 'node:path'
import { Generator } from '../load/generator.ts'
import { hasRedisBenchmark } from '../load/redis-benchmark.ts'
import { DATA_PARENT } from '../machine.ts'
import { measureRounds } from '../rounds/rounds.ts'
import { minivaultPlan } from '../servers/minivault-server.ts'
import { CORES } from '../servers/pinning.ts'
import { redisPlan } from '../servers/redis-server.ts'
import { Server } from '../servers/server.ts'
import { Contestants, type LoadShape } from './contestants.ts'
import type { CaseResult, ContestantName, WireCase } from './figures.ts'
import { wireFloorPlan } from './node-servers.ts'
import { keyspaceOf, type WireOptions } from './wire-options.ts'

const WARM_SHARE = 0.25
const WARM_PIPELINE = 64
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
      ? await Server.start(wireFloorPlan(operation, valueBytes), DATA_PARENT, core)
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
    const runners = names.map((name) => contestants.runner(name, caseShape))
    const measured = await measureRounds(runners, options.rounds, options.seconds)
    const segmentsBegun = newestSegment(minivault) - segmentsBefore
    onResult({ part: 'load', ...one, others, keyspace, ...measured, segmentsBegun })
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

/** The highest number of a log file in the server's data folder. */
function newestSegment(minivault: Server): number {
  const names = readdirSync(join(minivault.directory, 'data', 'log'))
  return Math.max(
    0,
    ...names.filter((name) => name.endsWith('.seg')).map((name) => Number.parseInt(name, 10)),
  )
}
