/**
 * The simulator's command line. Without a seed or plan: a campaign, its table, and the failing plans, made
 * small, as files. With one: that history, and its transcript where one is wanted. Exit code: 0 good, 1 not.
 */
import { mkdirSync, readFileSync, writeFileSync } from 'node:fs'
import { join, relative } from 'node:path'
import { fileURLToPath } from 'node:url'
import * as cluster from '@minivault/cluster'
import yargs from 'yargs'
import { hideBin } from 'yargs/helpers'
import type { Fault } from './faults/fault.ts'
import { FAULT_TABLE_HEAD, faultRow } from './faults/fault-table.ts'
import { FAULTS } from './faults/faults.ts'
import { runJobs } from './jobs.ts'
import { type Drawn, planOf } from './part.ts'
import { type Plan, planText, readPlan } from './plan/plan.ts'
import { SWARMS } from './plan/swarms.ts'
import { runPlan } from './run.ts'
import { shrink } from './shrink.ts'
import { failureLine, summarize } from './summary.ts'
import type { Failure } from './tally.ts'
import { Transcript } from './transcript.ts'
import type { ClusterPackage } from './world/member.ts'

const ROOT = fileURLToPath(new URL('../../..', import.meta.url))
const PROGRESS_INTERVAL_MS = 10_000
const SHRUNK_MAX = 3

const args = yargs(hideBin(process.argv))
  .scriptName('pnpm simulate')
  .usage('$0 [--seeds N | --seed K | --plan F]\n\nTries to break the quorum core.')
  .option('seeds', { type: 'number', default: 500, describe: 'how many histories' })
  .option('first', { type: 'number', default: 1, describe: 'the first seed' })
  .option('jobs', { type: 'number', default: 1, describe: 'processes' })
  .option('calm', { type: 'boolean', default: false, describe: 'nothing fails: rounds of an operation' })
  .option('swarm', { choices: SWARMS, describe: 'histories in which much of one kind happens' })
  .option('seed', { type: 'number', describe: 'only this one, made small if it fails' })
  .option('plan', { type: 'string', describe: 'the history that stands in this file' })
  .option('trace', { type: 'boolean', default: false, describe: 'with its transcript' })
  .option('fault', { type: 'string', describe: 'look for this fault' })
  .option('faults', { type: 'boolean', default: false, describe: 'look for every fault, and print a table' })
  .option('out', {
    type: 'string',
    default: join(ROOT, '.cache', 'simulator'),
    describe: 'for failing plans',
  })
  .epilogue('Exit code: 0 good, 1 a violation or a state that was never reached.')
  .strict()
  .parseSync()

const drawn: Drawn = { isCalm: args.calm, swarm: args.swarm }

/** One line that moves on a terminal; now and then a line elsewhere. */
function progressPrinter() {
  const { stderr } = process
  let printedAt = performance.now()
  return (text: string) => {
    if (stderr.isTTY) return void stderr.write(`\r\u001b[K${text}`)
    if (performance.now() - printedAt < PROGRESS_INTERVAL_MS) return
    printedAt = performance.now()
    stderr.write(`${text}\n`)
  }
}

async function campaign(): Promise<boolean> {
  const { first, seeds, jobs } = args
  const print = progressPrinter()
  const start = performance.now()
  const told = new Set<number>()
  const tally = await runJobs({ first, seeds, ...drawn }, jobs, (runs, failures) => {
    for (const failure of failures) {
      const erased = process.stderr.isTTY ? '\r\u001b[K' : ''
      if (!told.has(failure.seed)) process.stderr.write(`${erased}${failureLine(failure)}\n`)
      told.add(failure.seed)
    }
    print(`${runs} of ${seeds}, ${failures.length} violations`)
  })
  const seconds = (performance.now() - start) / 1000
  if (process.stderr.isTTY) process.stderr.write('\r\u001b[K')
  const { text, isGood } = summarize(tally, { seconds, jobs }, drawn)
  process.stdout.write(`${text}\n`)
  for (const failure of firstOfEach(tally.failures)) {
    keep(planOf(drawn, failure.seed), failure, cluster)
  }
  return isGood
}

/** Of every judge the first. */
function firstOfEach(failures: readonly Failure[]): Failure[] {
  const seen = new Set<string>()
  const firsts = failures.filter(({ violations }) => {
    const judge = violations[0]!.judge
    const isNew = !seen.has(judge)
    seen.add(judge)
    return isNew
  })
  return firsts.slice(0, SHRUNK_MAX)
}

/** Makes it small and writes it down. */
function keep(plan: Plan, { seed, violations }: Failure, broken: ClusterPackage): Plan {
  const { judge } = violations[0]!
  const small = shrink(plan, (smaller) =>
    runPlan(smaller, broken).violations.some((violation) => violation.judge === judge),
  )
  mkdirSync(args.out, { recursive: true })
  const path = join(args.out, `${judge}-${seed}.json`)
  writeFileSync(path, planText(small.plan))
  const { length } = small.plan.items
  process.stdout.write(`seed ${seed}: ${length} items, ${judge}, in ${relative(process.cwd(), path)}\n`)
  return small.plan
}

function history(plan: Plan, isShrunk: boolean): boolean {
  const { violations } = runPlan(plan, cluster, { searchesAll: true })
  for (const { judge, key, why } of violations) process.stdout.write(`${judge}, key ${key}: ${why}\n`)
  const isGood = violations.length === 0
  if (isGood) process.stdout.write('good\n')
  const shown = isGood || !isShrunk ? plan : keep(plan, { seed: plan.seed, violations }, cluster)
  if (args.trace) trace(shown)
  return isGood
}

function trace(plan: Plan): void {
  const transcript = new Transcript()
  const { violations } = runPlan(plan, cluster, { observers: [transcript] })
  for (const line of transcript.lines) process.stdout.write(`${line}\n`)
  for (const { judge, key, why } of violations) process.stdout.write(`${judge}, key ${key}: ${why}\n`)
}

async function hunting(faults: readonly Fault[]): Promise<boolean> {
  let found = 0
  process.stdout.write(`${FAULT_TABLE_HEAD}\n`)
  for (const fault of faults) {
    const { text, isFound, plan } = await faultRow(fault, args.first)
    if (isFound) found += 1
    process.stdout.write(`${text}\n`)
    if (plan === null) continue
    mkdirSync(args.out, { recursive: true })
    writeFileSync(join(args.out, `${fault.name}.json`), planText(plan))
  }
  process.stdout.write(`\n${found} of ${faults.length} faults are found.\n`)
  return found === faults.length
}

async function main(): Promise<boolean> {
  if (args.faults) return hunting(FAULTS)
  if (args.fault !== undefined) {
    const named = FAULTS.filter(({ name }) => name === args.fault)
    if (named.length === 0) throw new Error(`no such fault: ${FAULTS.map(({ name }) => name).join(', ')}`)
    return hunting(named)
  }
  if (args.plan !== undefined) return history(readPlan(readFileSync(args.plan, 'utf8')), false)
  if (args.seed !== undefined) return history(planOf(drawn, args.seed), true)
  return campaign()
}

process.exitCode = (await main()) ? 0 : 1
