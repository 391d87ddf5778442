/**
 * Overwriting at random for a long while, with merges in the background: a phase without merging gives the
 * quiet latencies, then the store is opened anew, merges by itself, and everything it does counts. Keys are
 * written into one buffer: millions of them as objects would be a load of their own.
 */

import { Latencies } from '../latencies.ts'
import type { Engine } from './engines/engine.ts'
import { type RoundFigures, Stopwatch, turn } from './measures.ts'
import { keyBytes, type Workload } from './workload.ts'

const IN_FLIGHT = 256
const SAMPLE_EVERY = 16
const DIGITS_END = 16

export async function sustain(engine: Engine, work: Workload, seconds: number): Promise<RoundFigures> {
  const key = keyBytes(0)
  const latencies = new Latencies()
  const watch = new Stopwatch()
  const end = watch.start + seconds * 1000
  const pending: unknown[] = []
  let operations = 0
  while (performance.now() < end) {
    pending.length = 0
    for (let part = 0; part < IN_FLIGHT; part++) {
      const index = work.nextOf(part, IN_FLIGHT)
      writeDigits(key, index)
      const start = part % SAMPLE_EVERY === 0 ? performance.now() : 0
      const done = engine.set(key, work.nextValue(index))!
      pending.push(start === 0 ? done : done.then(() => latencies.add(performance.now() - start)))
    }
    await Promise.all(pending)
    await turn()
    operations += IN_FLIGHT
  }
  await engine.flush()
  return watch.figures(operations, latencies)
}

function writeDigits(key: Buffer, index: number): void {
  let rest = index
  for (let at = DIGITS_END - 1; at >= 4; at--) {
    key[at] = 0x30 + (rest % 10)
    rest = (rest / 10) | 0
  }
}
