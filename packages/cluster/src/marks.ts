/**
 * What a member has written down for more than one key. Each kind only rises, so the order in which they are
 * read back does not matter; but for memberships, of which the last counts.
 *
 *   membership  whether it votes in a partition
 *   promise     for all keys of a partition: nothing below this ballot is taken
 *   fence       the same for all keys of a leaf
 *   floor       the ballot that stands for every absent key of a leaf
 *   layout      which member holds what, see layout-state.ts
 *   life        under which another member, or this one, began anew (docs/CLUSTER.md, "Who votes")
 *
 * Their bytes: mark-format.ts.
 */
import type { Version } from '@minivault/clock'
import { type LayoutState, phaseOf } from './layout-state.ts'
import type { Key, ReplicaStore } from './ports.ts'
import { higher, isAbove, ZERO } from './record.ts'

export const MEMBERSHIP = { voting: 0, recovering: 1, joining: 2, arriving: 3 } as const
export type Membership = (typeof MEMBERSHIP)[keyof typeof MEMBERSHIP]

export interface Leaf {
  readonly partition: number
  readonly leaf: number
}

export interface Floor extends Leaf {
  readonly upTo: Version
  /** What had expired before this wall time counts as a tombstone. */
  readonly expiredBeforeMs: number
}

/** Numbers rise from life to life of a member; what was before the first of them is 0. */
export interface Life {
  readonly member: number
  readonly life: number
}

export type Mark =
  | { readonly kind: 'membership'; readonly partition: number; readonly membership: Membership }
  | { readonly kind: 'promise'; readonly partition: number; readonly ballot: Version }
  | { readonly kind: 'fence'; readonly partition: number; readonly leaf: number; readonly ballot: Version }
  | ({ readonly kind: 'floor' } & Floor)
  | ({ readonly kind: 'life' } & Life)
  | { readonly kind: 'layout'; readonly state: LayoutState }

/** Leaves of all partitions are numbered in a row. */
const LEAF_BITS = 8

export class Marks {
  /** Of those that ever began anew. Never changed, but replaced. */
  lives: readonly Life[] = []
  /** Above every ballot in them. */
  highest: Version = ZERO
  /** The latest that was written down. */
  layout: LayoutState | null = null
  readonly #store: ReplicaStore
  /** By partition. */
  readonly #memberships: (Membership | undefined)[] = []
  readonly #promises: (Version | undefined)[] = []
  readonly #fences = new Map<number, Version>()
  readonly #floors = new Map<number, Floor>()
  /** Of a partition: the highest of its promise and of its fences. */
  readonly #promisedUpTo: (Version | undefined)[] = []

  constructor(store: ReplicaStore) {
    this.#store = store
    for (const mark of store.marks()) this.keep(mark)
  }

  /** It holds at once; durable when the log is, up to this position. */
  note(mark: Mark): number {
    this.keep(mark)
    return this.write(mark)
  }

  /** Of a floor, which is shown to others: it holds when it is durable, and kept. */
  write(mark: Mark): number {
    return this.#store.note(mark)
  }

  /** What another member knows of lives, but for our own. */
  noteLives(lives: readonly Life[], self: number): void {
    for (const { member, life } of lives) {
      if (member !== self && life > lifeIn(this.lives, member)) this.note({ kind: 'life', member, life })
    }
  }

  /** Undefined: nothing was ever written down. */
  membershipOf(partition: number): Membership | undefined {
    return this.#memberships[partition]
  }

