/**
 * Whether this node's own clock is off, by what the other members' clocks show: further than `maxOffsetMs`
 * from most of them. Then it stamps nothing: what it stamped would be refused, or make others late.
 */

/** Of an even count the one nearer to zero: half of the others are no reason to doubt oneself. */
export function median(offsetsMs: readonly number[]): number {
  if (offsetsMs.length === 0) return 0
  const sorted = [...offsetsMs].sort((a, b) => a - b)
  const upper = sorted[Math.floor(sorted.length / 2)]!
  const lower = sorted[Math.floor((sorted.length - 1) / 2)]!
  return Math.abs(lower) < Math.abs(upper) ? lower : upper
}

export function isOff(offsetsMs: readonly number[], maxOffsetMs: number): boolean {
  return Math.abs(median(offsetsMs)) > maxOffsetMs
}
