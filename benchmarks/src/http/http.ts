/**
 * `pnpm bench http`: minivault-node beside a bare `node:http` server with replies of the same length, asked
 * by wrk in rounds that take turns.
 */
import { type CaseBenchmark, renderCases, runCases, runFacts } from '../cases.ts'
import { requireWrk } from '../load/wrk.ts'
import { lines, pageOf } from '../page.ts'
import { failedLines } from '../run.ts'
import type { HttpCase, HttpCaseResult, HttpFacts, HttpResult } from './figures.ts'
import { HELP, type HttpOptions, readHttpOptions } from './http-options.ts'
import { measureGroup } from './http-part.ts'
import { groupCases } from './plan.ts'
import { COLUMNS, caseTable, httpHeader, httpTargetTable } from './report.ts'

export async function runHttp(words: string[]): Promise<void> {
  const options = readHttpOptions(words)
  if (options === null) {
    process.stdout.write(HELP)
    return
  }
  const benchmark = benchmarkWith(options)
  if (options.render) return renderCases(benchmark)
  const facts: HttpFacts = { wrkVersion: requireWrk(), ...runFacts(options) }
  await runCases(benchmark, groupCases(options.cases), facts, options.complete)
}

function benchmarkWith(options: HttpOptions): CaseBenchmark<HttpCase, HttpCaseResult, HttpFacts> {
  return {
    name: 'http',
    header: httpHeader,
    columns: COLUMNS,
    groupName: ({ valueBytes, durability }) => `${valueBytes} bytes at ${durability}`,
    measureGroup: (group, pinned, run, onResult) => measureGroup(group, options, pinned, run, onResult),
    closing: httpTargetTable,
    page: httpPage,
  }
}

export function httpPage(facts: HttpFacts, results: readonly HttpResult[]): string {
  const cases = results.filter((result) => result.part === 'case')
  const head = lines(httpHeader(facts))
  return pageOf([head, failedLines(results), httpTargetTable(results, true), caseTable(cases)])
}
