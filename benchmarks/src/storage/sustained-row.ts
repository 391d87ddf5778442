/**
 * Sustained overwriting at `os` with merges in the background, beside what dd writes to the same disk before
 * and after. The quiet latencies come from the same load without merging.
 */
import { spread } from '../spread.ts'
import { Contestant } from './contestant.ts'
import { diskMegabytesPerSecond } from './dd.ts'
import { type Figure, type Goal, type RowResult, speedFigure } from './figures.ts'
import type { RoundFigures } from './measures.ts'
import type { Sizes } from './sizes.ts'

const VALUE_BYTES = 1024
const KEY_BYTES = 16
const CACHE_BYTES = 512 * 2 ** 20
const DISK_SHARE_MIN = 0.6
const SETS_PER_SECOND = 300_000
const P99_RATIO_MAX = 3

export async function runSustained(sizes: Sizes): Promise<RowResult[]> {
  const { sustainedKeys, sustainedSeconds, quietSeconds, ddMegabytes } = sizes
  const shape = { keyCount: sustainedKeys, valueBytes: VALUE_BYTES }
  await using contestant = await Contestant.start({
    engine: 'minivault',
    durability: 'os',
    cacheBytes: CACHE_BYTES,
    shape,
  })
  const { directory } = contestant.options
  const disk = [diskMegabytesPerSecond(directory, ddMegabytes)]
  await contestant.call('open', { mergesByItself: false })
  await contestant.call('load')
  const quiet = await contestant.call('sustain', quietSeconds)
  await contestant.call('close')
  await contestant.call('open')
  const busy = await contestant.call('sustain', sustainedSeconds)
  const resultHash = await contestant.call('check')
  await contestant.call('close')
  disk.push(diskMegabytesPerSecond(directory, ddMegabytes))

  const title = `set 1 KB for ${sustainedSeconds} s, ${sustainedKeys / 1000} k keys, merging`
  const ours = { ...speedFigure('minivault', [busy], resultHash), value: spread([megabytes(busy)]) }
  const dd: Figure = { contestant: 'dd', value: spread(disk) }
  const goals = [judgeRate(busy, dd.value.median), judgeLatency(quiet, busy)]
  return [{ row: 'sustained', title, durability: 'os', unit: 'MB/s', figures: [ours, dd], goals }]
}

function megabytes({ operations, seconds }: RoundFigures): number {
  return (operations * (VALUE_BYTES + KEY_BYTES)) / seconds / 1e6
}

function judgeRate(busy: RoundFigures, diskRate: number): Goal {
  const perSecond = busy.operations / busy.seconds
  const share = megabytes(busy) / diskRate
  return {
    wanted: `≥ ${DISK_SHARE_MIN * 100} % of dd, or ${SETS_PER_SECOND / 1000} k/s`,
    reached: `${Math.round(share * 100)} %, ${Math.round(perSecond / 1000)} k/s`,
    isMet: share >= DISK_SHARE_MIN || perSecond >= SETS_PER_SECOND,
  }
}

function judgeLatency(quiet: RoundFigures, busy: RoundFigures): Goal {
  const ratio = busy.p99Micros / quiet.p99Micros
  const ms = (figures: RoundFigures) =>
    `p50 ${(figures.p50Micros / 1000).toFixed(1)} · p99 ${(figures.p99Micros / 1000).toFixed(1)} ms`
  return {
    wanted: `p99 ≤ ${P99_RATIO_MAX}× quiet`,
    reached: `${ratio.toFixed(2)}× (${ms(busy)}; quiet ${ms(quiet)})`,
    isMet: ratio <= P99_RATIO_MAX,
  }
}
