/** How sure an entry must be before it may be acknowledged. */
export const DURABILITY = { memory: 0, os: 1, fsync: 2 } as const
export type Durability = 0 | 1 | 2
