/**
 * Cost of an append at `os`: 64 entries of 100 bytes a turn, one write a turn: `npx tsx bench/append.ts` in
 * packages/wal.
 */
import { mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { performance } from 'node:perf_hooks'
import { DURABILITY, Log } from '../src/index.ts'

const directory = mkdtempSync(join(tmpdir(), 'wal-bench-'))
const log = await Log.open({ directory, layoutHash: 1, onProgress: () => {} }, { entry: () => {} })
const rows: string[] = []
for (let round = 0; round < 5; round++) {
  const turns = 4000
  let inside = 0
  const begin = performance.now()
  for (let turn = 0; turn < turns; turn++) {
    const start = performance.now()
    for (let i = 0; i < 64; i++) {
      const at = log.reserve(100)
      log.windowView.setInt32(at, i, true)
      log.commit()
      log.demand(DURABILITY.os)
    }
    inside += performance.now() - start
    await new Promise(setImmediate)
  }
  const all = ((performance.now() - begin) * 1e6) / (turns * 64)
  rows.push(
    `reserve+commit+demand ${((inside * 1e6) / (turns * 64)).toFixed(0)} ns, ` +
      `with the write ${all.toFixed(0)} ns`,
  )
}
console.log(rows.join('\n'))
await log.close()
rmSync(directory, { recursive: true })
