/** What a core tells of itself and of the others, for health. */
import type { PeerStatus } from './upkeep.ts'

export interface CoreStatus {
  readonly peers: readonly PeerStatus[]
  /** Whether some partition still waits for its vote. */
  readonly isComingBack: boolean
  /** So many partitions of ours are not known well enough yet. */
  readonly partitionsLeft: number
  /** While the layout changes: those that are not ready, as far as we have heard. */
  readonly awaited: readonly number[]
  /** So many writes are held by enough, and not answered by all: what these miss is not known yet. */
  readonly hearingOut: number
}
