/** What a client is told to be there; zero: nothing. */

import type { Version } from '@minivault/clock'
import { type HeldRecord, ZERO } from '@minivault/cluster'

export function versionThere({ value, version }: HeldRecord): Version {
  return value === null ? ZERO : version
}
