/** Every fault, how soon it is found, by which judge, and how small its plan becomes. */
import { mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import type { Plan } from '../plan/plan.ts'
import { clusterWith, type Fault } from './fault.ts'
import { hunt } from './hunt.ts'

/** Each is found in so many seeds, and made as small as this. */
export const FAULT_SEEDS = 2000
export const FAULT_ITEMS_MAX = 25

export interface FaultRow {
  readonly fault: Fault
  readonly isFound: boolean
  readonly text: string
  readonly plan: Plan | null
}

export async function faultRow(fault: Fault, first: number): Promise<FaultRow> {
  const folder = mkdtempSync(join(tmpdir(), 'minivault-fault-'))
  try {
    const broken = await clusterWith(fault, folder)
    const found = hunt(fault, broken, { first, seeds: FAULT_SEEDS, itemsMax: FAULT_ITEMS_MAX })
    if (found === null) {
      const { scenario } = fault
      const elsewhere = scenario === undefined ? '' : `; see scenario ${scenario}`
      const text = line(fault, `NOT FOUND in ${FAULT_SEEDS}${elsewhere}`)
      return { fault, isFound: scenario !== undefined, text, plan: null }
    }
    const { seeds, seed, violation, plan } = found
    const isSmall = plan.items.length <= FAULT_ITEMS_MAX
    const size = `${plan.items.length} items${isSmall ? '' : ': TOO MANY'}`
    const where = fault.under === undefined ? '' : ` of ${fault.under}`
    const text = `${seeds} seeds${where} (seed ${seed}), ${size}, ${violation.judge}`
    return { fault, isFound: isSmall, text: line(fault, text), plan }
  } finally {
    rmSync(folder, { recursive: true, force: true })
  }
}

function line({ name, what }: Fault, found: string): string {
  return `${name.padEnd(30)} ${found.padEnd(54)} ${what}`
}
