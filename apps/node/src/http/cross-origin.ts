/**
 * Pages in browsers. A page may send requests to any address; what keeps a foreign one from using a node that
 * its reader can reach is that its `Origin` is refused here, unless `-cors` names it.
 */
import type { IncomingHttpHeaders } from 'node:http'
import { HTTP_PREFLIGHT_SECONDS } from '../limits.ts'

export const METHODS = 'GET, HEAD, PUT, POST, DELETE'

const REQUEST_HEADERS =
  'Authorization, Content-Type, If-Match, If-None-Match, If-Range, Range, Minivault-TTL, ' +
  'Minivault-Durability, Minivault-Consistency, Minivault-Request, Minivault-Attempt'
const REPLY_HEADERS =
  'ETag, Minivault-Version, Minivault-TTL, Accept-Ranges, Content-Range, Retry-After, Allow'

export class CrossOrigin {
  readonly #origins: ReadonlySet<string> | null

  /** @param origins those that are let in, `*` for all; null: `-cors` was not given */
  constructor(origins: ReadonlySet<string> | null) {
    this.#origins = origins
  }

  /** Replies tell pages of some origins other things than those of others. */
  get dependsOnOrigin(): boolean {
    return this.#origins !== null && !this.#origins.has('*')
  }

  get answersOptions(): boolean {
    return this.#origins !== null
  }

  /** Whether the request comes from a page that may not use this node. */
  refuses({ origin, host }: IncomingHttpHeaders): boolean {
    return origin !== undefined && !isOwn(origin, host) && !this.#allows(origin)
  }

  #allows(origin: string): boolean {
    return this.#origins !== null && (this.#origins.has('*') || this.#origins.has(origin.toLowerCase()))
  }

  /** Lines for the reply to a request that was not refused. */
  addLines({ origin }: IncomingHttpHeaders, lines: string[]): void {
    if (origin === undefined || !this.#allows(origin)) return
    lines.push('Access-Control-Allow-Origin', this.dependsOnOrigin ? origin : '*')
    lines.push('Access-Control-Expose-Headers', REPLY_HEADERS)
  }

  /** The same for the question before a request. */
  addPreflightLines(headers: IncomingHttpHeaders, lines: string[]): void {
    lines.push('Allow', `${METHODS}, OPTIONS`)
    if (headers.origin === undefined || headers['access-control-request-method'] === undefined) return
    lines.push('Access-Control-Allow-Methods', METHODS)
    lines.push('Access-Control-Allow-Headers', REQUEST_HEADERS)
    lines.push('Access-Control-Max-Age', `${HTTP_PREFLIGHT_SECONDS}`)
  }
}

/** `http://host:port` is a page of `host:port`. */
function isOwn(origin: string, host: string | undefined): boolean {
  const found = /^https?:\/\/(.+)$/i.exec(origin)
  return found !== null && host !== undefined && found[1]!.toLowerCase() === host.toLowerCase()
}
