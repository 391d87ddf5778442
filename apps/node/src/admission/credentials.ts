/**
 * The one key of a node and the question whether a client showed it. Digests of equal length are compared in
 * constant time, so neither the key nor its length leaks through timing.
 */
import { createHash, timingSafeEqual } from 'node:crypto'

export class Credentials {
  /** The key itself: the frame form proves it by HMAC. */
  readonly key: Buffer
  readonly #digest: Buffer

  constructor(key: string) {
    this.key = Buffer.from(key, 'utf8')
    this.#digest = digest(this.key)
  }

  matches(candidate: Uint8Array): boolean {
    return timingSafeEqual(this.#digest, digest(candidate))
  }
}

function digest(bytes: Uint8Array): Buffer {
  return createHash('sha256').update(bytes).digest()
}
