/**
 * Whether a request may go on, asked by every door before it submits: is the node draining, has the client
 * shown the key its operation needs, is there a token left in the bucket. Health passes all three.
 *
 * | authmode | reads | writes |
 * |---|---|---|
 * | none | free | free |
 * | writes | free | key |
 * | all | key | key |
 */
import { ERROR, type ErrorNumber } from '@minivault/protocol'
import { KIND, type Kind } from '../key-value.ts'
import type { Credentials } from './credentials.ts'
import { TokenBucket } from './token-bucket.ts'

export const AUTH_MODES = ['none', 'writes', 'all'] as const
export type AuthMode = (typeof AUTH_MODES)[number]

export interface AdmissionOptions {
  authMode: AuthMode
  credentials: Credentials | null
  /** Operations a second over all clients; 0: no limit. */
  ratePerSecond: number
  now: () => number
}

export class Admission {
  readonly credentials: Credentials | null
  /** Set at shutdown: nothing new is begun. */
  draining = false
  readonly #authMode: AuthMode
  readonly #bucket: TokenBucket | null
  readonly #now: () => number

  constructor(options: AdmissionOptions) {
    this.credentials = options.credentials
    this.#authMode = options.authMode
    this.#now = options.now
    this.#bucket = options.ratePerSecond > 0 ? new TokenBucket(options.ratePerSecond, options.now()) : null
  }

  /** Whether this kind is served to a client that has not shown the key. */
  isOpen(kind: Kind): boolean {
    return (
      this.#authMode === 'none' || (this.#authMode === 'writes' && (kind === KIND.get || kind === KIND.scan))
    )
  }

  /** ERROR.NONE: go on. Takes a token of the rate limit, so ask once per operation. */
  refuse(kind: Kind, authenticated: boolean): ErrorNumber {
    if (this.draining) return ERROR.SHUTTING_DOWN
    if (!authenticated && !this.isOpen(kind)) return ERROR.UNAUTHORIZED
    if (this.#bucket !== null && !this.#bucket.take(this.#now())) return ERROR.RATE_LIMITED
    return ERROR.NONE
  }

  /** So many operations more came with the one that was let in: they delay those that come next. */
  charge(operations: number): void {
    this.#bucket?.charge(operations)
  }

  get retryAfterMs(): number {
    return this.#bucket?.retryAfterMs ?? 0
  }
}
