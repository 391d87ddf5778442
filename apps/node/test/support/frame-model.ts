/**
 * What a store must answer, as a Map: the reference for random operations. Versions are not foretold: a write
 * gets a stamp, and the version that its reply shows must be seen again wherever the stamp is.
 */
import { ERROR, OUTCOME } from '@minivault/protocol'

export interface Held {
  value: string
  isJson: boolean
  /** Of the write that made it. */
  stamp: number
  hasExpiry: boolean
}

/** What is to be seen in a reply. */
export interface Expected {
  error: number
  outcome?: number
  value?: string
  isJson?: boolean
  size?: number
  /** The reply's version is this write's; 0: zero; undefined: this operation's own. */
  stamp?: number | undefined
  exists?: boolean
  sum?: bigint
  /** Of a batch, for each operation; 0: whatever. */
  stamps?: number[]
  entries?: { key: string; held: Held }[]
  hasMore?: boolean
}

/** On what is there: nothing, or the value that this write made. */
export type Condition = 'none' | 'absent' | number

export interface Span {
  prefix: string
  from: string
  to: string
  fromExclusive: boolean
  toInclusive: boolean
  reverse: boolean
  limit: number
}

const DECIMAL = /^(0|-?[1-9][0-9]{0,18})$/

export class FrameModel {
  readonly held = new Map<string, Held>()

  get(key: string, start: number, bytes: number): Expected {
    const held = this.held.get(key)
    if (held === undefined) return { error: ERROR.KEY_NOT_FOUND, outcome: OUTCOME.no }
    const { value, isJson, stamp } = held
    const end = bytes === 0 ? value.length : start + bytes
    return { error: 0, value: value.slice(start, end), isJson, stamp, size: value.length }
  }

  set(key: string, made: Held, condition: Condition): Expected {
    const refusal = this.#refusal(key, condition)
    if (refusal !== null) return refusal
    this.held.set(key, made)
    return { error: 0, stamp: made.stamp }
  }

  delete(key: string, stamp: number, condition: Condition): Expected {
    const refusal = this.#refusal(key, condition)
    if (refusal !== null) return refusal
    const exists = this.held.delete(key)
    return exists ? { error: 0, exists, stamp } : { error: 0, exists }
  }

  touch(key: string, stamp: number, hasExpiry: boolean, condition: Condition): Expected {
    const held = this.held.get(key)
    if (held === undefined) return { error: ERROR.KEY_NOT_FOUND, outcome: OUTCOME.no, stamp: 0 }
    const refusal = this.#refusal(key, condition)
    if (refusal !== null) return refusal
    this.held.set(key, { ...held, stamp, hasExpiry })
    return { error: 0, stamp }
  }

  increment(key: string, stamp: number, by: bigint, hasExpiry: boolean): Expected {
    const held = this.held.get(key)
    const wrong = { error: ERROR.NOT_A_NUMBER, outcome: OUTCOME.failed }
    if (held !== undefined && !DECIMAL.test(held.value)) return wrong
    const sum = BigInt(held?.value ?? 0) + by
    if (BigInt.asIntN(64, sum) !== sum) return wrong
    const kept = held ?? { isJson: false, hasExpiry }
    this.held.set(key, { isJson: kept.isJson, hasExpiry: kept.hasExpiry, value: String(sum), stamp })
    return { error: 0, stamp, sum }
  }

  /** Each with a stamp of its own; `made` null deletes. */
  batch(writes: readonly { key: string; made: Held | null; stamp: number }[]): Expected {
    const last = new Map(writes.map(({ key, stamp }) => [key, stamp]))
    for (const { key, made } of writes) {
      if (made === null) this.held.delete(key)
      else this.held.set(key, made)
    }
    // Of several on one key the last one counts.
    return { error: 0, stamps: writes.map(({ key, stamp }) => (last.get(key) === stamp ? stamp : 0)) }
  }

  scan({ prefix, from, to, fromExclusive, toInclusive, reverse, limit }: Span): Expected {
    const isWithin = (key: string) =>
      key.startsWith(prefix) &&
      (from === '' || key > from || (key === from && !fromExclusive)) &&
      (to === '' || key < to || (key === to && toInclusive))
    const keys = [...this.held.keys()].filter(isWithin).sort()
    if (reverse) keys.reverse()
    const entries = keys.slice(0, limit).map((key) => ({ key, held: this.held.get(key)! }))
    return { error: 0, entries, hasMore: keys.length > limit }
  }

  #refusal(key: string, condition: Condition): Expected | null {
    const held = this.held.get(key)
    const stamp = held?.stamp ?? 0
    const isMet =
      condition === 'none' || (condition === 'absent' ? held === undefined : held?.stamp === condition)
    if (isMet) return null
    const error = condition === 'absent' ? ERROR.KEY_EXISTS : ERROR.VERSION_MISMATCH
    return { error, outcome: OUTCOME.no, stamp }
  }
}
