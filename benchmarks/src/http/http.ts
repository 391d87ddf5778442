/**
 * `pnpm bench http`: minivault-node beside a bare `node:http` server with replies of the same length, asked
 * by wrk in rounds that take turns. What cannot be measured is said and does not stop the rest.
 */
import { requireWrk } from '../load/wrk.ts'
import { machineFacts } from '../machine.ts'
import { lines, pageOf, writeBetweenMarkers } from '../page.ts'
import { keepResult, lastRun } from '../results-file.ts'
import { failedLines, Run } from '../run.ts'
import { buildMinivault } from '../servers/minivault-server.ts'
import { canPin } from '../servers/pinning.ts'
import type { HttpCaseResult, HttpFacts, HttpResult } from './figures.ts'
import { HELP, readHttpOptions } from './http-options.ts'
import { measureGroup } from './http-part.ts'
import { groupCases } from './plan.ts'
import { COLUMNS, caseTable, httpHeader, httpTargetTable } from './report.ts'

export async function runHttp(words: string[]): Promise<void> {
  const options = readHttpOptions(words)
  if (options === null) {
    process.stdout.write(HELP)
    return
  }
  if (options.render) {
    process.stdout.write(render())
    return
  }
  const wrkVersion = requireWrk()
  const pinned = options.pin && canPin()
  const { rounds: roundCount, seconds: roundSeconds } = options
  const facts: HttpFacts = { ...machineFacts(), wrkVersion, pinned, roundCount, roundSeconds }
  await buildMinivault()
  process.stdout.write(httpHeader(facts))
  const run = new Run<HttpCaseResult>((result) => {
    if (options.complete) keepResult('http', facts, result)
  })
  const onResult = run.table(COLUMNS)
  for (const group of groupCases(options.cases)) {
    const [{ durability, valueBytes }] = group as [(typeof group)[0]]
    const what = `${valueBytes} bytes at ${durability}`
    await run.attempt(what, () => measureGroup(group, options, pinned, run, onResult))
  }
  process.stdout.write(`\n${httpTargetTable(run.results, options.complete)}`)
  if (options.complete) process.stdout.write(render())
  if (run.hasFailed) process.exitCode = 1
}

/** Makes the page's part from the last complete run. Returns the line that says where it is. */
function render(): string {
  const { facts, results } = lastRun<HttpFacts, HttpResult>('http')
  writeBetweenMarkers('http', httpPage(facts, results))
  return 'written: docs/BENCHMARKS.md, benchmarks/results/http.ndjson\n'
}

export function httpPage(facts: HttpFacts, results: readonly HttpResult[]): string {
  const cases = results.filter((result) => result.part === 'case')
  const head = lines(httpHeader(facts))
  return pageOf([head, failedLines(results), httpTargetTable(results, true), caseTable(cases)])
}
