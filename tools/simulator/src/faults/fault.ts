/**
 * A fault to be found: an edit of the core's source, or a client that breaks its own rules. Most are found by
 * some seed; rare ones are looked for where what they need happens all the time.
 */
import { readFileSync } from 'node:fs'
import { join } from 'node:path'
import * as cluster from '@minivault/cluster'
import { type PlantedFault, packageWith } from '@minivault/planted'
import type { Circumstance } from '../plan/circumstances.ts'
import { drawPlan } from '../plan/draw-plan.ts'
import { type ClientFault, type Plan, readPlan } from '../plan/plan.ts'
import { type Swarm, swarmPlan } from '../plan/swarms.ts'
import type { ClusterPackage } from '../world/member.ts'
import { masterWith } from './planted-master.ts'
import { type Difference, differenceIn } from './scenario.ts'

export interface Fault {
  readonly name: string
  readonly what: string
  /** Null: the core is as it should be. */
  readonly planted: PlantedFault | null
  readonly clientFault?: ClientFault
  /** Too rare for seeds: this scenario of the core's tests shows it, such as `nodes/partition-heals`. */
  readonly scenario?: string
  /** Too rare for seeds, too: a plan that was red once is so again (test/fixtures). */
  readonly keptPlan?: string
  /** Rare otherwise: it is looked for where this happens all the time. */
  readonly under?: Circumstance
  readonly swarm?: Swarm
}

/** The package with the fault, in an empty folder of the caller. */
export async function clusterWith({ planted }: Fault, folder: string): Promise<ClusterPackage> {
  if (planted === null) return cluster
  if (!planted.file.startsWith('master/')) return packageWith('cluster', planted, folder)
  return { ...cluster, master: await masterWith(planted, folder) }
}

/**
 * What the fault makes of the scenario that is to show it; null: nothing, or there is none.
 *
 * @param folder in which `clusterWith` has put the package
 */
export async function shownBy({ scenario }: Fault, folder: string): Promise<Difference | null> {
  if (scenario === undefined) return null
  return differenceIn(scenario, join(folder, 'node_modules', '@minivault', 'cluster', 'src'))
}

const KEPT = new URL('../../test/fixtures/', import.meta.url)

/** Null: there is none. */
export function keptPlanFor({ keptPlan }: Fault): Plan | null {
  if (keptPlan === undefined) return null
  return readPlan(readFileSync(new URL(`${keptPlan}.json`, KEPT), 'utf8'))
}

/** The plan of a seed, where the fault is looked for. */
export function planFor({ clientFault, under, swarm }: Fault, seed: number): Plan {
  const plan = swarm === undefined ? drawPlan(seed, under) : swarmPlan(swarm, seed)
  return clientFault === undefined ? plan : { ...plan, setup: { ...plan.setup, clientFault } }
}
