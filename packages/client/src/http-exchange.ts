/*
 * One request over HTTP and what comes back: Node has a pool of connections for it, a browser `fetch`.
 */

import type { HttpReply } from './http-reply.ts'
import type { Request } from './request.ts'

export interface HttpExchange {
  /** What of this request it cannot carry, in words; '': nothing. */
  cannotCarry(request: Request): string
  /** Values from a source that are longer are not gathered, but go by `upload`. Bytes. */
  readonly gatheredBytesMax: number
  /** Throws whatever went wrong, an answer that says no not among it. */
  call(request: Request, signal: AbortSignal): Promise<HttpReply>
  /** The same with a value that comes from its source while it is sent. */
  upload(request: Request, signal: AbortSignal): Promise<HttpReply>
  /** Whether this is said of a request of which nothing had left. */
  isNotSent(error: unknown): boolean
  close(): void
}
