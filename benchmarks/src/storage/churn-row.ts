/** Bytes on the disk for each live byte, as the churn leaves them and after each store's own compaction. */
import { spread } from '../spread.ts'
import type { ChurnFigures } from './churn.ts'
import { Contestant } from './contestant.ts'
import type { Figure, RowResult } from './figures.ts'
import { present } from './native.ts'
import type { Sizes } from './sizes.ts'

const STORES = ['minivault', 'lmdb', 'classic-level', 'better-sqlite3'] as const
const CACHE_BYTES = 64 * 2 ** 20

export async function runChurn({ churnKeys, churnTimes }: Sizes): Promise<RowResult[]> {
  const engines = present(STORES)
  const shape = { keyCount: churnKeys, valueBytes: 1024 }
  const found: ChurnFigures[] = []
  for (const engine of engines) {
    await using contestant = await Contestant.start({
      engine,
      durability: 'os',
      cacheBytes: CACHE_BYTES,
      shape,
    })
    await contestant.call('open')
    await contestant.call('makeKeys')
    await contestant.call('load')
    found.push(await contestant.call('churn', churnTimes))
    await contestant.call('check')
  }
  const figures = (pick: (churned: ChurnFigures) => number): Figure[] =>
    engines.map((contestant, at) => {
      const { seconds, sets } = found[at]!
      return { contestant, value: spread([pick(found[at]!)]), more: { seconds, sets } }
    })
  const shared = { row: 'churn', durability: 'os', unit: 'bytes a live byte', goals: [] } as const
  const churned = `${churnTimes}× overwritten`
  return [
    { ...shared, title: `disk, ${churned}`, figures: figures(({ afterChurn }) => afterChurn) },
    { ...shared, title: `disk, ${churned}, compacted`, figures: figures((one) => one.afterCompaction) },
  ]
}
