/**
 * Runs rows and judges them: green needs enough cases, no failure, and every control red. What was measured
 * is kept in `reliability.json`, a line for each row with the commit and the machine it ran on; rows that did
 * not run this time keep their line.
 */
import { existsSync, mkdirSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { dirname, join } from 'node:path'
import { type Context, type Control, type Findings, failureText, type Profile, type Row } from './row.ts'

/** Failures that are kept word for word. */
const EXAMPLES_MAX = 5

export interface ControlResult {
  readonly fault: string
  readonly n: number
  /** How many of them the harness noticed: 0 means that it is blind. */
  readonly noticed: number
  readonly first: string
}

export interface RowResult {
  readonly row: number
  readonly claim: string
  readonly status: 'green' | 'red' | 'skipped'
  /** Why it is not green. */
  readonly why: string
  readonly profile: Profile
  readonly n: number
  readonly wanted: number
  readonly failures: number
  readonly examples: readonly string[]
  readonly measured: string
  /** The first seed; each case draws from this and its number. */
  readonly seeds: number
  readonly seconds: number
  readonly control: readonly ControlResult[]
  readonly commit: string
  readonly machine: string
}

export interface RunSettings {
  readonly profile: Profile
  readonly seed: number
  readonly commit: string
  readonly machine: string
  readonly minutes?: number | undefined
  /** A missing program is a failure and not a skip: this machine was set up for the whole scorecard. */
  readonly isComplete: boolean
  progress(row: Row, what: string, done: number, of: number): void
  nowMs(): number
}

export async function runRow(row: Row, settings: RunSettings): Promise<RowResult> {
  const { profile, seed, commit, machine, minutes } = settings
  const folders: string[] = []
  const contextOf = (what: string): Context => ({
    profile,
    seed,
    minutes,
    progress: (done, of) => settings.progress(row, what, done, of),
    folder() {
      const folder = mkdtempSync(join(tmpdir(), 'minivault-reliability-'))
      folders.push(folder)
      return folder
    },
  })
  const started = settings.nowMs()
  const cases = row.cases[profile]
  const obstacle = row.obstacle?.() ?? null
  let findings: Findings = { n: 0, failures: [] }
  const control: ControlResult[] = []
  try {
    if (obstacle === null) {
      findings = await attempt(() => row.run(contextOf('cases'), cases))
      const chosen = row.controls.filter(({ profiles }) => profiles?.includes(profile) ?? true)
      for (const one of chosen) control.push(await runControl(one, contextOf('control')))
    }
  } finally {
    for (const folder of folders) rmSync(folder, { recursive: true, force: true })
  }
  const wanted = Math.max(cases, findings.wanted ?? 0)
  const isSkip = obstacle !== null && (obstacle.kind === 'privilege' || !settings.isComplete)
  const why = obstacle?.why ?? whyNotGreen(findings, wanted, control)
  return {
    row: row.number,
    claim: row.claim,
    status: why === '' ? 'green' : isSkip ? 'skipped' : 'red',
    why,
    profile,
    n: findings.n,
    wanted,
    failures: findings.failures.length,
    examples: findings.failures.slice(0, EXAMPLES_MAX).map(withoutFolder),
    measured: findings.measured ?? '',
    seeds: seed,
    seconds: Math.round((settings.nowMs() - started) / 100) / 10,
    control,
    commit,
    machine,
  }
}

/** A harness that breaks has not shown anything: that is a failure, not an end of the run. */
async function attempt(body: () => Promise<Findings>): Promise<Findings> {
  try {
    return await body()
  } catch (error) {
    const where = error instanceof Error ? (error.stack ?? error.message) : String(error)
    return { n: 0, failures: [`the harness broke: ${where}`] }
  }
}

/** The folder of a run says nothing to anybody else. */
function withoutFolder(text: string): string {
  return text.replaceAll(/\S*minivault-reliability-\w+/g, '…')
}

async function runControl(control: Control, context: Context): Promise<ControlResult> {
  try {
    const { n, failures } = await control.run(context)
    return { fault: control.fault, n, noticed: failures.length, first: withoutFolder(failures[0] ?? '') }
  } catch (error) {
    // Not a finding of the harness: a control that breaks must not pass for one that went red.
    return { fault: control.fault, n: 0, noticed: 0, first: `the control broke: ${failureText(error)}` }
  }
}

export function whyNotGreen(
  { n, failures }: Findings,
  wanted: number,
  control: readonly ControlResult[],
): string {
  if (failures.length > 0) return `${failures.length} of ${n} failed`
  if (n < wanted) return `only ${n} of ${wanted} cases ran`
  if (control.length === 0) return 'it has no control'
  const blind = control.find(({ noticed }) => noticed === 0)
  return blind === undefined ? '' : `its control stayed green: ${blind.fault}`
}

export function readResults(path: string): RowResult[] {
  if (!existsSync(path)) return []
  return (JSON.parse(readFileSync(path, 'utf8')) as { rows: RowResult[] }).rows
}

/** Puts the results of this run in the place of older ones of the same rows. */
export function writeResults(path: string, results: readonly RowResult[]): void {
  const numbers = new Set(results.map(({ row }) => row))
  const rows = [...readResults(path).filter(({ row }) => !numbers.has(row)), ...results]
  rows.sort((a, b) => a.row - b.row)
  mkdirSync(dirname(path), { recursive: true })
  writeFileSync(path, `${JSON.stringify({ rows }, null, 2)}\n`)
}

const COLUMNS = ['row', 'status', 'cases', 'failed', 'control', 'seconds', 'claim'] as const

export function tableHead(): string {
  return line([...COLUMNS])
}

export function tableLine(result: RowResult): string {
  const { row, status, n, failures, control, seconds, claim } = result
  const red = control.filter(({ noticed }) => noticed > 0).length
  return line([
    String(row),
    status.toUpperCase(),
    String(n),
    String(failures),
    `${red}/${control.length} red`,
    seconds.toFixed(1),
    claim,
  ])
}

/** What stands below a line of the table. */
export function tableNotes({ why, measured, examples, control }: RowResult): string[] {
  const notes = why === '' ? [] : [`! ${why}`]
  if (measured !== '') notes.push(measured)
  for (const example of examples) notes.push(`- ${example.slice(0, 2000)}`)
  for (const { fault, n, noticed, first } of control) {
    const said = noticed === 0 ? `NOT noticed. ${first}` : `noticed in ${noticed} of ${n}`
    notes.push(`control: ${fault}: ${said}`)
  }
  return notes.map((note) => `      ${note}`)
}

function line([row, status, n, failures, control, seconds, claim]: string[]): string {
  const left = `${row!.padStart(3)}  ${status!.padEnd(8)}${n!.padStart(7)}${failures!.padStart(7)}`
  return `${left}  ${control!.padEnd(9)}${seconds!.padStart(8)}  ${claim}`
}
