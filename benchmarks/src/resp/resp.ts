/**
 * `pnpm bench resp`: minivault-node as a Redis server beside redis-server, asked by redis-benchmark in rounds
 * that take turns, GET and SET by our own generator, too.
 */
import { BenchmarkError } from '../benchmark-error.ts'
import { type CaseBenchmark, renderCases, runCases, runFacts } from '../cases.ts'
import { hasRedisBenchmark } from '../load/redis-benchmark.ts'
import { lines, pageOf } from '../page.ts'
import { failedLines } from '../run.ts'
import { requireRedis } from '../servers/redis-server.ts'
import type { RespCase, RespCaseResult, RespFacts, RespResult } from './figures.ts'
import { groupCases } from './plan.ts'
import { COLUMNS, caseTable, oursTable, respHeader, respTargetTable } from './report.ts'
import { HELP, type RespOptions, readRespOptions } from './resp-options.ts'
import { measureGroup } from './resp-part.ts'

export async function runResp(words: string[]): Promise<void> {
  const options = readRespOptions(words)
  if (options === null) {
    process.stdout.write(HELP)
    return
  }
  const benchmark = benchmarkWith(options)
  if (options.render) return renderCases(benchmark)
  const redisVersion = requireRedis()
  if (!hasRedisBenchmark()) {
    const message = 'redis-benchmark is not installed: `apt-get install redis-tools` brings it'
    throw new BenchmarkError('BENCH_MISSING', message)
  }
  const facts: RespFacts = { redisVersion, ...runFacts(options) }
  await runCases(benchmark, groupCases(options.cases), facts, options.complete)
}

function benchmarkWith(options: RespOptions): CaseBenchmark<RespCase, RespCaseResult, RespFacts> {
  return {
    name: 'resp',
    header: respHeader,
    columns: COLUMNS,
    groupName: ({ valueBytes, minivault }) => `${valueBytes} bytes at ${minivault}`,
    measureGroup: (group, pinned, run, onResult) => measureGroup(group, options, pinned, run, onResult),
    closing: (results, complete) => {
      const cases = results.filter((result) => result.part === 'case')
      return `${oursTable(cases)}\n${respTargetTable(results, complete)}`
    },
    page: respPage,
  }
}

export function respPage(facts: RespFacts, results: readonly RespResult[]): string {
  const cases = results.filter((result) => result.part === 'case')
  const head = lines(respHeader(facts))
  const targets = respTargetTable(results, true)
  return pageOf([head, failedLines(results), targets, caseTable(cases), oursTable(cases)])
}
