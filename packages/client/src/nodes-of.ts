/*
 * From a client's options to the nodes that it speaks to: one, or several behind one transport.
 */

import { type Address, parseAddresses } from './address.ts'
import { badArgument, positive } from './arguments.ts'
import type { Transport } from './calls.ts'
import { Listeners } from './client-events.ts'
import { ClusterTransport } from './cluster-transport.ts'
import { Connectivity } from './connectivity.ts'
import type { ClientParts } from './key-value-client.ts'
import { HEDGE_SHARE_DEFAULT, RETRIES_MAX_DEFAULT } from './limits.ts'
import type { NodesOptions } from './options.ts'
import type { PoolOwner } from './pool-owner.ts'
import { RequestClock } from './request-clock.ts'
import type { Routing } from './routing.ts'
import type { Time } from './time.ts'

/** What all nodes of a client share. */
export interface Shared {
  clock: RequestClock
  connectivity: Connectivity
  time: Time
}

/** How nodes are spoken to here. */
export interface Way {
  url: string
  time: Time
  routing: Routing
  followsLayout: boolean
  region: string | undefined
  /** `owner`: of one node among several; such a one sends nothing twice. Throws CLIENT_BAD_ARGUMENT. */
  transport: (address: Address, shared: Shared, owner: PoolOwner | null) => Transport
}

/** Throws CLIENT_BAD_ARGUMENT. */
export function nodesOf(options: NodesOptions, way: Way): ClientParts {
  const { hedgeShare = HEDGE_SHARE_DEFAULT, tryTimeoutMs, token } = options
  if (!(hedgeShare >= 0 && hedgeShare <= 1)) throw badArgument('hedgeShare must be a number from 0 to 1')
  const { time, routing, followsLayout, region } = way
  const addresses = parseAddresses(way.url)
  if (token !== undefined) for (const address of addresses) address.token = token
  const [address] = addresses as [Address]
  const listeners = new Listeners()
  const clock = new RequestClock(time)
  const shared = { clock, connectivity: new Connectivity(listeners), time }
  const common = { address, clock, listeners, time }
  const tryMs = tryTimeoutMs === undefined ? 0 : positive(tryTimeoutMs, 'tryTimeoutMs')
  if (addresses.length === 1) return { ...common, transport: way.transport(address, shared, null) }
  const transport = new ClusterTransport({
    seeds: addresses,
    transport: (node, owner) => way.transport(node, shared, owner),
    clock,
    time,
    routing,
    region,
    listeners,
    retriesMax: options.retriesMax ?? RETRIES_MAX_DEFAULT,
    tryTimeoutMs: tryMs,
    hedgeShare,
    followsLayout,
  })
  return { ...common, transport }
}
