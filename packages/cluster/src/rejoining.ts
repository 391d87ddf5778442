/**
 * The way back of a member that may have forgotten something: until it is through, its answers count in no
 * quorum. Partition by partition, of every other replica:
 *
 *   introduce ──▶ our new life is written down there: from now on no answer of our old life counts beside
 *                 one of theirs. It tells the highest ballot that it held or promised.
 *   compare   ──▶ everything is taken that it holds
 *
 * With all of them done, a joining member promises the highest of those ballots for every key of the
 * partition, for what its lost disk had promised is known to one other at least; when that and all that was
 * taken is durable, it votes. What stands of it is in the log at every step, so it may crash anywhere.
 */
import type { Version } from '@minivault/clock'
import type { Limits } from './limits.ts'
import { type Floor, type Life, lifeAbove, lifeIn, type Marks, MEMBERSHIP, type Membership } from './marks.ts'
import type { Env, Placement } from './ports.ts'
import { higher, ZERO } from './record.ts'
import type { Repair } from './repair.ts'
import type { Replica } from './replica.ts'

export interface RejoiningParts {
  readonly env: Env
  readonly marks: Marks
  readonly replica: Replica
  readonly repair: Repair
  readonly placement: Placement
  readonly self: number
  readonly limits: Limits
  /** When the log is durable up to there. */
  readonly afterSync: (position: number, task: () => void) => void
}

/** A partition in which we do not vote yet. */
interface Waiting {
  readonly membership: Membership
  /** Those that have not been compared with. */
  readonly left: Set<number>
  promised: Version
  readonly floors: Floor[]
}

export class Rejoining {
  readonly #parts: RejoiningParts
  readonly #waiting = new Map<number, Waiting>()
  /** Those that we are comparing with. */
  readonly #underWay = new Set<number>()
  /** Ours. */
  #life: number

  constructor(parts: RejoiningParts) {
    this.#parts = parts
    this.#life = lifeIn(parts.marks.lives, parts.self)
  }

  /** At the open: what was written down counts, and what our owner knows of this start. */
  open(began: Membership): void {
    const { marks, placement, self } = this.#parts
    for (let partition = 0; partition < placement.partitionCount; partition++) {
      if (placement.electorateOf(partition).positionOf(self) < 0) continue
      const membership = Math.max(began, marks.membershipOf(partition) ?? MEMBERSHIP.voting) as Membership
      if (membership !== MEMBERSHIP.voting) this.#wait(partition, membership)
    }
    if (began !== MEMBERSHIP.voting) this.#begin(this.#life)
  }

  #begin(above: number): void {
    const { env, marks, self } = this.#parts
    this.#life = lifeAbove(above, env.random())
    marks.note({ kind: 'life', member: self, life: this.#life })
  }

  /**
   * What others know of lives. They may know one of ours above this one, which we have forgotten, or which
   * came to them late: then we begin another one, and everything again.
   */
  hear(lives: readonly Life[]): void {
    const { marks, self } = this.#parts
    marks.noteLives(lives, self)
    const known = lifeIn(lives, self)
    if (known <= this.#life) return
    this.#begin(known)
    for (const [partition, { membership }] of this.#waiting) this.#wait(partition, membership)
  }

  /** These partitions are new to us: nothing is known of them yet. */
  join(partitions: readonly number[]): void {
    for (const partition of partitions) this.#wait(partition, MEMBERSHIP.joining)
  }

  #wait(partition: number, membership: Membership): void {
    const { marks, placement, self } = this.#parts
    if (marks.membershipOf(partition) !== membership) {
      marks.note({ kind: 'membership', partition, membership })
    }
    const others = placement.electorateOf(partition).members.filter((member) => member !== self)
    this.#waiting.set(partition, { membership, left: new Set(others), promised: ZERO, floors: [] })
    if (others.length === 0) this.#finish(partition)
  }

  /** Whether our answers about a partition count. */
  votesIn(partition: number): boolean {
    if (this.#waiting.has(partition)) return false
    const { placement, self } = this.#parts
    return placement.electorateOf(partition).positionOf(self) >= 0
  }

  get isOver(): boolean {
    return this.#waiting.size === 0
  }

  /** Goes on with everybody with whom something is left to be done. */
  onTick(): void {
    for (const { left } of this.#waiting.values()) for (const member of left) this.#goOn(member)
  }

  #goOn(member: number): void {
    if (this.#underWay.has(member)) return
    const partitions: number[] = []
    for (const [partition, { left }] of this.#waiting) {
      if (left.has(member)) partitions.push(partition)
      if (partitions.length === this.#parts.limits.introductionsMax) break
    }
    if (partitions.length === 0) return
    this.#underWay.add(member)
    const life = this.#life
    const end = (isComplete: boolean, promised: readonly Version[], floors: readonly Floor[]) => {
      this.#underWay.delete(member)
      // The next tick tries again.
      if (!isComplete || this.#life !== life) return
      for (const [index, partition] of partitions.entries()) {
        this.#onCompared(member, partition, promised[index]!, floors)
      }
      this.#goOn(member)
    }
    this.#parts.repair.introduce(member, partitions, life, (introduced) => {
      if (introduced !== null) this.hear(introduced.lives)
      if (introduced === null || this.#life !== life) return end(false, [], [])
      const { promised, floors } = introduced
      this.#parts.repair.takeFrom(member, partitions, (isComplete) => end(isComplete, promised, floors))
    })
  }

  #onCompared(member: number, partition: number, promised: Version, floors: readonly Floor[]): void {
    const waiting = this.#waiting.get(partition)
    if (waiting === undefined) return
    waiting.promised = higher(waiting.promised, promised)
    waiting.floors.push(...floors.filter((floor) => floor.partition === partition))
    waiting.left.delete(member)
    if (waiting.left.size === 0) this.#finish(partition)
  }

  #finish(partition: number): void {
    const { marks, replica, afterSync } = this.#parts
    const waiting = this.#waiting.get(partition)!
    const { membership, promised, floors } = waiting
    if (membership === MEMBERSHIP.joining) marks.note({ kind: 'promise', partition, ballot: promised })
    const marksOfFloors = floors.map((floor) => ({ kind: 'floor', ...floor }) as const)
    for (const mark of marksOfFloors) marks.write(mark)
    const position = marks.note({ kind: 'membership', partition, membership: MEMBERSHIP.voting })
    afterSync(position, () => {
      if (this.#waiting.get(partition) !== waiting) return
      replica.beginIn(partition, promised)
      this.#waiting.delete(partition)
      for (const mark of marksOfFloors) {
        marks.keep(mark)
        replica.releaseIn(partition, mark.leaf)
      }
    })
  }
}