  /** What was promised for a key along with others. */
  promised({ partition, leaf }: Key): Version {
    if (this.#promisedUpTo.length === 0 || this.#isJoining(partition)) return ZERO
    const ofAll = this.#promises[partition] ?? ZERO
    if (this.#fences.size === 0) return ofAll
    return higher(ofAll, this.#fences.get(numberOf(partition, leaf)) ?? ZERO)
  }

  /** For all keys of a partition, on the way into it. */
  promiseIn(partition: number): Version {
    return this.#promises[partition] ?? ZERO
  }

  promisedUpTo(partition: number): Version {
    return this.#promisedUpTo[partition] ?? ZERO
  }

  floorOf({ partition, leaf }: Leaf): Floor | undefined {
    if (this.#floors.size === 0 || this.#isJoining(partition)) return undefined
    return this.#floors.get(numberOf(partition, leaf))
  }

  /**
   * What was written down when the partition was held before, or by a joining that a crash cut short, holds
   * again when all is known that others hold: until then it would keep that away.
   */
  #isJoining(partition: number): boolean {
    const membership = this.#memberships[partition]
    return membership === MEMBERSHIP.joining || membership === MEMBERSHIP.arriving
  }

  /** Whether it says more than ours. */
  isNews(floor: Floor): boolean {
    const ours = this.floorOf(floor)
    if (ours === undefined) return true
    return isAbove(floor.upTo, ours.upTo) || floor.expiredBeforeMs > ours.expiredBeforeMs
  }

  floorsIn(partition: number): Floor[] {
    const floors: Floor[] = []
    if (this.#floors.size === 0) return floors
    for (let leaf = 0; leaf < 1 << LEAF_BITS; leaf++) {
      const floor = this.#floors.get(numberOf(partition, leaf))
      if (floor !== undefined) floors.push(floor)
    }
    return floors
  }

  keep(mark: Mark): void {
    switch (mark.kind) {
      case 'membership':
        this.#memberships[mark.partition] = mark.membership
        return
      case 'promise':
        raiseAt(this.#promises, mark.partition, mark.ballot)
        return this.#meet(mark.partition, mark.ballot)
      case 'fence':
        raise(this.#fences, numberOf(mark.partition, mark.leaf), mark.ballot)
        return this.#meet(mark.partition, mark.ballot)
      case 'floor':
        return this.#keepFloor(mark)
      case 'life':
        return this.#keepLife(mark)
      case 'layout':
        if (this.layout === null || phaseOf(mark.state) > phaseOf(this.layout)) this.layout = mark.state
    }
  }

  #keepLife({ member, life }: Life): void {
    if (life <= lifeIn(this.lives, member)) return
    this.lives = [...this.lives.filter((other) => other.member !== member), { member, life }]
  }

  /** What has expired by all clocks has done so, whatever the ballot it was asked for with. */
  #keepFloor({ partition, leaf, upTo, expiredBeforeMs }: Floor): void {
    const ours = this.#floors.get(numberOf(partition, leaf))
    this.#floors.set(numberOf(partition, leaf), {
      partition,
      leaf,
      upTo: higher(upTo, ours?.upTo ?? upTo),
      expiredBeforeMs: Math.max(expiredBeforeMs, ours?.expiredBeforeMs ?? expiredBeforeMs),
    })
    this.#meet(partition, upTo)
  }

  #meet(partition: number, ballot: Version): void {
    raiseAt(this.#promisedUpTo, partition, ballot)
    this.highest = higher(this.highest, ballot)
  }
}

function raise(versions: Map<number, Version>, at: number, to: Version): void {
  versions.set(at, higher(versions.get(at) ?? ZERO, to))
}

function raiseAt(versions: (Version | undefined)[], at: number, to: Version): void {
  versions[at] = higher(versions[at] ?? ZERO, to)
}

function numberOf(partition: number, leaf: number): number {
  return (partition << LEAF_BITS) | leaf
}

/** 0: its first. */
export function lifeIn(lives: readonly Life[], member: number): number {
  for (const one of lives) if (one.member === member) return one.life
  return 0
}

/** Of two that chose a number at the same place, each has its own. */
const LIVES_AT_ONE_PLACE = 2 ** 32

/** @param random 0 ≤ random < 1 */
export function lifeAbove(life: number, random: number): number {
  const place = Math.floor(life / LIVES_AT_ONE_PLACE) + 1
  return Math.floor((place + random) * LIVES_AT_ONE_PLACE)
}
