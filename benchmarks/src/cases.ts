/**
 * What benchmarks that measure cases in groups have in common: their flags, and a run of them from the header
 * to the page. A group shares its servers; what cannot be measured is said and does not stop the rest.
 */
import { FLAG, number, TEXT } from './flags.ts'
import { type MachineFacts, machineFacts, type RunFacts } from './machine.ts'
import { writeBetweenMarkers } from './page.ts'
import type { Column } from './report/table.ts'
import { keepResult, lastRun } from './results-file.ts'
import { type FailedResult, Run } from './run.ts'
import { buildMinivault } from './servers/minivault-server.ts'
import { canPin } from './servers/pinning.ts'

export interface CaseOptions {
  /** At most. */
  readonly keyspace: number
  readonly rounds: number
  readonly seconds: number
  readonly pin: boolean
  /** Everything, whatever the length of the rounds: only then the documents are written. */
  readonly complete: boolean
  /** Measures nothing, writes the page of the last complete run again. */
  readonly render: boolean
}

export const CASE_FLAGS = {
  help: FLAG,
  quick: FLAG,
  render: FLAG,
  'no-pin': FLAG,
  durability: TEXT,
  bytes: TEXT,
  keyspace: TEXT,
  rounds: TEXT,
  seconds: TEXT,
} as const

type CaseFlagValues = {
  [Name in keyof typeof CASE_FLAGS]?: (typeof CASE_FLAGS)[Name] extends typeof TEXT ? string : boolean
}

export function readCaseOptions(
  values: CaseFlagValues,
  base: Pick<CaseOptions, 'keyspace' | 'rounds' | 'seconds'>,
  secondsMin: number,
): CaseOptions {
  const changed = Object.keys(values).some((name) => !['rounds', 'seconds', 'render'].includes(name))
  return {
    keyspace: number('keyspace', values.keyspace) ?? base.keyspace,
    rounds: number('rounds', values.rounds) ?? base.rounds,
    seconds: number('seconds', values.seconds, secondsMin) ?? base.seconds,
    pin: !values['no-pin'],
    complete: !changed,
    render: values.render ?? false,
  }
}

export function runFacts(options: CaseOptions): RunFacts {
  const { rounds: roundCount, seconds: roundSeconds, pin } = options
  return { ...machineFacts(), pinned: pin && canPin(), roundCount, roundSeconds }
}

export interface CaseBenchmark<Case, Result extends { readonly part: string }, Facts extends RunFacts> {
  /** Of the results file and of the markers on the page. */
  readonly name: string
  readonly header: (facts: Facts) => string
  readonly columns: readonly Column<Result>[]
  readonly groupName: (first: Case) => string
  readonly measureGroup: (
    group: readonly Case[],
    pinned: boolean,
    run: Run<Result>,
    onResult: (result: Result) => void,
  ) => Promise<void>
  /** What stands below the table at the terminal. */
  readonly closing: (results: readonly (Result | FailedResult)[], complete: boolean) => string
  readonly page: (facts: Facts, results: readonly (Result | FailedResult)[]) => string
}

export async function runCases<Case, Result extends { readonly part: string }, Facts extends RunFacts>(
  benchmark: CaseBenchmark<Case, Result, Facts>,
  groups: readonly (readonly Case[])[],
  facts: Facts,
  complete: boolean,
): Promise<void> {
  const { name, header, columns, groupName, measureGroup, closing } = benchmark
  await buildMinivault()
  process.stdout.write(header(facts))
  const run = new Run<Result>((result) => {
    if (complete) keepResult(name, facts, result)
  })
  const onResult = run.table(columns)
  for (const group of groups) {
    await run.attempt(groupName(group[0]!), () => measureGroup(group, facts.pinned, run, onResult))
  }
  process.stdout.write(`\n${closing(run.results, complete)}`)
  if (complete) renderCases(benchmark)
  if (run.hasFailed) process.exitCode = 1
}

/** Makes the page's part from the last complete run. */
export function renderCases<Case, Result extends { readonly part: string }, Facts extends RunFacts>({
  name,
  page,
}: CaseBenchmark<Case, Result, Facts>): void {
  const { facts, results } = lastRun<Facts & MachineFacts, Result | FailedResult>(name)
  writeBetweenMarkers(name, page(facts, results))
  process.stdout.write(`written: docs/BENCHMARKS.md, benchmarks/results/${name}.ndjson\n`)
}
