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
 *
 * Who arrives by a change of layout, and has forgotten nothing, needs a majority of those that hold the
 * partition until then, and not all (docs/CLUSTER.md, "When the layout changes").
 */
import type { Version } from '@minivault/clock'
import type { Take } from './comparison.ts'
import type { Limits } from './limits.ts'
import { type Floor, type Life, lifeAbove, lifeIn, type Marks, MEMBERSHIP, type Membership } from './marks.ts'
import type { Introduced } from './messages.ts'
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

/** A partition in which we do not know enough yet. */
interface Waiting {
  /** Voting: it is about to have fewer replicas, and we stay one of them. */
  readonly membership: Membership
  /** Those that have not been compared with, or do not count for others. */
  readonly left: Set<number>
  /** Those that have not been compared with. */
  readonly unheard: Set<number>
  /** Who is to be compared with. */
  readonly groups: readonly Group[]
  promised: Version
  readonly floors: Floor[]
}

/** With so many of its members we need not be compared. */
interface Group {
  readonly members: readonly number[]
  readonly spare: number
}

export class Rejoining {
  readonly #parts: RejoiningParts
  readonly #waiting = new Map<number, Waiting>()
  /** Those that we are comparing with. */
  readonly #underWay = new Set<number>()
  /** By partition, from how many we are taking what they hold. */
  readonly #taking = new Map<number, number>()
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
      const electorate = placement.electorateOf(partition)
      if (electorate.positionOf(self) < 0) {
        // By a layout that went with the disk it may have been ours.
        if (began === MEMBERSHIP.joining) this.#note(partition, began)
        continue
      }
      const written = marks.membershipOf(partition) ?? MEMBERSHIP.voting
      const isHeldByUs = electorate.current.includes(self)
      // One of those that hold it anyway: they may all be new, and then nobody votes before he has compared.
      const known = began === MEMBERSHIP.arriving && isHeldByUs ? MEMBERSHIP.joining : began
      const membership = Math.max(known, written) as Membership
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

  /** These are about to have fewer replicas, and we stay one: see `Waiting`. */
  catchUp(partitions: readonly number[]): void {
    for (const partition of partitions) {
      if (!this.#waiting.has(partition)) this.#wait(partition, MEMBERSHIP.voting)
    }
  }

  /** We go by another layout: others hold what we wait for. */
  onLayout(): void {
    const { marks, placement, self } = this.#parts
    for (let partition = 0; partition < placement.partitionCount; partition++) {
      const waiting = this.#waiting.get(partition)
      const isOurs = placement.electorateOf(partition).positionOf(self) >= 0
      const written = marks.membershipOf(partition) ?? MEMBERSHIP.voting
      if (!isOurs || waiting?.membership === MEMBERSHIP.voting) this.#waiting.delete(partition)
      else if (written === MEMBERSHIP.arriving || written === MEMBERSHIP.joining)
        this.#wait(partition, written)
      else if (waiting !== undefined) this.#wait(partition, waiting.membership)
    }
  }

  #note(partition: number, membership: Membership): void {
    const { marks } = this.#parts
    if (marks.membershipOf(partition) === membership) return
    marks.note({ kind: 'membership', partition, membership })
  }

