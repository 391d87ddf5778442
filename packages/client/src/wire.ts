/*
 * The interface between a connection, which owns the socket, and the two forms it may speak.
 */

import type { Outgoing } from './outgoing.ts'
import type { Request } from './request.ts'

export interface Wire {
  /** requests written and not answered */
  readonly inFlight: number
  /** a second sending of the same write takes effect at most once */
  readonly isRepeatable: boolean
  /** Writes a request. */
  write(request: Request, out: Outgoing): void
  /**
   * Reads replies from bytes[start, end); returns up to where; throws ClientError CLIENT_PROTOCOL when out of
   * step.
   */
  read(bytes: Uint8Array, start: number, end: number): number
  /** Everything written and not answered, in order; the wire is empty after it. */
  takeUnanswered(): Request[]
}
