/**
 * One replica: what it takes, promises and shows. It decides at once; its owner tells the answer when all
 * that the answer shows is durable (`position` at `durability`).
 */

import { Version } from '@minivault/clock'
import { Endings, endsAtMs } from './endings.ts'
import type { Ledger } from './ledger.ts'
import type { Floor, Marks } from './marks.ts'
import { type Evidence, VERDICT, type Verdict } from './messages.ts'
import {
  DURABILITY,
  type Durability,
  type Glance,
  type Key,
  type ReplicaStore,
  type Standing,
} from './ports.ts'
import {
  absentAt,
  type HeldRecord,
  higher,
  isAbove,
  isBelow,
  isEqual,
  NEVER,
  type Placed,
  ZERO,
} from './record.ts'
import { digestInto, type Trees } from './trees.ts'

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
  /** Else the record is known only. */
  readonly isHeld: boolean
  readonly position: number
}

export interface Shown {
  readonly record: HeldRecord
  readonly isHeld: boolean
  readonly promised: Version
  readonly position: number
  readonly durability: Durability
}

const NOTHING_HELD: readonly Evidence[] = []
const NO_FLOOR = { upTo: ZERO, expiredBeforeMs: 0 }

export class Replica {
  readonly #store: ReplicaStore
  readonly #ledger: Ledger
  /** Of all that is held. */
  readonly trees: Trees
  readonly endings = new Endings()
  readonly #marks: Marks
  /** By partition: what was held up to there was held before we voted in it. */
  readonly #begunAt = new Map<number, Version>()
  /** As the open found them: tombstones, and what expires. */
  readonly #mortal: Key[] = []
  /** By bucket of keys, how often what is held was shown; it goes round. */
  readonly #shown = new Uint32Array(SHOWN_MASK + 1)

  constructor(store: ReplicaStore, ledger: Ledger, trees: Trees, marks: Marks) {
    this.#store = store
    this.#ledger = ledger
    this.trees = trees
    this.#marks = marks
    for (const outline of store.outlines()) {
      const { key, ballot, isTombstone, expiresAtMs } = outline
      trees.replace(key, null, outline)
      if (!isTombstone && expiresAtMs === 0) continue
      this.#mortal.push(key)
      this.endings.meet(key, endsAtMs(ballot.wallMs, isTombstone, expiresAtMs))
    }
  }

  /** How often what it holds under a key was shown, or of another key of the same bucket. */
  timesShown({ low }: Key): number {
    return this.#shown[low & SHOWN_MASK]!
  }

  /** It is about to be shown. */
  willShow({ low }: Key): void {
    this.#shown[low & SHOWN_MASK]! += 1
  }

