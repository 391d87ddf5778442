/**
 * Who waits on the simple door: its calls ask the engine with tokens of their own, all below zero, and what
 * the engine says of such a token settles a promise. Tokens of zero and above are the owner's and go to the
 * listener it opened the store with.
 */

import type { Found } from './found.ts'
import { NO_TOKEN, type StoreListener } from './hot-door.ts'
import type { StorageError } from './storage-error.ts'

type Waiter = (found: Found | null, error: StorageError | null) => void

export class Waiters {
  readonly #waiting = new Map<number, Waiter>()
  #next = -1

  /** A token for one call. Nothing is kept of it unless it is waited for. */
  token(): number {
    const token = this.#next
    this.#next = token <= NO_TOKEN + 1 ? -1 : token - 1
    return token
  }

  /** Resolves with `value` when the write of this token has reached its mark. */
  applied<T>(token: number, value: T): Promise<T> {
    return new Promise((resolve, reject) => {
      this.#waiting.set(token, (_, error) => (error ? reject(error) : resolve(value)))
    })
  }

  /** Resolves with what `pick` takes from the answer to the read of this token. */
  read<T>(token: number, pick: (found: Found) => T): Promise<T> {
    return new Promise((resolve, reject) => {
      this.#waiting.set(token, (found, error) => (found === null ? reject(error) : resolve(pick(found))))
    })
  }

  /** What the engine is to call: these waiters for their tokens, the owner's listener for the others. */
  listener(owner: StoreListener | undefined): StoreListener {
    const settle = (token: number, found: Found | null, error: StorageError | null) => {
      const waiter = this.#waiting.get(token)
      this.#waiting.delete(token)
      waiter?.(found, error)
    }
    return {
      onApplied: (token, error) => {
        if (token < 0) settle(token, null, error)
        else owner?.onApplied(token, error)
      },
      onRead: (token, found, error) => {
        if (token < 0) settle(token, found, error)
        else owner?.onRead(token, found, error)
      },
      wantsStream: (token) => token >= 0 && owner?.wantsStream?.(token) === true,
    }
  }
}
