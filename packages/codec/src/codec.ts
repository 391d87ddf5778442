/** How a stored or sent value is compressed. The numbers stand on disk. */
export const CODEC = { none: 0, zstd: 1, lz4: 2 } as const

export type Codec = 0 | 1 | 2
