/*
 * Which nodes have a key, as far as a client knows.
 */

import type { LayoutMember } from './client-events.ts'

export interface Routing {
  /** of the layout that is known; 0: none is */
  readonly epoch: number
  /** of the key looked up last: places among the members, the likeliest first; undefined: without a layout */
  readonly replicas: Uint16Array | undefined
  /** Takes a layout and gives its members; null: it is no newer, or cannot be read or followed. */
  adopt(bytes: Uint8Array): readonly LayoutMember[] | null
  /** At least 0, the same for a key each time: spreads keys over nodes of which no more is known. */
  lookUp(key: Uint8Array): number
}
