/**
 * One replica: what it takes, promises and shows. It decides at once; its owner tells the answer when all
 * that the answer shows is durable (`position` at `durability`).
 */
import type { Version } from '@minivault/clock'
import type { Ledger } from './ledger.ts'
import { type Evidence, VERDICT, type Verdict } from './messages.ts'
import { DURABILITY, type Durability, type Key, type ReplicaStore, type Standing } from './ports.ts'
import { absentAt, type HeldRecord, higher, isAbove, isAbsent, isBelow, isEqual, ZERO } from './record.ts'
import type { Trees } from './trees.ts'

export interface Taken {
  readonly verdict: Verdict
  /** Of a refusal: what has to be overtaken. */
  readonly above: Version
  readonly position: number
}

export interface Promise {
  readonly verdict: Verdict
  readonly above: Version
  readonly record: HeldRecord
  readonly evidence: readonly Evidence[]
  readonly isForgetful: boolean
  readonly position: number
}

export interface Shown {
  readonly record: HeldRecord
  readonly promised: Version
  readonly position: number
  readonly durability: Durability
}

const NOTHING_HELD: readonly Evidence[] = []

export class Replica {
  readonly #store: ReplicaStore
  readonly #ledger: Ledger
  /** Of all that is held. */
  readonly trees: Trees
  readonly #floorOf: (key: Key) => Version

  /** @param floorOf the ballot that stands for every absent key where this one lies */
  constructor(store: ReplicaStore, ledger: Ledger, trees: Trees, floorOf: (key: Key) => Version) {
    this.#store = store
    this.#ledger = ledger
    this.trees = trees
    for (const key of store.keys()) trees.replace(key, null, store.find(key).record)
    this.#floorOf = floorOf
  }

  /** A plain write, an accept, a write-back, a hint, a repair: one rule for all. */
  offer(key: Key, record: HeldRecord, durability: Durability): Taken {
    const standing = this.#store.find(key)
    const held = this.#shown(key, standing)
    const { promised, position } = standing
    const isHeld = !isAbsent(held) && isEqual(held.ballot, record.ballot)
    if (isHeld || this.#ledger.hasHeld(record.request, record.ballot)) {
      return { verdict: VERDICT.held, above: ZERO, position }
    }
    if (isBelow(record.ballot, promised)) return this.#refuse(VERDICT.promised, held, promised)
    if (!isAbove(record.ballot, held.ballot)) return this.#refuse(VERDICT.older, held, promised)
    const end = this.#store.hold(key, record, durability)
    this.trees.replace(key, standing.record, record)
    this.#ledger.addHeld(record.request, record.ballot, record.version, record.sum)
    return { verdict: VERDICT.held, above: ZERO, position: end }
  }

  /** Promises to take nothing below the ballot, and tells what it holds, and held of the request. */
  prepare(key: Key, ballot: Version, request: Version, attempt: number): Promise {
    const standing = this.#store.find(key)
    const record = this.#shown(key, standing)
    const { promised } = standing
    const refused = (verdict: Verdict): Promise => ({
      ...this.#refuse(verdict, record, promised),
      record,
      evidence: NOTHING_HELD,
      isForgetful: false,
    })
    if (attempt < this.#ledger.attempt(request)) return refused(VERDICT.superseded)
    // Nor is one promised twice: of two rounds under one ballot only one can have its quorum.
    if (!isAbove(ballot, promised)) return refused(VERDICT.promised)
    if (!isAbove(ballot, record.ballot)) return refused(VERDICT.older)
    const position = this.#store.pledge(key, { ballot, request, attempt })
    if (attempt > 0) this.#ledger.addAttempt(request, attempt)
    const evidence = this.#evidence(record, request)
    const isForgetful = !isAbove(request, this.#ledger.horizon)
    return { verdict: VERDICT.held, above: ZERO, record, evidence, isForgetful, position }
  }

  read(key: Key): Shown {
    const standing = this.#store.find(key)
    const { promised, position, durability } = standing
    return { record: this.#shown(key, standing), promised, position, durability }
  }

  /** Lets go of a tombstone that its floor stands for; false: it has to stay. */
  release(key: Key): boolean {
    const { record, promised } = this.#store.find(key)
    if (record === null || record.value !== null || isAbove(promised, record.ballot)) return false
    if (isAbove(record.ballot, this.#floorOf(key))) return false
    this.#store.release(key)
    this.trees.replace(key, record, null)
    return true
  }

  #shown(key: Key, { record }: Standing): HeldRecord {
    return record ?? absentAt(this.#floorOf(key))
  }

  /** What it holds counts as held, whatever was forgotten. */
  #evidence(record: HeldRecord, request: Version): readonly Evidence[] {
    if (request.isZero()) return NOTHING_HELD
    const evidence = this.#ledger.evidence(request)
    const isOurs = isEqual(record.request, request)
    if (!isOurs || evidence.some(({ ballot }) => isEqual(ballot, record.ballot))) return evidence
    return [...evidence, record]
  }

  #refuse(verdict: Verdict, held: HeldRecord, promised: Version): Taken {
    return { verdict, above: higher(held.ballot, promised), position: 0 }
  }
}

/** Accepts and re-accepts of a round are synced, whatever the request asked for. */
export const ROUND_DURABILITY: Durability = DURABILITY.fsync
