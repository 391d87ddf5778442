/** By member: three each, one each, or regions that come, grow and go. */
export const REGIONS: readonly { readonly of: readonly number[]; readonly members: number }[] = [
  { of: [0, 0, 0, 1, 1, 1], members: 6 },
  { of: [0, 0, 0, 1, 1, 1, 2, 2], members: 8 },
  { of: [0, 0, 0, 1, 1, 1, 0, 1], members: 6 },
  { of: [0, 0, 0, 1, 1, 1], members: 3 },
  { of: [0, 1, 2], members: 3 },
]

/** Regions that may go for good, or come: the first so many members hold the keys at the beginning. */
export const MOVING_REGIONS: typeof REGIONS = [
  { of: [0, 0, 0, 1, 1, 1], members: 6 },
  { of: [0, 0, 0, 1, 1, 1], members: 3 },
  { of: [0, 0, 0, 1, 1, 1, 2, 2, 2], members: 6 },
  { of: [0, 0, 1, 1, 2], members: 4 },
  { of: [0, 1, 2], members: 2 },
]
