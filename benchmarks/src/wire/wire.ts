/**
 * `pnpm bench wire`: minivault-node and redis-server, each measured in rounds that take turns: SET, GET and
 * the mix of both (`load-part.ts`), values of 100 MiB (`large-part.ts`), thousands of idle connections
 * (`idle-part.ts`). What cannot be measured is said and does not stop the rest.
 */
import { BenchmarkError } from '../benchmark-error.ts'
import { machineFacts } from '../machine.ts'
import type { WireFacts, WireResult } from './figures.ts'
import { measureIdleConnections } from './idle-part.ts'
import { measureLargeValues } from './large-part.ts'
import { groupCases, measureGroup } from './load-part.ts'
import { buildMinivault } from './minivault-server.ts'
import { canPin } from './pinning.ts'
import { requireRedis } from './redis-server.ts'
import { CASE_COLUMNS, IDLE_COLUMNS, LARGE_COLUMNS, otherTable, runHeader } from './report.ts'
import { type Column, terminalHeader, terminalLine } from './table.ts'
import { targetTable } from './targets.ts'
import { HELP, readWireOptions, type WireOptions } from './wire-options.ts'
import { keepResult, renderResults } from './write-results.ts'

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
  process.stdout.write(runHeader(facts))
  const results: WireResult[] = []
  await measureParts(options, pinned, (result) => {
    results.push(result)
    if (options.complete) keepResult(facts, result)
  })
  const cases = results.filter((result) => result.part === 'load')
  process.stdout.write(`\n${otherTable(cases)}\n${targetTable(results, options.complete)}`)
  if (options.complete) process.stdout.write(renderResults())
  if (results.some(({ part }) => part === 'failed')) process.exitCode = 1
}

async function measureParts(
  options: WireOptions,
  pinned: boolean,
  keep: (result: WireResult) => void,
): Promise<void> {
  const attempt = async (what: string, measure: () => Promise<void>) => {
    try {
      await measure()
    } catch (error) {
      const { message, stack } = error as Error
      process.stderr.write(`bench: ${what}: ${error instanceof BenchmarkError ? message : stack}\n`)
      keep({ part: 'failed', what, reason: message })
    }
  }
  const show = <Result extends WireResult>(columns: readonly Column<Result>[]) => {
    process.stdout.write(`\n${terminalHeader(columns)}`)
    return (result: Result) => {
      keep(result)
      process.stdout.write(terminalLine(columns, result))
    }
  }
  if (options.parts.includes('load')) {
    const onResult = show(CASE_COLUMNS)
    for (const group of groupCases(options.cases)) {
      const [{ operation, minivault, valueBytes, connections }] = group as [(typeof group)[0]]
      const what = `${operation} at ${minivault}, ${valueBytes} bytes, ${connections} connections`
      await attempt(what, () => measureGroup(group, options, pinned, onResult))
    }
  }
  if (options.parts.includes('large')) {
    const onResult = show(LARGE_COLUMNS)
    await attempt('large values', () => measureLargeValues(options, pinned, onResult))
  }
  if (options.parts.includes('idle')) {
    const onResult = show(IDLE_COLUMNS)
    await attempt('idle connections', () => measureIdleConnections(options, pinned, onResult))
  }
}