  /** A plain write, an accept, a write-back, a hint, a repair: one rule for all. */
  offer(key: Key, record: HeldRecord, durability: Durability): Taken {
    const standing = this.#store.glance(key)
    const held = standing.record ?? this.#absence(key)
    const { position } = standing
    const promised = this.#promised(key, standing)
    const isThere = standing.record !== null && isEqual(held.ballot, record.ballot)
    const isHeld = isThere && this.#isHeld(key, standing)
    if (isHeld || this.#hasHeld(key, record)) {
      // Whoever brings what we have may have it from another, and go by our having it.
      this.willShow(key)
      return { verdict: VERDICT.held, above: ZERO, position }
    }
    if (isThere) return this.#refuse(VERDICT.promised, held, promised)
    if (!isAbove(record.ballot, held.ballot)) return this.#refuse(VERDICT.older, held, promised)
    if (isBelow(record.ballot, promised)) return this.#refuse(VERDICT.promised, held, promised)
    if (this.#isFenced(key, record.ballot)) return this.#refuse(VERDICT.promised, held, promised)
    const end = this.#hold(key, record, standing.record, durability)
    this.#ledger.addHeld(record.request, record.ballot, record.version, record.sum)
    return { verdict: VERDICT.held, above: ZERO, position: end }
  }

  /** Promises to take nothing below the ballot, and tells what it holds, and held of the request. */
  prepare(key: Key, ballot: Version, request: Version, attempt: number): Promise {
    this.willShow(key)
    const standing = this.#store.find(key)
    const record = standing.record ?? this.#absence(key)
    const promised = this.#promised(key, standing)
    if (attempt < this.#ledger.attempt(request)) return this.#denied(VERDICT.superseded, record, promised)
    // Nor is one promised twice: of two rounds under one ballot only one can have its quorum.
    if (!isAbove(ballot, promised)) return this.#denied(VERDICT.promised, record, promised)
    if (!isAbove(ballot, record.ballot)) return this.#denied(VERDICT.older, record, promised)
    const held = standing.record === null ? record : this.#store.read(key).record!
    const position = this.#store.pledge(key, { ballot, request, attempt })
    if (attempt > 0) this.#ledger.addAttempt(request, attempt)
    const evidence = this.#evidence(key, standing, request)
    const isForgetful = !isAbove(request, this.#horizonOf(key))
    const isHeld = this.#isHeld(key, standing)
    return { verdict: VERDICT.held, above: ZERO, record: held, evidence, isForgetful, isHeld, position }
  }

  /** At or above all that it holds under the key, or has promised. A version of its own. */
  highest(key: Key): Version {
    const standing = this.#store.glance(key)
    const { ballot } = standing.record ?? this.#absence(key)
    return new Version().copy(higher(ballot, this.#promised(key, standing)))
  }

  /** Of what it holds, or the floor of what it let go of. A version of its own. */
  ballotOf(key: Key): Version {
    const { ballot } = this.#store.glance(key).record ?? this.#absence(key)
    return new Version().copy(ballot)
  }

  /** @param wantsValue false: it is undefined where there is one */
  read(key: Key, wantsValue: boolean): Shown {
    this.willShow(key)
    const standing = wantsValue ? this.#store.read(key) : this.#store.find(key)
    const { position, durability } = standing
    const promised = this.#promised(key, standing)
    const record = standing.record ?? this.#absence(key)
    return { record, isHeld: this.#isHeld(key, standing), promised, position, durability }
  }

  /** Nothing above it was held or promised in this partition. */
  promisedUpTo(partition: number): Version {
    return higher(this.#store.promisedUpTo(partition), this.#marks.promisedUpTo(partition))
  }

  /** Of what is held in a leaf at or below a ballot, and not released. Two words, as in the trees. */
  digestUpTo({ partition, leaf, upTo }: Floor): Int32Array {
    const digest = new Int32Array(2)
    const one = new Int32Array(2)
    for (const key of this.#store.keysIn(partition, leaf)) {
      const { record } = this.#store.find(key)
      if (record === null || isAbove(record.ballot, upTo) || this.isReleased(key)) continue
      digestInto(one, key, record.ballot)
      digest[0]! ^= one[0]!
      digest[1]! ^= one[1]!
    }
    return digest
  }

  /** At the open: what a crash kept from being let go of. */
  releaseAll(): void {
    for (const key of this.#mortal.splice(0)) this.release(key)
  }

  /** Lets go of what the floor of this leaf stands for. The floor stands before it in the log. */
  releaseIn(partition: number, leaf: number): void {
    for (const key of [...this.#store.keysIn(partition, leaf)]) this.release(key)
  }

  /** Lets go of a tombstone that its floor stands for; false: it has to stay. */
  release(key: Key): boolean {
    const { record } = this.#store.find(key)
    if (record === null || !this.isReleased(key)) return false
    this.#store.release(key)
    this.trees.replace(key, record, null)
    return true
  }

  /** Whether there is nothing here that its floor does not stand for. */
  isReleased(key: Key): boolean {
    const { record, promised } = this.#store.find(key)
    if (record === null) return true
    const { upTo, expiredBeforeMs } = this.#marks.floorOf(key) ?? NO_FLOOR
    if (!isDead(record, expiredBeforeMs)) return false
    // Raised before we were one of those who were equal: what the others have of this key need not be dead.
    const promiseOfAll = this.#marks.promiseIn(key.partition)
    if (!promiseOfAll.isZero() && !isAbove(upTo, promiseOfAll)) return false
    // A promise goes with it: below the floor the floor stands for that, too.
    if (isAbove(promised, upTo)) return false
    if (isAbove(record.ballot, upTo)) return false
    return true
  }

  /**
   * From now on we vote in this partition. What we took before was not weighed against the promises of a life
   * before this one, or of replicas whose place we take: that we held it says nothing, but for what we still
   * hold.
   *
   * @param upTo nothing that the others held or promised lies above it
   */
  beginIn(partition: number, upTo: Version): void {
    this.#begunAt.set(partition, higher(upTo, this.promisedUpTo(partition)))
  }

  /**
   * Takes over what another replica holds, before we vote, and so before any promise of ours counts. It is
   * synced with the mark by which we vote, which stands behind it in the log.
   */
  copy(key: Key, record: HeldRecord): void {
    const standing = this.#store.glance(key)
    if (!isAbove(record.ballot, (standing.record ?? this.#absence(key)).ballot)) return
    this.#hold(key, record, standing.record, DURABILITY.os)
  }

  #hold(key: Key, record: HeldRecord, before: Placed | null, durability: Durability): number {
    const end = this.#store.hold(key, record, durability)
    this.trees.replace(key, before, record)
    const { value, ballot, expiresAtMs } = record
    if (value === null || expiresAtMs !== 0) {
      this.endings.meet(key, endsAtMs(ballot.wallMs, value === null, expiresAtMs))
    }
    return end
  }

  /** The partition is held by others. What the ledger says was held here is held no more. */
  drop(partition: number): void {
    this.beginIn(partition, this.#begunAt.get(partition) ?? ZERO)
    this.#store.drop(partition)
    this.trees.drop(partition)
    this.endings.drop(partition)
  }

  #hasHeld({ partition }: Key, { request, ballot }: HeldRecord): boolean {
    if (!this.#ledger.hasHeld(request, ballot)) return false
    const begunAt = this.#begunAt.get(partition)
    return begunAt === undefined || isAbove(ballot, begunAt)
  }

  /**
   * Not what came from others on our way into the partition: it was never weighed against what the life
   * before, or others, had promised by then.
   */
  #isHeld({ partition }: Key, { record }: Glance): boolean {
    return record === null || isAbove(record.ballot, this.#marks.promiseIn(partition))
  }

  #promised(key: Key, { promised }: Glance): Version {
    return higher(promised, this.#marks.promised(key))
  }

  /** What was promised for many keys holds for the ballot itself, too: it may be that of a late write. */
  #isFenced(key: Key, ballot: Version): boolean {
    return !isAbove(ballot, this.#marks.promised(key))
  }

  /** What is shown where nothing stands. */
  #absence(key: Key): HeldRecord {
    const floor = this.#marks.floorOf(key)
    return floor === undefined ? NEVER : absentAt(floor.upTo)
  }

  /** What it holds counts as held, whatever was forgotten. */
  #evidence(key: Key, standing: Standing, request: Version): readonly Evidence[] {
    if (request.isZero()) return NOTHING_HELD
    const begunAt = this.#begunAt.get(key.partition)
    const known = this.#ledger.evidence(request)
    const evidence = begunAt === undefined ? known : known.filter(({ ballot }) => isAbove(ballot, begunAt))
    const { record } = standing
    const isOurs = record !== null && isEqual(record.request, request) && this.#isHeld(key, standing)
    if (!isOurs || evidence.some(({ ballot }) => isEqual(ballot, record.ballot))) return evidence
    return [...evidence, record]
  }

  /** Of requests up to there more may have been held than is known. */
  #horizonOf({ partition }: Key): Version {
    return higher(this.#ledger.horizon, this.#begunAt.get(partition) ?? ZERO)
  }

  #refuse(verdict: Verdict, held: Placed, promised: Version): Taken {
    return { verdict, above: new Version().copy(higher(held.ballot, promised)), position: 0 }
  }

  #denied(verdict: Verdict, record: HeldRecord, promised: Version): Promise {
    const { above, position } = this.#refuse(verdict, record, promised)
    return { verdict, above, record, evidence: NOTHING_HELD, isForgetful: false, isHeld: false, position }
  }
}

function isDead({ value, expiresAtMs }: HeldRecord, expiredBeforeMs: number): boolean {
  return value === null || (expiresAtMs !== 0 && expiresAtMs < expiredBeforeMs)
}

/** Of as many buckets, less one. */
const SHOWN_MASK = 0xffff

/** Accepts and re-accepts of a round are synced, whatever the request asked for. */
export const ROUND_DURABILITY: Durability = DURABILITY.fsync
