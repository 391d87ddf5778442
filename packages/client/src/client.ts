/*
 * The application client in Node: connections of its own, over either protocol.
 */

import { environmentUrl } from './environment.ts'
import { KeyValueClient } from './key-value-client.ts'
import { LayoutRouting } from './layout-routing.ts'
import { nodesOf } from './nodes-of.ts'
import type { ClientOptions } from './options.ts'
import { systemTime } from './time.ts'
import { transportTo } from './transport-to.ts'

export class Client extends KeyValueClient {
  /** Connects with the first call, not here: a node that is away now may be back by then. */
  static open(options: string | ClientOptions = {}): Client {
    return new Client(typeof options === 'string' ? { url: options } : options)
  }

  private constructor(options: ClientOptions) {
    const parts = nodesOf(options, {
      url: options.url ?? environmentUrl() ?? 'minivault://127.0.0.1:3000',
      time: options.time ?? systemTime,
      routing: new LayoutRouting(),
      followsLayout: options.followLayout ?? true,
      region: options.region,
      transport: (address, shared, owner) => transportTo(address, options, shared, owner),
    })
    super(options, parts)
  }
}