  #wait(partition: number, membership: Membership): void {
    if (membership !== MEMBERSHIP.voting) this.#note(partition, membership)
    const groups = this.#groupsOf(partition, membership)
    const left = new Set(groups.flatMap(({ members }) => members))
    const waiting = { membership, left, unheard: new Set(left), groups, promised: ZERO, floors: [] }
    this.#waiting.set(partition, waiting)
    if (isEnough(waiting)) this.#finish(partition)
  }

  #groupsOf(partition: number, membership: Membership): Group[] {
    const { placement, self } = this.#parts
    const { members, current, next } = placement.electorateOf(partition)
    const others = (some: readonly number[]) => some.filter((member) => member !== self)
    const isForgetful = needsAll(membership)
    if (isForgetful && !this.#isNewIn(partition)) return this.#groupsToRemember(partition, others(members))
    // What can have been chosen without us a majority of those knows that hold it until now.
    const isVoting = membership === MEMBERSHIP.voting
    const majority = Math.floor(current.length / 2) + (isVoting ? 0 : 1)
    const groups = [this.#someOf(current, majority)]
    const home = placement.homeElectorateOf(partition)
    const comesHome = home.next.includes(self) && !home.current.includes(self)
    if (isVoting && comesHome) groups.push(this.#someOf(home.current, (home.current.length >> 1) + 1))
    // And that the next phase has not begun, in which more was chosen with us, is for all of those to say.
    if (isForgetful) groups.push({ members: others(next), spare: 0 })
    return groups
  }

  /** With so many of them we are to be compared. */
  #someOf(members: readonly number[], needed: number): Group {
    const others = members.filter((member) => member !== this.#parts.self)
    return { members: others, spare: Math.max(0, others.length - needed) }
  }

  /** Whoever is alone in its region knows nothing without the other regions: what one of them has. */
  #groupsToRemember(partition: number, others: readonly number[]): Group[] {
    const foreigners = this.#parts.placement.foreignersOf(partition)
    const isAlone = others.length === 0 && foreigners.length > 0
    return [isAlone ? { members: foreigners, spare: foreigners.length - 1 } : { members: others, spare: 0 }]
  }

  /** It moves to us, by the layout that we know. */
  #isNewIn(partition: number): boolean {
    const { placement, self } = this.#parts
    return !placement.electorateOf(partition).current.includes(self)
  }

  /** Whether our answers about a partition count. */
  votesIn(partition: number): boolean {
    if (this.#waiting.size > 0) {
      const waiting = this.#waiting.get(partition)
      if (waiting !== undefined && waiting.membership !== MEMBERSHIP.voting) return false
    }
    const { placement, self } = this.#parts
    return placement.electorateOf(partition).positionOf(self) >= 0
  }

  /** Whether we know too little of it still. */
  isWaiting(partition: number): boolean {
    return this.#waiting.has(partition)
  }

  get isOver(): boolean {
    return this.#waiting.size === 0
  }

  /** So many partitions of which we know too little. */
  get left(): number {
    return this.#waiting.size
  }

  /** Goes on with everybody with whom something is left to be done. */
  onTick(): void {
    for (const { left } of this.#waiting.values()) for (const member of left) this.#goOn(member)
  }

  /**
   * A partition is copied from one member after the other: what the first has brought need not come again.
   */
  #goOn(member: number): void {
    if (this.#underWay.has(member)) return
    const partitions: number[] = []
    let membership: Membership = MEMBERSHIP.voting
    for (const [partition, waiting] of this.#waiting) {
      if (!waiting.left.has(member) || this.#isTaken(partition)) continue
      if (partitions.length === 0) membership = waiting.membership
      if (membership === waiting.membership) partitions.push(partition)
      if (partitions.length === this.#parts.limits.introductionsMax) break
    }
    if (partitions.length === 0) return
    this.#underWay.add(member)
    const life = this.#life
    const { placement, repair } = this.#parts
    const { epoch } = placement
    const end = (counted: readonly number[], { promised, floors }: Introduced) => {
      this.#underWay.delete(member)
      for (const [index, partition] of partitions.entries()) {
        if (counted.includes(partition)) this.#waiting.get(partition)?.left.delete(member)
        this.#onCompared(member, partition, promised[index]!, floors)
      }
      if (counted.length > 0) this.#goOn(member)
    }
    // The next tick tries again.
    const giveUp = () => this.#underWay.delete(member)
    const ask = (then: (introduced: Introduced) => void) => {
      repair.introduce(member, partitions, life, (introduced) => {
        if (introduced !== null) this.hear(introduced.lives)
        if (introduced === null || this.#life !== life || placement.epoch !== epoch) giveUp()
        else then(introduced)
      })
    }
    ask((before) => {
      if (partitions.some((partition) => this.#isTaken(partition))) {
        giveUp()
        return this.#goOn(member)
      }
      this.#count(partitions, 1)
      repair.takeFrom(member, partitions, this.#takeAs(member, membership), (isComplete) => {
        this.#count(partitions, -1)
        if (!isComplete || this.#life !== life || placement.epoch !== epoch) return giveUp()
        const isOneOfMany = (partition: number) => this.#isOneOfMany(member, partition, membership)
        if (!partitions.some(isOneOfMany)) return end(partitions, before)
        ask((after) => {
          const isOther = lifeIn(before.lives, member) !== lifeIn(after.lives, member)
          if (isOther) return void giveUp()
          const counts = (partition: number, index: number) => {
            return !isOneOfMany(partition) || votedAll(index, before, after)
          }
          end(partitions.filter(counts), before)
        })
      })
    })
  }

  /** From as many as there may be. */
  #isTaken(partition: number): boolean {
    return (this.#taking.get(partition) ?? 0) >= this.#parts.limits.copiesAtOnce
  }

  #count(partitions: readonly number[], more: number): void {
    for (const partition of partitions) this.#taking.set(partition, (this.#taking.get(partition) ?? 0) + more)
  }

  /** Whether it stands for others that are not heard, and so has to vote all the time. */
  #isOneOfMany(member: number, partition: number, membership: Membership): boolean {
    if (!needsAll(membership)) return true
    const { current } = this.#parts.placement.electorateOf(partition)
    return this.#isNewIn(partition) && current.includes(member)
  }

  #takeAs(member: number, membership: Membership): Take {
    const { repair } = this.#parts
    // With enough of the others done we vote, and promise, while the rest is still compared with.
    const isArriving = (partition: number) => {
      return this.#waiting.get(partition)?.membership === MEMBERSHIP.arriving
    }
    if (membership === MEMBERSHIP.arriving) {
      return (key, record) =>
        isArriving(key.partition) ? repair.copy(key, record) : repair.take(key, record)
    }
    if (membership === MEMBERSHIP.voting) {
      return (key, record) => repair.takeBelowPromises(member, key, record)
    }
    return (key, record) => repair.take(key, record)
  }

  #onCompared(member: number, partition: number, promised: Version, floors: readonly Floor[]): void {
    const waiting = this.#waiting.get(partition)
    if (waiting === undefined) return
    waiting.promised = higher(waiting.promised, promised)
    waiting.floors.push(...floors.filter((floor) => floor.partition === partition))
    waiting.unheard.delete(member)
    if (isEnough(waiting)) this.#finish(partition)
  }

  #finish(partition: number): void {
    const { marks, replica, afterSync } = this.#parts
    const waiting = this.#waiting.get(partition)!
    const { membership, promised, floors } = waiting
    // Who recovers has its own. Fences are promises, too: what they keep away stays away.
    const adoptsPromise = membership !== MEMBERSHIP.recovering
    if (adoptsPromise) marks.note({ kind: 'promise', partition, ballot: promised })
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

/** All of them know all, whether or not they vote: each has what it had. */
function isEnough({ left, unheard, groups }: Pick<Waiting, 'left' | 'unheard' | 'groups'>): boolean {
  if (unheard.size === 0) return true
  return groups.every(({ members, spare }) => members.filter((member) => left.has(member)).length <= spare)
}

function needsAll(membership: Membership): boolean {
  return membership === MEMBERSHIP.joining || membership === MEMBERSHIP.recovering
}

/** Whether it voted before and after: in one life, then, in between, too. */
function votedAll(index: number, before: Introduced, after: Introduced): boolean {
  return before.votes[index]! && after.votes[index]!
}
