/**
 * Ends what was deleted, or had expired, long ago: leaf after leaf of the partitions that this member holds
 * first, all the time and a little at a time. Where a leaf has something old the core lets all its replicas
 * agree that it is gone; until all of them are there nothing happens, and it is tried in the next round.
 */
import { Version } from '@minivault/clock'
import { endsAtMs, type NodeCore, type Placement, type ReplicaStore } from '@minivault/cluster'
import { READ_A_TICK, SWEPT_A_TICK, TOMBSTONE_AGE_MS } from '../limits.ts'
import { LEAVES } from './member-key.ts'

export interface SweepParts {
  readonly core: Pick<NodeCore, 'releaseLeaf' | 'endings'>
  readonly replica: Pick<ReplicaStore, 'keysIn' | 'find'>
  readonly placement: Placement
  readonly self: number
  readonly wallMs: () => number
}

export class TombstoneSweep {
  readonly #parts: SweepParts
  #partition = 0
  #leaf = 0
  #isReleasing = false

  constructor(parts: SweepParts) {
    this.#parts = parts
  }

  onTick(): void {
    const { placement } = this.#parts
    let swept = 0
    let read = 0
    // At most all partitions: a member may be the first of none.
    for (let n = 0; n < placement.partitionCount; n++) {
      for (; this.#isOurs() && this.#leaf < LEAVES; this.#leaf++) {
        if (this.#isReleasing || swept >= SWEPT_A_TICK || read >= READ_A_TICK) return
        swept += 1
        read += this.#look()
      }
      this.#leaf = 0
      this.#partition = (this.#partition + 1) % placement.partitionCount
    }
  }

  #isOurs(): boolean {
    const { placement, self } = this.#parts
    // One of all regions.
    return placement.homeElectorateOf(this.#partition).members[0] === self
  }

  /** Returns how many keys it had to look at. */
  #look(): number {
    const leaf = this.#leaf
    const { core, replica, wallMs } = this.#parts
    const upToMs = Math.max(0, wallMs() - TOMBSTONE_AGE_MS)
    if (core.endings.earliestMs(this.#partition, leaf) >= upToMs) return 0
    let keys = 0
    let earliestMs = Number.POSITIVE_INFINITY
    for (const key of replica.keysIn(this.#partition, leaf)) {
      keys += 1
      const { record } = replica.find(key)
      if (record === null) continue
      const { ballot, value, expiresAtMs } = record
      earliestMs = Math.min(earliestMs, endsAtMs(ballot.wallMs, value === null, expiresAtMs))
    }
    core.endings.set(this.#partition, leaf, earliestMs)
    if (earliestMs < upToMs) {
      this.#isReleasing = true
      core.releaseLeaf(this.#partition, leaf, Version.of(upToMs, 0, 0), () => {
        this.#isReleasing = false
      })
    }
    return keys
  }
}
