/** A campaign as a table, and whether it is good. */
import { missing, STATES } from './coverage.ts'
import type { Drawn } from './part.ts'
import type { Failure, Tally } from './tally.ts'

/** Below so many runs a rare state may be missing by chance. */
const COVERED_RUNS_MIN = 300
const EXAMPLES_MAX = 5
/** Of every history, in all its processes together. */
export interface Timing {
  readonly seconds: number
  readonly jobs: number
}

/** Message rounds of an operation when nothing fails, at most. */
const CALM_ROUNDS_MAX: Readonly<Record<string, number>> = {
  put: 1.01,
  get: 1.02,
  'conditional yes': 2.1,
  'conditional no': 1.1,
}

export interface Judgement {
  readonly text: string
  readonly isGood: boolean
}

export function summarize(tally: Tally, { seconds, jobs }: Timing, { isCalm, swarm }: Drawn): Judgement {
  const { runs, operations, acknowledged, writes, writesInDoubt, searched, undecided, unequal } = tally
  const rows: [string, string][] = [
    [
      'histories',
      `${runs}, ${(runs / seconds).toFixed(0)} a second in ${jobs} process${jobs > 1 ? 'es' : ''}`,
    ],
    ['operations', `${operations}, ${share(acknowledged, operations)} acknowledged`],
    ['writes in doubt', share(writesInDoubt, writes)],
    ['searched in full', `${searched} keys, ${undecided} undecided`],
    ['run twice, differing', String(unequal)],
    ['violations', `${tally.failures.length} histories`],
  ]
  // Only what is drawn from everything has to reach everything.
  const isPartial = isCalm || swarm !== undefined || runs < COVERED_RUNS_MIN
  const uncovered = isPartial ? [] : missing(tally.coverage)
  const tooMany = isCalm ? roundsTooMany(tally) : []
  const problems = [
    ...failureLines(tally.failures),
    ...uncovered.map((state) => `never reached: ${state}`),
    ...tooMany,
    ...(undecided > 0 ? [`undecided: ${undecided} keys`] : []),
    ...(unequal > 0 ? ['the same seed gave two different runs'] : []),
  ]
  const sections = [table(rows), table(roundRows(tally)), ...(isCalm ? [] : [table(coverageRows(tally))])]
  const text = [...sections, problems.join('\n')].filter((part) => part !== '').join('\n\n')
  return { text, isGood: problems.length === 0 }
}

export function failureLine({ seed, violations }: Failure): string {
  const [first] = violations
  return `VIOLATION seed ${seed}: ${first?.judge}, key ${first?.key}: ${first?.why}`
}

function failureLines(failures: readonly Failure[]): string[] {
  const lines = failures.slice(0, EXAMPLES_MAX).map(failureLine)
  const more = failures.length - lines.length
  return more > 0 ? [...lines, `and ${more} more`] : lines
}

function roundsTooMany({ rounds }: Tally): string[] {
  return Object.entries(CALM_ROUNDS_MAX)
    .filter(([kind, most]) => average(rounds[kind]) > most)
    .map(([kind, most]) => `${kind}: ${average(rounds[kind]).toFixed(3)} rounds, at most ${most}`)
}

function roundRows({ rounds }: Tally): [string, string][] {
  return Object.entries(rounds)
    .sort(([a], [b]) => (a < b ? -1 : 1))
    .map(([kind, sum]) => [`${kind}, rounds`, `${average(sum).toFixed(3)} (${sum.operations})`])
}

function coverageRows({ coverage }: Tally): [string, string][] {
  return STATES.map((state) => [state, String(coverage[state] ?? 0)])
}

function average(sum: { operations: number; rounds: number } | undefined): number {
  return sum === undefined || sum.operations === 0 ? 0 : sum.rounds / sum.operations
}

function share(part: number, of: number): string {
  return of === 0 ? '-' : `${((100 * part) / of).toFixed(1)} %`
}

function table(rows: readonly (readonly [string, string])[]): string {
  const width = Math.max(...rows.map(([name]) => name.length))
  return rows.map(([name, value]) => `${name.padEnd(width)}  ${value}`).join('\n')
}
