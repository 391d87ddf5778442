/** Three members of minivault, started as documented: each is told of the other two, and of its own name. */
import { freePorts } from '@minivault/free-port'
import { minivaultPlan, type NodeDurability } from './minivault-server.ts'
import { HOST } from './server.ts'
import type { ServerPlan } from './started-process.ts'

const MEMBERS = 3

export interface MemberAddress {
  readonly port: number
  /** Where the others reach it, when that is not the port itself. */
  readonly publicPort: number
}

/** For members behind proxies; all different. */
export async function proxiedAddresses(count: number): Promise<MemberAddress[]> {
  const ports = await freePorts(2 * count)
  return ports.slice(0, count).map((port, index) => ({ port, publicPort: ports[count + index]! }))
}

export async function minivaultTrioPlans(
  durability: NodeDurability,
  from: 'build' | 'source' = 'build',
): Promise<ServerPlan[]> {
  const ports = await freePorts(MEMBERS)
  const addresses = ports.map((port) => ({ port, publicPort: port }))
  return trioPlansAt(addresses, durability, from)
}

export function trioPlansAt(
  addresses: readonly MemberAddress[],
  durability: NodeDurability,
  from: 'build' | 'source' = 'build',
): ServerPlan[] {
  const names = addresses.map(({ publicPort }) => `${HOST}:${publicPort}`)
  return addresses.map(({ port }, index) => {
    const others = names.filter((_, other) => other !== index)
    const plan = minivaultPlan(durability, from, port)
    return {
      ...plan,
      environment: { CLUSTER_NODES: others.join(',') },
      args: (directory) => [...plan.args(directory), '-public-url', names[index]!],
      ready: async (output) => {
        const ready = await plan.ready(output)
        return ready !== null && (await isServing(port)) ? port : null
      },
    }
  })
}

/** A new member votes only when it has compared with the others. */
export async function isServing(port: number): Promise<boolean> {
  try {
    const health = (await (await fetch(`http://${HOST}:${port}/health`)).json()) as Record<string, unknown>
    return health['quorum_reachable'] === true && health['votes'] === true
  } catch {
    return false
  }
}
