/** The bytes with a meaning of their own in the Redis protocol. */
export const CR = 0x0d
export const LF = 0x0a
export const STAR = 0x2a
export const DOLLAR = 0x24
export const MINUS = 0x2d
export const ZERO = 0x30
