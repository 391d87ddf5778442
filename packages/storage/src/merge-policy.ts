/**
 * Which segments to merge: a pure function over what is known of them. What a merge costs is the live bytes
 * it copies, what it gives is the dead ones; so it waits until enough of the whole log is dead and then takes
 * the segments with the least left in them. (A rule for each segment by itself, "half of it is dead", copies
 * a byte for each byte it frees. Waiting for half of the whole, the oldest of uniformly overwritten segments
 * have a fifth left when their turn comes: Rosenblum and Ousterhout, 1992.)
 *
 * Nearly empty ones go at once, and small ones, as every open leaves one, when there are several. What is
 * chosen must fit one output.
 */

import type { SegmentStats } from './segment-ledger.ts'

export interface MergePolicy {
  /** Share of dead bytes in the whole log from which it is worth merging, the deadest segments first. */
  deadRatioMin: number
  /** Share of dead bytes from which a segment is worth it by itself. */
  emptyRatioMin: number
  /** Segments below this are small, */
  smallBytes: number
  /** and worth combining from so many on. */
  smallCountMin: number
  /**
   * Leave segments whose records are still in memory: they are being read from there, which a merge would
   * end, and overwritten, which makes it cheaper later.
   */
  sparesMemory: boolean
  /** Live bytes of one merge. */
  outputBytesMax: number
}

/** What a segment's own headers take, so that a small one does not look dead. */
const OVERHEAD_BYTES = 256

export function deadBytesOf({ bytes, liveBytes }: SegmentStats): number {
  return Math.max(0, bytes - liveBytes - OVERHEAD_BYTES)
}

/** The segments' numbers, ascending; none when nothing is worth it. */
export function pickMergeCandidates(stats: readonly SegmentStats[], policy: MergePolicy): number[] {
  const eligible = stats.filter(
    ({ sealed, retired, inMemory, liveBytes }) =>
      sealed && !retired && (liveBytes <= 0 || !inMemory || !policy.sparesMemory),
  )
  const small = eligible.filter(({ bytes }) => bytes < policy.smallBytes)
  const isCombining = small.length >= policy.smallCountMin
  const bytes = eligible.reduce((sum, segment) => sum + segment.bytes, 0)
  const dead = eligible.reduce((sum, segment) => sum + deadBytesOf(segment), 0)
  const isMuchDead = dead >= bytes * policy.deadRatioMin
  const worth = eligible.filter((segment) => {
    const ratio = deadBytesOf(segment) / segment.bytes
    return (
      segment.liveBytes <= 0 ||
      ratio >= policy.emptyRatioMin ||
      (isMuchDead && ratio > 0 && ratio >= policy.deadRatioMin / 2) ||
      (isCombining && small.includes(segment))
    )
  })
  worth.sort((a, b) => deadBytesOf(b) / b.bytes - deadBytesOf(a) / a.bytes)
  const picked: number[] = []
  let live = 0
  for (const segment of worth) {
    if (live + segment.liveBytes > policy.outputBytesMax && picked.length > 0) continue
    live += segment.liveBytes
    picked.push(segment.segment)
  }
  return picked.sort((a, b) => a - b)
}
