/** When to try again: the pause doubles with each failure, and no two nodes pause alike. */
import { randomInt } from 'node:crypto'
import { PEER_REDIAL_MS_MAX, PEER_REDIAL_MS_MIN } from '../limits.ts'

export class Redial {
  #failures = 0
  #notBefore = 0

  isDue(elapsedMs: number): boolean {
    return elapsedMs >= this.#notBefore
  }

  failed(elapsedMs: number): void {
    const pauseMs = Math.min(PEER_REDIAL_MS_MAX, PEER_REDIAL_MS_MIN * 2 ** Math.min(this.#failures, 16))
    this.#failures += 1
    this.#notBefore = elapsedMs + randomInt(pauseMs / 2, pauseMs + 1)
  }

  succeeded(): void {
    this.#failures = 0
  }
}
