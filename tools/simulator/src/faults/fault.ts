/**
 * A fault to be found: an edit of the core's source, or a client that breaks its own rules. Most are found by
 * some seed; the rare ones have a plan of their own, which has to stay red.
 */
import * as cluster from '@minivault/cluster'
import { type PlantedFault, packageWith } from '@minivault/planted'
import type { ClientFault, Plan } from '../plan/plan.ts'
import type { ClusterPackage } from '../world/member.ts'

export interface Fault {
  readonly name: string
  readonly what: string
  /** Null: the core is as it should be. */
  readonly planted: PlantedFault | null
  readonly clientFault?: ClientFault
  /** So rare that it is looked for in the plan of this name (test/fixtures), not in seeds. */
  readonly rare?: string
}

/** The package with the fault, in an empty folder of the caller. */
export function clusterWith({ planted }: Fault, folder: string): Promise<ClusterPackage> {
  return planted === null ? Promise.resolve(cluster) : packageWith('cluster', planted, folder)
}

/** A plan as the clients of a fault go about it. */
export function planUnder({ clientFault }: Fault, plan: Plan): Plan {
  return clientFault === undefined ? plan : { ...plan, setup: { ...plan.setup, clientFault } }
}
