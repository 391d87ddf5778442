/** By member: three each, one each, or regions that come, grow and go. */
export const REGIONS: readonly { readonly of: readonly number[]; readonly members: number }[] = [
  { of: [0, 0, 0, 1, 1, 1], members: 6 },
  { of: [0, 0, 0, 1, 1, 1, 2, 2], members: 8 },
  { of: [0, 0, 0, 1, 1, 1, 0, 1], members: 6 },
  { of: [0, 0, 0, 1, 1, 1], members: 3 },
  { of: [0, 1, 2], members: 3 },
]
