/** Every fault, how it is found, and how small its plan becomes: the rows of a table of docs/TESTING.md. */
import { mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import type { Plan } from '../plan/plan.ts'
import type { ClusterPackage } from '../world/member.ts'
import { clusterWith, type Fault, keptPlanFor, shownBy } from './fault.ts'
import { type Found, hunt, violationOf } from './hunt.ts'

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
    if (fault.scenario !== undefined) return await rowOfScenario(fault, folder)
    const kept = keptPlanFor(fault)
    return kept === null ? rowOfSeeds(fault, broken, first) : rowOfPlan(fault, broken, kept)
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

function rowOfPlan(fault: Fault, broken: ClusterPackage, plan: Plan): FaultRow {
  const violation = violationOf(plan, broken)
  if (violation === null) return row(fault, `**not shown** by the kept plan ${fault.keptPlan}`, false)
  return row(fault, `kept plan ${fault.keptPlan}, ${plan.items.length} items, ${violation.judge}`, true)
}

function row({ name, what }: Fault, foundBy: string, isFound: boolean, plan: Plan | null = null): FaultRow {
  return { isFound, text: `| ${name} | ${what} | ${foundBy} |`, plan }
}

function seedText(fault: Fault, { seeds, seed, violation, plan }: Found): string {
  const { length } = plan.items
  const size = length === 1 ? '1 item' : `${length} items`
  const count = seeds === 1 ? '1 seed' : `${seeds} seeds`
  return `${count}${whereOf(fault)} (${seed}), ${size}, ${violation.judge}`
}

function whereOf({ under }: Fault): string {
  return under === undefined ? '' : ` of ${under}`
}
