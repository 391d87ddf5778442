/** Every fault, how soon it is found, by which judge, and how small its plan becomes. */
import { mkdtempSync, readFileSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { type Plan, readPlan } from '../plan/plan.ts'
import { clusterWith, type Fault } from './fault.ts'
import { hunt, violationOf } from './hunt.ts'

/** Each is found in so many seeds, and made as small as this. */
export const FAULT_SEEDS = 2000
export const FAULT_ITEMS_MAX = 25

export interface FaultRow {
  readonly fault: Fault
  readonly isFound: boolean
  readonly text: string
  readonly plan: Plan | null
}

/** @param fixtures the folder of the plans of rare faults */
export async function faultRow(fault: Fault, first: number, fixtures: string): Promise<FaultRow> {
  const folder = mkdtempSync(join(tmpdir(), 'minivault-fault-'))
  try {
    const broken = await clusterWith(fault, folder)
    if (fault.rare !== undefined) {
      const plan = readPlan(readFileSync(join(fixtures, `${fault.rare}.json`), 'utf8'))
      const violation = violationOf(plan, broken)
      const found = violation === null ? 'NOT RED' : `red: ${violation.judge}`
      const text = `its own plan, ${plan.items.length} items, ${found}`
      return { fault, isFound: violation !== null, text: line(fault, text), plan }
    }
    const found = hunt(fault, broken, { first, seeds: FAULT_SEEDS })
    if (found === null) {
      return { fault, isFound: false, text: line(fault, `NOT FOUND in ${FAULT_SEEDS}`), plan: null }
    }
    const { seeds, seed, violation, plan } = found
    const isSmall = plan.items.length <= FAULT_ITEMS_MAX
    const size = `${plan.items.length} items${isSmall ? '' : ': TOO MANY'}`
    const text = `${seeds} seeds (seed ${seed}), ${size}, ${violation.judge}`
    return { fault, isFound: isSmall, text: line(fault, text), plan }
  } finally {
    rmSync(folder, { recursive: true, force: true })
  }
}

function line({ name, what }: Fault, found: string): string {
  return `${name.padEnd(30)} ${found.padEnd(46)} ${what}`
}
