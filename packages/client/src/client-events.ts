/*
 * What a client tells of itself, for logs and figures. Nobody has to listen, and nothing depends on it: what
 * becomes of a call its promise says.
 */

import type { ClientError } from './client-error.ts'

/** A node is named by `host:port`. */
export interface ClientEvents {
  /** A connection was made. */
  connected: { readonly node: string }
  /** A connection broke, was closed by the node, or could not be made. */
  disconnected: { readonly node: string; readonly error: ClientError }
  /** A call is made again, because of `error` at `node`; `attempt` is 1 for its second try. */
  retry: { readonly node: string; readonly error: ClientError; readonly attempt: number }
  /** A node of several is left alone from now on: it is away, or silent. */
  down: { readonly node: string }
  /** It is there again. */
  up: { readonly node: string }
  /** The first layout of the cluster was read, or a newer one. */
  layout: { readonly epoch: number; readonly members: readonly LayoutMember[] }
}

export interface LayoutMember {
  /** `host:port` */
  readonly name: string
  readonly region: string
  readonly zone: string
}

export type ClientEvent = keyof ClientEvents

type Listener<E extends ClientEvent> = (event: ClientEvents[E]) => void

export class Listeners {
  readonly #of = new Map<ClientEvent, Set<Listener<never>>>()

  /** Returns what takes the listener off again. */
  on<E extends ClientEvent>(name: E, listener: Listener<E>): () => void {
    const listeners = this.#of.get(name) ?? new Set()
    this.#of.set(name, listeners)
    listeners.add(listener)
    return () => listeners.delete(listener)
  }

  /** What a listener throws is its own: it is thrown where nobody of us is on the stack. */
  tell<E extends ClientEvent>(name: E, event: ClientEvents[E]): void {
    for (const listener of this.#of.get(name) ?? []) {
      try {
        ;(listener as Listener<E>)(event)
      } catch (error) {
        queueMicrotask(() => {
          throw error
        })
      }
    }
  }
}
