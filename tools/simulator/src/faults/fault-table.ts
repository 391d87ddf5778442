/** Every fault, how it is found, and how small its plan becomes: the rows of a table, as docs/TESTING.md has it. */
import { mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import type { Plan } from '../plan/plan.ts'
import type { ClusterPackage } from '../world/member.ts'
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
    return fault.scenario === undefined
      ? rowOfSeeds(fault, broken, first)
      : await rowOfScenario(fault, folder)
  } finally {
    rmSync(folder, { recursive: true, force: true })
  }
}

function rowOfSeeds(fault: Fault, broken: ClusterPackage, first: number): FaultRow {
  const found = hunt(fault, broken, { first, seeds: FAULT_SEEDS, itemsMax: FAULT_ITEMS_MAX })
  if (found === null) return row(fault, `**not found** in ${FAULT_SEEDS} seeds${whereOf(fault)}`, false)
  const isSmall = found.plan.items.length <= FAULT_ITEMS_MAX
  return row(fault, `${isSmall ? '' : '**too many items**: '}${seedText(fault, found)}`, isSmall, found.plan)
}

async function rowOfScenario(fault: Fault, folder: string): Promise<FaultRow> {
  const difference = await shownBy(fault, folder)
  if (difference === null) return row(fault, `**not shown** by scenario ${fault.scenario}`, false)
  return row(fault, `scenario ${fault.scenario}, line ${difference.line}`, true)
}

function row({ name, what }: Fault, foundBy: string, isFound: boolean, plan: Plan | null = null): FaultRow {
  return { isFound, text: `| ${name} | ${what} | ${foundBy} |`, plan }
}

function seedText(fault: Fault, { seeds, seed, violation, plan }: Found): string {
  const count = seeds === 1 ? '1 seed' : `${seeds} seeds`
  return `${count}${whereOf(fault)} (${seed}), ${plan.items.length} items, ${violation.judge}`
}

function whereOf({ under }: Fault): string {
  return under === undefined ? '' : ` of ${under}`
}
