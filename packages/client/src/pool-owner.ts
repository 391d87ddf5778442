/** Whoever has a pool for each of several nodes. */
import type { Request } from './request.ts'

export interface PoolOwner {
  /** A connection was made. `capabilities`: CAPABILITY bits; 0: the documented opcodes. */
  onGreeted(capabilities: number): void
  /** Takes an upload whose node cannot be reached; nothing was taken from its source. */
  onElsewhere(upload: Request): void
}
