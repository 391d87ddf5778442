/**
 * The rows of the scorecard that can be run today, by number.
 */
import type { Row } from './row.ts'
import { crashStatesRow } from './rows/crash-states.ts'
import { equalsMapRow } from './rows/equals-map.ts'
import { everyCallRow } from './rows/every-call.ts'

export const ROWS: readonly Row[] = [everyCallRow, crashStatesRow, equalsMapRow]
