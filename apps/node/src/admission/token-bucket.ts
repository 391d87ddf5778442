/**
 * The rate limit of `-ratelimit`: a token bucket refilled continuously, `perSecond` operations a second with
 * a burst of a tenth of that (at least one). Times are milliseconds from the caller's clock, so that tests
 * own time.
 */
export class TokenBucket {
  readonly #perMs: number
  readonly #burst: number
  #tokens: number
  #at: number

  /** @param perSecond operations a second, above 0 */
  constructor(perSecond: number, nowMs: number) {
    this.#perMs = perSecond / 1000
    this.#burst = Math.max(1, perSecond / 10)
    this.#tokens = this.#burst
    this.#at = nowMs
  }

  /** Takes one token; false when there is none. */
  take(nowMs: number): boolean {
    if (nowMs > this.#at) {
      this.#tokens = Math.min(this.#burst, this.#tokens + (nowMs - this.#at) * this.#perMs)
    }
    // A clock that was set back starts anew from where it is.
    this.#at = nowMs
    if (this.#tokens < 1) return false
    this.#tokens -= 1
    return true
  }

  /** Takes so many more, also below nothing: the debt is paid off before the next is let in. */
  charge(tokens: number): void {
    this.#tokens -= tokens
  }

  /** Milliseconds until the next token, for `Retry-After`. */
  get retryAfterMs(): number {
    return this.#tokens >= 1 ? 0 : Math.ceil((1 - this.#tokens) / this.#perMs)
  }
}
