/** Every fault, how it is found, and how small its plan becomes: the rows of a table, as docs/TESTING.md has it. */
import { mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import type { Plan } from '../plan/plan.ts'
import { clusterWith, type Fault, shownBy } from './fault.ts'
import { type Found, hunt } from './hunt.ts'

/** Each is found in so many seeds, and made as small as this; or a scenario shows it. */
export const FAULT_SEEDS = 2000
export const FAULT_ITEMS_MAX = 25

export const FAULT_TABLE_HEAD = '| fault | what is wrong | found by |\n|---|---|---|'

export interface FaultRow {
  readonly isFound: boolean
  readonly text: string
  readonly plan: Plan | null
}

export async function faultRow(fault: Fault, first: number): Promise<FaultRow> {
  const folder = mkdtempSync(join(tmpdir(), 'minivault-fault-'))
  try {
    const broken = await clusterWith(fault, folder)
    const found = hunt(fault, broken, { first, seeds: FAULT_SEEDS, itemsMax: FAULT_ITEMS_MAX })
    const isSmall = found !== null && found.plan.items.length <= FAULT_ITEMS_MAX
    const difference = isSmall ? null : await shownBy(fault, folder)
    const bySeeds = found === null ? `not in ${FAULT_SEEDS} seeds${whereOf(fault)}` : seedText(fault, found)
    const byScenario = difference === null ? '' : `; scenario ${fault.scenario}, line ${difference.line}`
    const isFound = isSmall || difference !== null
    const text = `| ${fault.name} | ${fault.what} | ${isFound ? '' : '**NOT FOUND** '}${bySeeds}${byScenario} |`
    return { isFound, text, plan: found?.plan ?? null }
  } finally {
    rmSync(folder, { recursive: true, force: true })
  }
}

function seedText(fault: Fault, { seeds, seed, violation, plan }: Found): string {
  const count = seeds === 1 ? '1 seed' : `${seeds} seeds`
  return `${count}${whereOf(fault)} (${seed}), ${plan.items.length} items, ${violation.judge}`
}

function whereOf({ under }: Fault): string {
  return under === undefined ? '' : ` of ${under}`
}
