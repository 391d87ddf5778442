/*
 * One call on its way: what is asked, how often it was sent, and who waits for the answer.
 *
 * It is settled once; what comes later (the reply of a call that timed out) is passed over. Its request id
 * stays the same however often it is sent, which is what makes sending a write again safe.
 */

import { Version } from '@minivault/clock'
import { CONSISTENCY, type Consistency, DURABILITY_OF_SERVER } from '@minivault/protocol'
import type { ClientError } from './client-error.ts'
import type { PageWanted } from './http-scan.ts'
import type { SizedPieces } from './pieces.ts'
import type { Page } from './scan-page.ts'

export const KIND = {
  get: 0,
  set: 1,
  delete: 2,
  health: 3,
  touch: 4,
  increment: 5,
  scan: 6,
  batch: 7,
  layout: 8,
} as const
export type Kind = (typeof KIND)[keyof typeof KIND]

/** What a node said, whatever transport it came by. */
export interface Reply {
  /** of a GET or TOUCH: there is a value; of a DELETE: there was one, as far as the transport tells */
  exists: boolean
  value: Uint8Array
  /** undefined where the transport does not tell */
  type: 'raw' | 'json' | undefined
  /** 24 hex digits; undefined where the transport does not tell */
  version: string | undefined
  /** of a GET: ms since 1970; 0: never; undefined where the transport does not tell */
  expiresAtMs: number | undefined
  /** bytes of the whole value, of which `value` may be a part */
  size: number
  /** of a SCAN: there are further pages */
  hasMore: boolean
  /** of a SCAN whose page is not in `value` */
  page?: Page
}

/** What a request was written to. */
export interface Carrier {
  /** when its last byte came, in ms since 1970; null: nobody knows */
  readonly heardAt: number | null
  /** a write that it carried may be sent again: it takes effect at most once */
  readonly isRepeatable: boolean
}

/** What carries requests in a way that shows nothing of itself. */
export const SOME_CARRIER: Carrier = { heardAt: null, isRepeatable: true }

/** What a call to several nodes knows of its attempts. */
export interface Doubt {
  /** one of them may have taken effect, or may yet */
  readonly mayHaveActed: boolean
}

export class Request {
  readonly kind: Kind
  readonly key: Uint8Array
  value: Uint8Array = EMPTY
  /** the value comes from a source while it is sent, instead of `value` */
  pieces: SizedPieces | null = null
  /** FRAME_FLAG bits: json, ifAbsent, ifVersion, range, noValue, reverse */
  flags = 0
  /** with the flag `ifVersion` */
  expectedVersion: Version | null = null
  /** 0: for ever */
  ttlMs = 0
  /** with the flag `range`; 0 bytes: up to the end */
  rangeStart = 0
  rangeBytes = 0
  /** of a SCAN: what `value` says, for those who say it otherwise */
  scan: PageWanted | null = null
  consistency: Consistency = CONSISTENCY.server
  durability = DURABILITY_OF_SERVER
  /** what of this request the documented opcodes cannot carry, in words; '': nothing */
  beyondOpcodes = ''
  readonly id = new Version()
  attempt = 0
  /**
   * times it was written to a socket to its end, each with the same id unless the clock was refused; of a
   * value in pieces, 0 until its last piece is written, since without that it cannot take effect
   */
  sent = 0
  clockRetries = 0
  /** what it was written to last, and when, in ms since 1970 */
  carrier: Carrier | null = null
  sentAt = 0
  /** in ms since 1970; of a value in pieces, put off whenever something moves */
  deadline: number
  settled = false
  /** a part of the answer has come */
  isBegun = false
  /** of a call that is made by attempts at several nodes */
  attempts: Doubt | null = null
  /** why it has been sent again, for whom it fails in the end */
  lastError: ClientError | null = null
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
    const { kind } = this
    return kind !== KIND.get && kind !== KIND.health && kind !== KIND.scan && kind !== KIND.layout
  }

  /** Given up now, it may have taken effect, or may yet. */
  get isInDoubt(): boolean {
    return this.isWrite && (this.attempts === null ? this.sent > 0 : this.attempts.mayHaveActed)
  }

  has(flag: number): boolean {
    return (this.flags & flag) !== 0
  }

  resolve(reply: Reply): void {
    if (this.settle()) this.#resolve(reply)
  }

  reject(error: ClientError): void {
    if (this.settle()) this.#reject(error)
  }

  /** False: it was already. */
  settle(): boolean {
    if (this.settled) return false
    this.settled = true
    this.onSettled?.()
    return true
  }
}

export const EMPTY = new Uint8Array(0)
