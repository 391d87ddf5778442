/**
 * How patient members are, and from how many they copy at once: as the core has it by itself, as
 * `minivault-node` has it, and in between. Drawn beside the plan, whose own luck stays what it was.
 */
import { mix, Random } from '../random.ts'
import type { Plan } from './plan.ts'

/** Of a write before a round settles it; the node's is 1,000. */
const WRITE_PATIENCES_MS = [0, 0, 100, 1000]
/** Of members, when a partition is copied; the node's is 1. */
const COPIES_AT_ONCE = [1, 1, 3]

export function withPatience(plan: Plan): Plan {
  const random = new Random(mix(plan.seed, 4))
  const writePatienceMs = random.of(WRITE_PATIENCES_MS)
  const copiesAtOnce = random.of(COPIES_AT_ONCE)
  return { ...plan, setup: { ...plan.setup, writePatienceMs, copiesAtOnce } }
}
