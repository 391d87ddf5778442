/**
 * Which segments to merge: a pure function over what is known of them. A segment is worth it when much of it
 * is dead; small ones, as every open leaves one, when there are several. What is chosen must fit one output.
 */

import type { SegmentStats } from './segment-ledger.ts'

export interface MergePolicy {
  /** Share of dead bytes from which a segment is worth rewriting. */
  deadRatioMin: number
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
  const sealed = stats.filter((segment) => segment.sealed && !segment.retired)
  const small = sealed.filter(({ bytes }) => bytes < policy.smallBytes)
  const isCombining = small.length >= policy.smallCountMin
  const worth = sealed.filter((segment) => {
    const dead = deadBytesOf(segment)
    if (segment.liveBytes <= 0) return true
    if (policy.sparesMemory && segment.inMemory) return false
    return (
      (dead > 0 && dead >= segment.bytes * policy.deadRatioMin) || (isCombining && small.includes(segment))
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
