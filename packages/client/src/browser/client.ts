/*
 * The application client in a browser: the same calls, by `fetch`.
 */

import { isWeb } from '../address.ts'
import { badArgument } from '../arguments.ts'
import { HttpTransport } from '../http-transport.ts'
import { KeyValueClient } from '../key-value-client.ts'
import { RETRIES_MAX_DEFAULT } from '../limits.ts'
import { nodesOf } from '../nodes-of.ts'
import type { NodesOptions } from '../options.ts'
import { systemTime } from '../time.ts'
import { FetchExchange } from './fetch-exchange.ts'
import { HashRouting } from './hash-routing.ts'

/** `url` must be given: `http(s)://:token@host:port`, further hosts behind commas. */
export type BrowserOptions = NodesOptions & { url: string }

export class Client extends KeyValueClient {
  /** Throws CLIENT_BAD_ARGUMENT for a URL that is not `http(s)://`. */
  static open(options: string | BrowserOptions): Client {
    return new Client(typeof options === 'string' ? { url: options } : options)
  }

  private constructor(options: BrowserOptions) {
    const parts = nodesOf(options, {
      url: options.url,
      time: options.time ?? systemTime,
      routing: new HashRouting(),
      followsLayout: false,
      region: undefined,
      transport: (address, shared, owner) => {
        if (!isWeb(address)) throw badArgument('a browser speaks http(s)://, not minivault(s)://')
        const exchange = new FetchExchange(address, shared.connectivity)
        const retriesMax = owner === null ? (options.retriesMax ?? RETRIES_MAX_DEFAULT) : 0
        return new HttpTransport({ ...shared, address, exchange, retriesMax })
      },
    })
    super(options, parts)
  }
}
