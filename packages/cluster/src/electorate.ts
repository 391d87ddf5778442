/**
 * Who decides about a key: the members that hold it, and what a majority of them is. While a partition moves
 * there are two sets, and a quorum is a majority of each. Members stand at positions, votes are bits of them.
 */
export class Electorate {
  /** Member numbers; their index is their position. */
  readonly members: readonly number[]
  /** While the partition moves: those that hold it until then. */
  readonly current: readonly number[]
  /** Those that hold it from then on; where it does not move, the same. */
  readonly next: readonly number[]
  /** Some of them are in another region than we are: their answers take longer. */
  readonly isFar: boolean
  readonly #sets: readonly VotingSet[]

  constructor(members: readonly number[], next: readonly number[] | null = null, isFar = false) {
    const all = next === null ? members : [...members, ...next.filter((one) => !members.includes(one))]
    this.members = all
    this.current = members
    this.next = next ?? members
    this.isFar = isFar
    const setOf = (some: readonly number[]): VotingSet => ({
      mask: some.reduce((bits, one) => bits | (1 << all.indexOf(one)), 0),
      spare: Math.ceil(some.length / 2) - 1,
    })
    this.#sets = next === null ? [setOf(members)] : [setOf(members), setOf(next)]
  }

  get isJoint(): boolean {
    return this.#sets.length > 1
  }

  /** The bits of all. */
  get everybody(): number {
    return (1 << this.members.length) - 1
  }

  positionOf(member: number): number {
    return this.members.indexOf(member)
  }

  isQuorum(bits: number): boolean {
    for (const { mask, spare } of this.#sets) if (countBits(mask & ~bits) > spare) return false
    return true
  }

  /**
   * Whether without these nothing can have been chosen up to now. While a partition moves that is for the old
   * set to say: until the move began, its majority was enough.
   */
  rulesOut(bits: number): boolean {
    const { mask, spare } = this.#sets[0]!
    return countBits(mask & bits) > spare
  }

  /** Whether no quorum is possible without these. */
  isBlocking(bits: number): boolean {
    for (const { mask, spare } of this.#sets) if (countBits(mask & bits) > spare) return true
    return false
  }
}

interface VotingSet {
  readonly mask: number
  /** How many may be missing from a majority. */
  readonly spare: number
}

function countBits(bits: number): number {
  let count = 0
  for (let rest = bits; rest !== 0; rest &= rest - 1) count += 1
  return count
}
