/**
 * Placement: which members hold each partition. Rendezvous (Thaler and Ravishankar, "Using name-based
 * mappings to increase hit rates", 1998) on a mixed CRC-32, made even and spread over regions and zones; the
 * rule stands in docs/CLUSTER_LAYOUT.md.
 *
 * Plain rendezvous gives each member a share that is off by several per cent, and a cap on top of it makes
 * the order of the partitions matter: members that are full early push the last partitions around at every
 * change. So handicaps come first. They are found in rounds: deal all partitions without a cap, then
 * handicap who got too much and favour who got too little. A few partitions remain for the cap.
 *
 * What a member holds already counts as half the range of a score, which is more than handicaps amount to:
 * so a change moves what must move and hardly anything else. All is integer arithmetic or IEEE division, so
 * that any two nodes find the same.
 */
import { strict as assert } from 'node:assert'
import { crc32 } from './crc32.ts'
import { BALANCING_ROUNDS_MAX } from './limits.ts'
import type { Member } from './member.ts'
import { PARTITIONS } from './partition.ts'
import { type Quotas, quotasFor } from './quotas.ts'

const HELD_BONUS = 2 ** 31
/** Above any score with its bonus. */
const SPREAD_PENALTY = 2 ** 33
/** Half of what moves one partition, where scores are as dense as they get: 2^32 / 1024 / 2. */
const HANDICAP_STEP = 2 ** 21

/**
 * 1,024 rows of `replicas` places in `members`, the preferred first. `members` are sorted and at least
 * `replicas`; `holds` tells which place in them holds what now, and it stays there if it can.
 */
export function placeReplicas(
  members: readonly Member[],
  replicas: number,
  holds?: (partition: number, member: number) => boolean,
): Uint16Array {
  return new Placement(members, replicas, holds).table()
}

class Placement {
  readonly #count: number
  readonly #replicas: number
  readonly #quotas: Quotas
  /** By partition, then member: unsigned 32 bits. */
  readonly #scores: Float64Array
  /** The same with what the members hold. */
  readonly #biased: Float64Array
  readonly #handicaps: Float64Array
  /** Of the row that is being filled. */
  readonly #row: number[] = []
  readonly #inRegion: Uint16Array
  readonly #inZone: Uint16Array
  /** Places of the row that regions must still get. */
  #owed = 0

  constructor(
    members: readonly Member[],
    replicas: number,
    holds?: (partition: number, member: number) => boolean,
  ) {
    this.#count = members.length
    this.#replicas = replicas
    this.#quotas = quotasFor(members, replicas)
    this.#scores = scoresOf(members)
    this.#biased = this.#scores.slice()
    this.#handicaps = new Float64Array(members.length)
    this.#inRegion = new Uint16Array(this.#quotas.regionLimits.length)
    this.#inZone = new Uint16Array(this.#quotas.zoneLimits.length)
    if (holds === undefined) return
    for (let partition = 0; partition < PARTITIONS; partition++) {
      for (let member = 0; member < this.#count; member++) {
        if (holds(partition, member)) this.#biased[partition * this.#count + member]! += HELD_BONUS
      }
    }
  }

