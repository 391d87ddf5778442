/**
 * What complete runs found: one NDJSON line for each result in benchmarks/results/<name>.ndjson (appended:
 * the history). Page and charts are made from that file alone, so they can be made again.
 */
import { appendFileSync, existsSync, mkdirSync, readFileSync } from 'node:fs'
import { join } from 'node:path'
import { BenchmarkError } from './benchmark-error.ts'
import type { MachineFacts } from './machine.ts'
import { RESULTS } from './page.ts'

/** As soon as it is known, so that a run that is cut short has lost nothing (`--render` shows it). */
export function keepResult(name: string, facts: MachineFacts, result: object): void {
  mkdirSync(RESULTS, { recursive: true })
  appendFileSync(fileOf(name), `${JSON.stringify({ benchmark: name, ...facts, ...result })}\n`)
}

export interface KeptRun<Facts, Result> {
  readonly facts: Facts
  readonly results: Result[]
}

export function lastRun<Facts extends MachineFacts, Result extends object>(
  name: string,
): KeptRun<Facts, Result> {
  const file = fileOf(name)
  return lastRunIn<Facts, Result>(name, existsSync(file) ? readFileSync(file, 'utf8') : '')
}

export function lastRunIn<Facts extends MachineFacts, Result extends object>(
  name: string,
  text: string,
): KeptRun<Facts, Result> {
  const lines = text.split('\n').filter((line) => line !== '')
  const all = lines.map((line) => JSON.parse(line) as Facts & Result & { part?: string })
  const last = all.at(-1)
  if (last?.part === undefined) {
    const message = `benchmarks/results/${name}.ndjson does not end with a complete run`
    throw new BenchmarkError('BENCH_MISSING', message)
  }
  return { facts: last, results: all.filter(({ date }) => date === last.date) }
}

function fileOf(name: string): string {
  return join(RESULTS, `${name}.ndjson`)
}
