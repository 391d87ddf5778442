/**
 * `pnpm bench wire`: minivault-node and redis-server, each measured in rounds that take turns: SET, GET and
 * the mix of both (`load-part.ts`), values of 100 MiB (`large-part.ts`), thousands of idle connections
 * (`idle-part.ts`). What cannot be measured is said and does not stop the rest.
 */
import { machineFacts } from '../machine.ts'
import { keepResult } from '../results-file.ts'
import { Run } from '../run.ts'
import { buildMinivault } from '../servers/minivault-server.ts'
import { canPin } from '../servers/pinning.ts'
import { requireRedis } from '../servers/redis-server.ts'
import type { MeasuredResult, WireFacts } from './figures.ts'
import { measureIdleConnections } from './idle-part.ts'
import { measureLargeValues } from './large-part.ts'
import { groupCases, measureGroup } from './load-part.ts'
import { CASE_COLUMNS, IDLE_COLUMNS, LARGE_COLUMNS, otherTable, wireHeader } from './report.ts'
import { wireTargetTable } from './targets.ts'
import { HELP, readWireOptions, type WireOptions } from './wire-options.ts'
import { renderResults } from './write-results.ts'

export async function runWire(words: string[]): Promise<void> {
  const options = readWireOptions(words)
  if (options === null) {
    process.stdout.write(HELP)
    return
  }
  if (options.render) {
    process.stdout.write(renderResults())
    return
  }
  const redisVersion = requireRedis()
  const pinned = options.pin && canPin()
  const { rounds: roundCount, seconds: roundSeconds } = options
  const facts: WireFacts = { ...machineFacts(), redisVersion, pinned, roundCount, roundSeconds }
  await buildMinivault()
  process.stdout.write(wireHeader(facts))
  const run = new Run<MeasuredResult>((result) => {
    if (options.complete) keepResult('wire', facts, result)
  })
  await measureParts(options, pinned, run)
  const cases = run.results.filter((result) => result.part === 'load')
  process.stdout.write(`\n${otherTable(cases)}\n${wireTargetTable(run.results, options.complete)}`)
  if (options.complete) process.stdout.write(renderResults())
  if (run.hasFailed) process.exitCode = 1
}

async function measureParts(options: WireOptions, pinned: boolean, run: Run<MeasuredResult>): Promise<void> {
  if (options.parts.includes('load')) {
    const onResult = run.table(CASE_COLUMNS)
    for (const group of groupCases(options.cases)) {
      const [{ operation, minivault, valueBytes, connections }] = group as [(typeof group)[0]]
      const what = `${operation} at ${minivault}, ${valueBytes} bytes, ${connections} connections`
      await run.attempt(what, () => measureGroup(group, options, pinned, onResult))
    }
  }
  if (options.parts.includes('large')) {
    const onResult = run.table(LARGE_COLUMNS)
    await run.attempt('large values', () => measureLargeValues(options, pinned, onResult))
  }
  if (options.parts.includes('idle')) {
    const onResult = run.table(IDLE_COLUMNS)
    await run.attempt('idle connections', () => measureIdleConnections(options, pinned, onResult))
  }
}
