/**
 * A row of speeds: the contestants, each with its own process and folder, take turns in rounds, so that what
 * the machine does meanwhile hits all of them. While one is measured the others idle.
 */
import { Contestant } from './contestant.ts'
import type { Durability, EngineName } from './engines/engine.ts'
import { judgeSpeed, type RowResult, type SpeedGoal, speedFigure } from './figures.ts'
import type { MeasureName, RoundFigures } from './measures.ts'
import { present } from './native.ts'
import type { Sizes } from './sizes.ts'

const MIB = 2 ** 20
const CACHE_BYTES = 256 * MIB
const WARM_SHARE = 0.4
const KEYS_MIN = 512

export interface SpeedRow {
  readonly name: string
  readonly title: string
  readonly measure: MeasureName
  readonly durability: Durability
  readonly valueBytes: number
  readonly keyCount: number
  readonly hotCount?: number
  readonly inFlight?: number
  readonly cacheBytes?: number
  readonly engines: readonly EngineName[]
  readonly goal?: SpeedGoal
}

export async function runSpeedRow(row: SpeedRow, sizes: Sizes): Promise<RowResult> {
  const engines = present(row.engines)
  const contestants: Contestant[] = []
  try {
    for (const engine of engines) {
      contestants.push(await start(row, engine, sizes))
      const contestant = contestants.at(-1)!
      await contestant.call('open')
      await contestant.call('makeKeys')
      await contestant.call('load')
    }
    const ask = (contestant: Contestant, seconds: number) =>
      contestant.call('round', row.measure, seconds, row.inFlight ?? 256)
    for (const contestant of contestants) await ask(contestant, sizes.seconds * WARM_SHARE)
    const rounds = contestants.map((): RoundFigures[] => [])
    for (let round = 0; round < sizes.rounds; round++) {
      for (const [at, contestant] of contestants.entries()) {
        rounds[at]!.push(await ask(contestant, sizes.seconds))
      }
    }
    const hashes: string[] = []
    for (const contestant of contestants) hashes.push(await contestant.call('check'))
    const { name, title, durability, goal } = row
    const figures = engines.map((engine, at) => speedFigure(engine, rounds[at]!, hashes[at]!))
    const against = goal === undefined ? -1 : engines.indexOf(goal.against)
    const pairs = rounds[0]!.map((ours, round) => [speed(ours), speed(rounds[against]?.[round])] as const)
    const goals = goal === undefined ? [] : [judgeSpeed(goal, pairs)]
    if (durability === 'memory' && engines[0] === 'minivault') {
      const writeDelayMs = await contestants[0]!.call('writeDelay')
      figures[0] = { ...figures[0]!, more: { writeDelayMs } }
      const said = `; written after ${writeDelayMs.toFixed(0)} ms`
      for (const [at, judged] of goals.entries()) goals[at] = { ...judged, reached: judged.reached + said }
    }
    return { row: name, title, durability, unit: 'ops/s', figures, goals }
  } finally {
    for (const contestant of contestants) await contestant[Symbol.asyncDispose]()
  }
}

function start(row: SpeedRow, engine: EngineName, sizes: Sizes): Promise<Contestant> {
  const { durability, valueBytes, hotCount } = row
  const keyCount = Math.max(KEYS_MIN, Math.floor(row.keyCount / sizes.keysDividedBy))
  const hot = hotCount === undefined ? {} : { hotCount: Math.min(hotCount, keyCount) }
  const shape = { keyCount, valueBytes, ...hot }
  // A cache smaller than the store stays so when the store shrinks.
  const cacheBytes = Math.max(MIB, Math.floor((row.cacheBytes ?? CACHE_BYTES) / sizes.keysDividedBy))
  return Contestant.start({ engine, durability, cacheBytes, shape })
}

function speed(round: RoundFigures | undefined): number {
  return round === undefined ? Number.NaN : round.operations / round.seconds
}
