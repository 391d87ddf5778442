/*
 * Routing without layouts, which HTTP does not carry: keys are spread evenly.
 */

import type { Routing } from '../routing.ts'

export class HashRouting implements Routing {
  readonly epoch = 0
  readonly replicas = undefined

  adopt(): null {
    return null
  }

  /** FNV-1a */
  lookUp(key: Uint8Array): number {
    let hash = 0x811c9dc5
    for (const byte of key) hash = Math.imul(hash ^ byte, 0x01000193)
    return hash >>> 1
  }
}
