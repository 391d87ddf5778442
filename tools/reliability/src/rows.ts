/**
 * The rows of the scorecard that can be run today, by number.
 */
import type { Row } from './row.ts'
import { crashStatesRow } from './rows/crash-states.ts'
import { damageRow } from './rows/damage.ts'
import { equalsMapRow } from './rows/equals-map.ts'
import { everyCallRow } from './rows/every-call.ts'
import { foreignFormatRow } from './rows/foreign-format.ts'

export const ROWS: readonly Row[] = [everyCallRow, crashStatesRow, damageRow, foreignFormatRow, equalsMapRow]
