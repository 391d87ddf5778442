/*
 * What the ways to nodes tell of their connections.
 */

import { type Address, placeOf } from './address.ts'
import { ClientError } from './client-error.ts'
import type { Listeners } from './client-events.ts'
import { disconnected } from './disconnected.ts'

export class Connectivity {
  readonly #listeners: Listeners

  constructor(listeners: Listeners) {
    this.#listeners = listeners
  }

  connected(address: Address): void {
    this.#listeners.tell('connected', { node: placeOf(address) })
  }

  /** `cause` undefined: the node closed it */
  disconnected(address: Address, cause: unknown): void {
    const error = cause instanceof ClientError ? cause : disconnected(address, cause)
    this.#listeners.tell('disconnected', { node: placeOf(address), error })
  }

  retries(address: Address, error: ClientError, attempt: number): void {
    this.#listeners.tell('retry', { node: placeOf(address), error, attempt })
  }
}
