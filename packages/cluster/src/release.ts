/**
 * Ends the tombstones of a leaf up to a ballot F, led by one of its replicas. All of them have to be there:
 *
 *   compare  so that little differs
 *   fence    ──▶ each promises F for every key of the leaf, and tells what it holds up to there. From then on
 *                that can only become less. Where they differ, compare: what is brought to the others gets a
 *                ballot above F on its way
 *   release  ──▶ all the same: each writes F down as its floor, and lets go
 *
 * Regions make no difference: all replicas of all of them. Both in one phase of the layout: in another one
 * the replicas are others, and need not be equal.
 *
 * Given up at any point, it is begun again with another F. A floor that only some have written down comes to
 * the others with the next comparison: that it exists anywhere says that all held the same.
 */
import { Electorate } from './electorate.ts'
import type { Exchange } from './exchange.ts'
import type { Exchanges } from './exchanges.ts'
import type { Limits } from './limits.ts'
import type { Floor } from './marks.ts'
import { MESSAGE, type RepairReply, type Reply } from './messages.ts'
import type { Placement } from './ports.ts'
import type { Repair } from './repair.ts'

/** Of one exchange, whose answers are bits. */
const GROUP_MAX = 16

export interface ReleaseParts {
  readonly repair: Repair
  readonly exchanges: Exchanges
  readonly placement: Placement
  readonly limits: Limits
  readonly self: number
}

export class Release {
  readonly #parts: ReleaseParts
  readonly #floor: Floor
  readonly #onOver: (isReleased: boolean) => void
  #exchange!: Exchange
  /** Those that are not asked yet. */
  #rest: Electorate[] = []
  #askedIn = 0
  #tries = 0
  /** The phase of the layout in which all were equal; null: they are not yet known to be. */
  #equalIn: number | null = null
  #answers = 0
  #digests: (Int32Array | null)[] = []

  constructor(parts: ReleaseParts, floor: Floor, onOver: (isReleased: boolean) => void) {
    this.#parts = parts
    this.#floor = floor
    this.#onOver = onOver
  }

  start(): void {
    const { placement, self } = this.#parts
    const members = placement.replicasOf(this.#floor.partition)
    if (!members.includes(self)) return this.#onOver(false)
    this.#compare(members.filter((member) => member !== self))
  }

  #compare([member, ...others]: readonly number[]): void {
    if (member === undefined) return this.#ask()
    this.#parts.repair.compareWith(member, [this.#floor.partition], (isComplete) => {
      if (isComplete) this.#compare(others)
      else this.#onOver(false)
    })
  }

  /** Fences until all are equal; then releases. */
  #ask(): void {
    const { exchanges, placement } = this.#parts
    const isFence = this.#equalIn === null
    if (!isFence && this.#equalIn !== placement.epoch) return this.#onOver(false)
    this.#digests = []
    this.#askedIn = placement.epoch
    this.#rest = this.#groups()
    this.#askGroup(exchanges.openToAll(this.#rest.shift()!, this))
  }

  #askGroup(exchange: Exchange): void {
    const { repair, exchanges } = this.#parts
    this.#answers = 0
    this.#exchange = exchange
    repair.askToEnd(exchange, this.#equalIn === null ? MESSAGE.fence : MESSAGE.release, this.#floor)
    exchanges.wait(repair.patienceMs(exchange.electorate), exchange, 0)
  }

  /** All replicas, of all regions: as many at a time as an exchange can tell apart. */
  #groups(): Electorate[] {
    const { placement } = this.#parts
    const { partition } = this.#floor
    const foreigners = placement.foreignersOf(partition)
    if (foreigners.length === 0) return [placement.electorateOf(partition)]
    const members = placement.replicasOf(partition)
    const groups: Electorate[] = []
    for (let at = 0; at < members.length; at += GROUP_MAX) {
      groups.push(new Electorate(members.slice(at, at + GROUP_MAX), null, true))
    }
    return groups
  }

  onTimer(): void {
    this.#parts.exchanges.close(this.#exchange)
    this.#again(() => this.#ask())
  }

  #again(task: () => void): void {
    this.#tries += 1
    if (this.#tries < this.#parts.limits.compareTriesMax) task()
    else this.#onOver(false)
  }

  onReply(position: number, reply: Reply | RepairReply): void {
    this.#answers |= 1 << position
    if (reply.kind === MESSAGE.fenced) this.#digests.push(reply.digest)
    if (this.#answers !== this.#exchange.electorate.everybody) return
    const { exchanges } = this.#parts
    exchanges.close(this.#exchange)
    const next = this.#rest.shift()
    // In the same lives as those before them.
    if (next !== undefined) return this.#askGroup(exchanges.openToAll(next, this, this.#exchange))
    if (this.#equalIn !== null) return this.#onOver(true)
    if (this.#digests.includes(null)) return this.#onOver(false)
    const areEqual = this.#digests.every((digest) => isSameDigest(digest!, this.#digests[0]!))
    if (!areEqual) return this.#again(() => this.start())
    this.#equalIn = this.#askedIn
    this.#ask()
  }
}

function isSameDigest(a: Int32Array, b: Int32Array): boolean {
  return a[0] === b[0] && a[1] === b[1]
}
