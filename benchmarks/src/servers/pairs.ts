/** Levels that keep the same promise: what a killed process loses, and what a power cut loses. */
import type { NodeDurability } from './minivault-server.ts'
import type { RedisDurability } from './redis-server.ts'

export const PAIRS: readonly (readonly [NodeDurability, RedisDurability])[] = [
  ['memory', 'no AOF'],
  ['os', 'AOF everysec'],
  ['fsync', 'AOF always'],
]
