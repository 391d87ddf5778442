/**
 * Orders that look random and are the same in every run: keys are asked in them, by the storage and the wire
 * benchmark alike, so that two runs ask the same.
 */
const SEED = 0x2545f491

/** 0 … count - 1 in an order that is random but the same in every run; another seed, another order. */
export function shuffled(count: number, seed = SEED): Int32Array {
  const order = Int32Array.from({ length: count }, (_, index) => index)
  let state = seed
  for (let index = count - 1; index > 0; index--) {
    state ^= state << 13
    state ^= state >>> 17
    state ^= state << 5
    const other = (state >>> 0) % (index + 1)
    const held = order[index]!
    order[index] = order[other]!
    order[other] = held
  }
  return order
}
