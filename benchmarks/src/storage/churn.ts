/**
 * What a store takes on the disk for each live byte, after every key was overwritten so many times on
 * average, at random: once as it stands then, and once after the store's own way of giving space back.
 */
import { statSync } from 'node:fs'
import { readdir } from 'node:fs/promises'
import { join } from 'node:path'
import type { Engine } from './engines/engine.ts'
import { turn } from './measures.ts'
import type { Workload } from './workload.ts'

const IN_FLIGHT = 256
const KEY_BYTES = 16

export interface ChurnFigures {
  readonly sets: number
  readonly seconds: number
  readonly afterChurn: number
  readonly afterCompaction: number
}

export async function churn(
  engine: Engine,
  keys: readonly unknown[],
  work: Workload,
  times: number,
  directory: string,
): Promise<ChurnFigures> {
  const { keyCount, valueBytes } = work.shape
  const liveBytes = keyCount * (valueBytes + KEY_BYTES)
  const start = performance.now()
  let sets = 0
  for (; sets < keyCount * times; sets += IN_FLIGHT) {
    const pending: unknown[] = []
    for (let part = 0; part < IN_FLIGHT; part++) {
      const index = work.nextOf(part, IN_FLIGHT)
      pending.push(engine.set(keys[index], work.nextValue(index)))
    }
    await Promise.all(pending)
    await turn()
  }
  await engine.flush()
  const seconds = (performance.now() - start) / 1000
  const afterChurn = (await diskBytes(directory)) / liveBytes
  const compacted = await engine.compact!()
  return { sets, seconds, afterChurn, afterCompaction: (await diskBytes(compacted)) / liveBytes }
}

/** Blocks really taken, of a file or of all files below a folder: sparse files count for what they hold. */
async function diskBytes(path: string): Promise<number> {
  const stat = statSync(path)
  if (!stat.isDirectory()) return stat.blocks * 512
  const names = await readdir(path, { recursive: true })
  return names.reduce((sum, name) => {
    // A store's own threads may remove a file meanwhile.
    const entry = statSync(join(path, name), { throwIfNoEntry: false })
    return sum + (entry?.isFile() ? entry.blocks * 512 : 0)
  }, 0)
}
