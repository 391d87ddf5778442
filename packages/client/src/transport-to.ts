/*
 * From an address and the client's options to what carries requests there: a pool of connections, or HTTP.
 */

import { type Address, isWeb } from './address.ts'
import { positive } from './arguments.ts'
import type { Transport } from './calls.ts'
import { HttpTransport } from './http-transport.ts'
import {
  CONNECT_TIMEOUT_MS_DEFAULT,
  CONNECTIONS_DEFAULT,
  HELLO_TIMEOUT_MS_DEFAULT,
  RETRIES_MAX_DEFAULT,
} from './limits.ts'
import type { Shared } from './nodes-of.ts'
import type { ClientOptions } from './options.ts'
import { Pool } from './pool.ts'
import type { PoolOwner } from './pool-owner.ts'
import { secureOf } from './secure.ts'
import { UndiciExchange } from './undici-exchange.ts'

/** `owner`: of one node among several; such a one sends nothing twice. Throws CLIENT_BAD_ARGUMENT. */
export function transportTo(
  address: Address,
  options: ClientOptions,
  shared: Shared,
  owner: PoolOwner | null,
): Transport {
  const { connectivity, time } = shared
  const retriesMax = owner === null ? (options.retriesMax ?? RETRIES_MAX_DEFAULT) : 0
  const connecting = {
    address,
    secure: secureOf(options.tls, address),
    connections: positive(options.connections ?? CONNECTIONS_DEFAULT, 'connections'),
    connectTimeoutMs: positive(options.connectTimeoutMs ?? CONNECT_TIMEOUT_MS_DEFAULT, 'connectTimeoutMs'),
  }
  if (isWeb(address)) {
    const exchange = new UndiciExchange({ ...connecting, connectivity, time })
    return new HttpTransport({ ...shared, address, exchange, retriesMax })
  }
  return new Pool({
    ...shared,
    ...connecting,
    retriesMax,
    protocol: options.protocol ?? 'auto',
    helloTimeoutMs: positive(options.helloTimeoutMs ?? HELLO_TIMEOUT_MS_DEFAULT, 'helloTimeoutMs'),
    owner,
  })
}
