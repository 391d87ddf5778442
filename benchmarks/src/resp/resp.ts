/**
 * `pnpm bench resp`: minivault-node as a Redis server beside redis-server, asked by redis-benchmark in rounds
 * that take turns, GET and SET by our own generator, too. What cannot be measured is said and does not stop
 * the rest.
 */
import { BenchmarkError } from '../benchmark-error.ts'
import { hasRedisBenchmark } from '../load/redis-benchmark.ts'
import { machineFacts } from '../machine.ts'
import { lines, pageOf, writeBetweenMarkers } from '../page.ts'
import { keepResult, lastRun } from '../results-file.ts'
import { failedLines, Run } from '../run.ts'
import { buildMinivault } from '../servers/minivault-server.ts'
import { canPin } from '../servers/pinning.ts'
import { requireRedis } from '../servers/redis-server.ts'
import type { RespCaseResult, RespFacts, RespResult } from './figures.ts'
import { groupCases } from './plan.ts'
import { COLUMNS, caseTable, oursTable, respHeader, respTargetTable } from './report.ts'
import { HELP, readRespOptions } from './resp-options.ts'
import { measureGroup } from './resp-part.ts'

export async function runResp(words: string[]): Promise<void> {
  const options = readRespOptions(words)
  if (options === null) {
    process.stdout.write(HELP)
    return
  }
  if (options.render) {
    process.stdout.write(render())
    return
  }
  const redisVersion = requireRedis()
  if (!hasRedisBenchmark()) {
    const message = 'redis-benchmark is not installed: `apt-get install redis-tools` brings it'
    throw new BenchmarkError('BENCH_MISSING', message)
  }
  const pinned = options.pin && canPin()
  const { rounds: roundCount, seconds: roundSeconds } = options
  const facts: RespFacts = { ...machineFacts(), redisVersion, pinned, roundCount, roundSeconds }
  await buildMinivault()
  process.stdout.write(respHeader(facts))
  const run = new Run<RespCaseResult>((result) => {
    if (options.complete) keepResult('resp', facts, result)
  })
  const onResult = run.table(COLUMNS)
  for (const group of groupCases(options.cases)) {
    const [{ minivault, valueBytes }] = group as [(typeof group)[0]]
    const what = `${valueBytes} bytes at ${minivault}`
    await run.attempt(what, () => measureGroup(group, options, pinned, run, onResult))
  }
  const cases = run.results.filter((result) => result.part === 'case')
  process.stdout.write(`\n${oursTable(cases)}\n${respTargetTable(run.results, options.complete)}`)
  if (options.complete) process.stdout.write(render())
  if (run.hasFailed) process.exitCode = 1
}

/** Makes the page's part from the last complete run. Returns the line that says where it is. */
function render(): string {
  const { facts, results } = lastRun<RespFacts, RespResult>('resp')
  writeBetweenMarkers('resp', respPage(facts, results))
  return 'written: docs/BENCHMARKS.md, benchmarks/results/resp.ndjson\n'
}

export function respPage(facts: RespFacts, results: readonly RespResult[]): string {
  const cases = results.filter((result) => result.part === 'case')
  const head = lines(respHeader(facts))
  const targets = respTargetTable(results, true)
  return pageOf([head, failedLines(results), targets, caseTable(cases), oursTable(cases)])
}
