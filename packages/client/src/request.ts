/*
 * One call on its way: what is asked, how often it was sent, and who waits for the answer.
 *
 * It is settled once; what comes later (the reply of a call that timed out) is passed over. Its request id
 * stays the same however often it is sent, which is what makes sending a write again safe.
 */

import { Version } from '@minivault/clock'
import type { ClientError } from './client-error.ts'

export const KIND = { get: 0, set: 1, delete: 2, health: 3 } as const
export type Kind = (typeof KIND)[keyof typeof KIND]

/** What a node said, whatever transport it came by. */
export interface Reply {
  /** of a GET: there is a value; of a DELETE: there was one, as far as the transport tells */
  exists: boolean
  value: Uint8Array
  /** `text`: HTTP, where bytes and JSON strings look alike; `value` is then the JSON text */
  type: 'raw' | 'json'
  /** 24 hex digits; undefined where the transport does not tell */
  version: string | undefined
}

export class Request {
  readonly kind: Kind
  readonly key: Uint8Array
  value: Uint8Array = EMPTY
  isJson = false
  ifAbsent = false
  /** 255: the server's */
  durability = 255
  readonly id = new Version()
  attempt = 0
  /** times it was written to a socket, each with the same id unless the clock was refused */
  sent = 0
  clockRetries = 0
  /** the connection it was written to last, and when, in ms since 1970 */
  carrier: unknown = null
  sentAt = 0
  /** in ms since 1970 */
  readonly deadline: number
  settled = false
  /** told when it is settled, to give up what is kept for it */
  onSettled: (() => void) | null = null
  readonly #resolve: (reply: Reply) => void
  readonly #reject: (error: ClientError) => void

  constructor(
    kind: Kind,
    key: Uint8Array,
    deadline: number,
    resolve: (reply: Reply) => void,
    reject: (error: ClientError) => void,
  ) {
    this.kind = kind
    this.key = key
    this.deadline = deadline
    this.#resolve = resolve
    this.#reject = reject
  }

  get isWrite(): boolean {
    return this.kind === KIND.set || this.kind === KIND.delete
  }

  resolve(reply: Reply): void {
    if (this.#settle()) this.#resolve(reply)
  }

  reject(error: ClientError): void {
    if (this.#settle()) this.#reject(error)
  }

  #settle(): boolean {
    if (this.settled) return false
    this.settled = true
    this.onSettled?.()
    return true
  }
}

export const EMPTY = new Uint8Array(0)
