/**
 * What an output of merge does to the latency of the log's own syncs: one client that awaits each entry of 1
 * KB at `fsync`, quiet, and while outputs of 64 MiB are written at `mbPerSecond`. Run it by
 *
 *     node --import=tsx --conditions=minivault:source bench/output.ts [mbPerSecond] [folder]
 */
import { mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { performance } from 'node:perf_hooks'
import { Log } from '../src/index.ts'

const [mbPerSecond = '100', folder = tmpdir()] = process.argv.slice(2)
const ROUNDS = 6
const OUTPUT_MB = 64
const directory = mkdtempSync(join(folder, 'wal-bench-'))
const log = await Log.open({ directory, layoutHash: 1, onProgress: () => {} }, { entry: () => {} })
const record = new Uint8Array(1000).fill(7)
let active = true

async function client(latencies: number[]): Promise<void> {
  while (active) {
    const start = performance.now()
    log.window.set(record, log.reserve(record.length))
    log.commit()
    await log.sync()
    latencies.push(performance.now() - start)
  }
}

async function writeOutput(): Promise<number> {
  const output = log.createOutput()
  const start = performance.now()
  for (let kb = 0; output.hasRoomFor(1024) && kb < OUTPUT_MB * 1024 - 1024; kb++) {
    output.append(record, 0, record.length)
    const behind = (kb / 1024 / Number(mbPerSecond)) * 1000 - (performance.now() - start)
    while (output.isBehind) await new Promise((resolve) => setTimeout(resolve, 1))
    if (kb % 256 === 0) await new Promise((resolve) => setTimeout(resolve, Math.max(0, behind)))
  }
  await new Promise<void>((resolve, reject) => output.finish((error) => (error ? reject(error) : resolve())))
  log.drop(output.id)
  return performance.now() - start
}

function summary(latencies: number[]): string {
  const sorted = latencies.sort((a, b) => a - b)
  const last = sorted.length - 1
  const at = (share: number): string => sorted[Math.floor(last * share)]!.toFixed(2)
  return `${sorted.length}: p50 ${at(0.5)} ms, p99 ${at(0.99)} ms, p99.9 ${at(0.999)} ms, max ${at(1)} ms`
}

async function during(work: () => Promise<unknown>): Promise<string> {
  const latencies: number[] = []
  active = true
  const running = client(latencies)
  await work()
  active = false
  await running
  return summary(latencies)
}

for (let round = 0; round < ROUNDS; round++) {
  console.log(`quiet:  ${await during(() => new Promise((resolve) => setTimeout(resolve, 1000)))}`)
  let took = 0
  const merging = await during(async () => (took = await writeOutput()))
  console.log(`output: ${merging}, output done in ${took.toFixed(0)} ms`)
}
await log.close()
rmSync(directory, { recursive: true })
