/**
 * Row 3: kill -9 in the middle of eight pipelined writers, again and again on one folder of the real disk.
 * What was acknowledged at `os` or `fsync` must be there, and nothing that was never sent. What `memory`
 * loses, which promises nothing, is measured: it is the control.
 */
import { setTimeout as sleep } from 'node:timers/promises'
import { Store } from '@minivault/storage'
import { seededRandom } from '@minivault/wal/testing'
import { FloodBook, type FloodSettings } from '../process/flood.ts'
import { FloodProcess } from '../process/flood-process.ts'
import type { Context, Findings, Row } from '../row.ts'

const LIFE_MS_MIN = 40
const LIFE_MS_MAX = 300
const CONTROL_KILLS = { smoke: 4, ci: 12, long: 100 }
/** A kill right behind a flush loses nothing: in some runs four of four are. */
const CONTROL_KILLS_MAX = 100
const CHECK_CACHE_BYTES = 1024 * 1024

/** Opens the folder in this process, reads all back, and leaves it closed. */
export async function checkFolder(directory: string, book: FloodBook) {
  const store = await Store.open({ directory, cacheBytes: CHECK_CACHE_BYTES, autoMerge: false })
  try {
    return await book.check((key) => store.get(key))
  } finally {
    await store.close()
  }
}

type Durability = FloodSettings['durability']

/** So many kills, and more, up to `most`, until something was lost. */
async function kills(
  context: Context,
  { least, most }: { readonly least: number; readonly most: number },
  durability: Durability,
  onKill: () => void,
) {
  const directory = context.folder()
  const book = new FloodBook()
  const random = seededRandom(context.seed)
  const failures: string[] = []
  const lost: string[] = []
  for (let cycle = 1; cycle <= least || (cycle <= most && lost.length === 0); cycle++) {
    const flood = await FloodProcess.start({ directory, durability, isLying: false }, book)
    await sleep(LIFE_MS_MIN + random() * (LIFE_MS_MAX - LIFE_MS_MIN))
    await flood.kill()
    if (flood.error !== '') failures.push(`${durability}, kill ${cycle}: a write failed with ${flood.error}`)
    const found = await checkFolder(directory, book)
    lost.push(...found.lost)
    for (const what of found.invented) failures.push(`${durability}, kill ${cycle}: ${what}`)
    onKill()
  }
  return { failures, lost, acknowledged: book.acknowledged }
}

async function atBothLevels(context: Context, cases: number): Promise<Findings> {
  let n = 0
  const onKill = () => context.progress(++n, cases)
  const half = Math.ceil(cases / 2)
  const count = { least: half, most: half }
  const [os, fsync] = await Promise.all([
    kills(context, count, 'os', onKill),
    kills(context, count, 'fsync', onKill),
  ])
  const measured = `${os.acknowledged} writes acknowledged at os, ${fsync.acknowledged} at fsync`
  return { n, failures: [...os.failures, ...os.lost, ...fsync.failures, ...fsync.lost], measured }
}

export const killRow: Row = {
  number: 3,
  claim: 'kill -9 during writes by 8 pipelined writers: 0 acknowledged lost at os and at fsync',
  cases: { smoke: 16, ci: 150, long: 10_000 },
  run: atBothLevels,
  controls: [
    {
      fault: 'memory, which promises nothing (keys behind, of writes acknowledged)',
      async run(context) {
        const count = { least: CONTROL_KILLS[context.profile], most: CONTROL_KILLS_MAX }
        const { failures, lost, acknowledged } = await kills(context, count, 'memory', () => {})
        if (failures.length > 0) throw new Error(failures[0])
        return { n: acknowledged, failures: lost }
      },
    },
  ],
}