  table(): Uint16Array {
    this.#balance()
    const table = new Uint16Array(PARTITIONS * this.#replicas)
    const left = Float64Array.from(this.#quotas.caps)
    for (let partition = 0; partition < PARTITIONS; partition++) {
      for (let above = 0; !this.#fill(partition, left, -above); above++)
        assert(above < PARTITIONS, 'the limits of regions and zones leave too few members')
      for (const member of this.#row) left[member]! -= 1
      table.set(this.#inOrderOfScore(partition), partition * this.#replicas)
    }
    return table
  }

  /** Sets the handicaps to those of the round that came nearest to fair shares. */
  #balance(): void {
    const { fair } = this.#quotas
    const best = this.#handicaps.slice()
    let least = Number.POSITIVE_INFINITY
    for (let round = 0; round < BALANCING_ROUNDS_MAX && least >= 1; round++) {
      const loads = this.#deal()
      const worst = fair.reduce((most, share, i) => Math.max(most, Math.abs(loads[i]! - share)), 0)
      if (worst < least) {
        least = worst
        best.set(this.#handicaps)
      }
      fair.forEach((share, i) => {
        this.#handicaps[i]! += Math.trunc((loads[i]! - share) * HANDICAP_STEP)
      })
    }
    this.#handicaps.set(best)
  }

  /** How many partitions each member gets when nobody is ever full. */
  #deal(): Float64Array {
    const loads = new Float64Array(this.#count)
    const left = new Float64Array(this.#count).fill(PARTITIONS)
    for (let partition = 0; partition < PARTITIONS; partition++) {
      this.#fill(partition, left, 0)
      for (const member of this.#row) loads[member]! += 1
    }
    return loads
  }

  /** Fills the row from members with more than `floor` left; false when there are too few. */
  #fill(partition: number, left: Float64Array, floor: number): boolean {
    this.#row.length = 0
    this.#inRegion.fill(0)
    this.#inZone.fill(0)
    this.#owed = this.#quotas.regionLeasts.reduce((sum, least) => sum + least, 0)
    while (this.#row.length < this.#replicas) {
      const member = this.#best(partition, left, floor)
      if (member < 0) return false
      const region = this.#quotas.regionOf[member]!
      if (this.#inRegion[region]! < this.#quotas.regionLeasts[region]!) this.#owed -= 1
      this.#row.push(member)
      this.#inRegion[region]! += 1
      this.#inZone[this.#quotas.zoneOf[member]!]! += 1
    }
    return true
  }

  /** The best member for the next place of the row, by name where two are equal; -1: none may take it. */
  #best(partition: number, left: Float64Array, floor: number): number {
    const { regionOf, zoneOf, regionLeasts, regionLimits, zoneLimits } = this.#quotas
    const isAllOwed = this.#owed === this.#replicas - this.#row.length
    let best = -1
    let most = Number.NEGATIVE_INFINITY
    for (let member = 0; member < this.#count; member++) {
      const region = regionOf[member]!
      const zone = zoneOf[member]!
      const inRegion = this.#inRegion[region]!
      const inZone = this.#inZone[zone]!
      if (
        left[member]! <= floor ||
        inRegion >= (isAllOwed ? regionLeasts : regionLimits)[region]! ||
        inZone >= zoneLimits[zone]!
      )
        continue
      const score = this.#biased[partition * this.#count + member]! - this.#handicaps[member]!
      const spread = score - (inRegion + inZone) * SPREAD_PENALTY
      if (spread <= most || this.#row.includes(member)) continue
      best = member
      most = spread
    }
    return best
  }

  #inOrderOfScore(partition: number): number[] {
    const score = (member: number): number => this.#scores[partition * this.#count + member]!
    return this.#row.sort((a, b) => score(b) - score(a) || a - b)
  }
}

function scoresOf(members: readonly Member[]): Float64Array {
  const names = members.map(({ name }) => Buffer.from(name))
  const scores = new Float64Array(PARTITIONS * names.length)
  const number = new Uint8Array(2)
  for (let partition = 0; partition < PARTITIONS; partition++) {
    number[0] = partition
    number[1] = partition >>> 8
    const before = crc32(number)
    for (let i = 0; i < names.length; i++)
      scores[partition * names.length + i] = mixed(crc32(names[i]!, before))
  }
  return scores
}

/** The finaliser of MurmurHash3 (Austin Appleby): CRC-32 alone is linear, similar names would go together. */
function mixed(word: number): number {
  let hash = word
  hash = Math.imul(hash ^ (hash >>> 16), 0x85ebca6b)
  hash = Math.imul(hash ^ (hash >>> 13), 0xc2b2ae35)
  return (hash ^ (hash >>> 16)) >>> 0
}
