/** How steadily something grows: robust against single samples that are far off. */

export interface Point {
  readonly atMs: number
  readonly value: number
}

/**
 * By how much it grows in `spanMs`, by the median of the slopes between all pairs of points (Theil and Sen):
 * up to 29 of 100 points may be anything.
 */
export function growthOf(points: readonly Point[], spanMs: number): number {
  const slopes: number[] = []
  for (const [index, one] of points.entries()) {
    for (const other of points.slice(index + 1)) {
      if (other.atMs > one.atMs) slopes.push((other.value - one.value) / (other.atMs - one.atMs))
    }
  }
  if (slopes.length === 0) return 0
  slopes.sort((a, b) => a - b)
  const middle = slopes.length >> 1
  const median = slopes.length % 2 === 1 ? slopes[middle]! : (slopes[middle - 1]! + slopes[middle]!) / 2
  return median * spanMs
}
