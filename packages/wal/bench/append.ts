/**
 * Cost of an append in nanoseconds of processor time, best of some rounds: 64 entries a turn and one write a
 * turn at `os`; at `memory` the log writes when a block has 64 KiB. Run it by `npx tsx bench/append.ts` in
 * packages/wal.
 */
import { mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { DURABILITY, type Durability, Log } from '../src/index.ts'

const ROUNDS = 9
const directory = mkdtempSync(join(tmpdir(), 'wal-bench-'))
const log = await Log.open({ directory, layoutHash: 1, onProgress: () => {} }, { entry: () => {} })

/** Of `count` appends: what reserve, commit and demand took, and all of it. */
async function appends(count: number, payloadBytes: number, level: Durability): Promise<[number, number]> {
  let inside = 0
  const begin = process.cpuUsage()
  for (let i = 0; i < count; i += 64) {
    const start = performance.now()
    for (let k = 0; k < 64; k++) {
      const at = log.reserve(payloadBytes)
      log.windowView.setInt32(at, i, true)
      log.commit()
      log.demand(level)
    }
    inside += performance.now() - start
    await new Promise(setImmediate)
  }
  const { user, system } = process.cpuUsage(begin)
  for (const { id, sealed } of log.segments()) if (sealed) log.drop(id)
  return [(inside * 1e6) / count, ((user + system) * 1000) / count]
}

for (const payloadBytes of [64, 100, 1024]) {
  for (const level of [DURABILITY.memory, DURABILITY.os]) {
    let [best, bestAll] = [Number.POSITIVE_INFINITY, Number.POSITIVE_INFINITY]
    for (let round = 0; round < ROUNDS; round++) {
      const [inside, all] = await appends(64 * 800, payloadBytes, level)
      best = Math.min(best, inside)
      bestAll = Math.min(bestAll, all)
    }
    const name = level === DURABILITY.os ? 'os' : 'memory'
    console.log(`${payloadBytes} B at ${name}: inside ${best.toFixed(0)} ns, all ${bestAll.toFixed(0)} ns`)
  }
}
await log.close()
rmSync(directory, { recursive: true })
