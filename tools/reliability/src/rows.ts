/**
 * The rows of the scorecard that can be run today, by number.
 */
import type { Row } from './row.ts'
import { announcedSizesRow } from './rows/announced-sizes.ts'
import { anyKeyRow } from './rows/any-key.ts'
import { crashStatesRow } from './rows/crash-states.ts'
import { damageRow } from './rows/damage.ts'
import { dataFormatsRow } from './rows/data-formats.ts'
import { deletedStaysDeletedRow } from './rows/deleted-stays-deleted.ts'
import { diskFullRow } from './rows/disk-full.ts'
import { equalsMapRow } from './rows/equals-map.ts'
import { everyCallRow } from './rows/every-call.ts'
import { failedSyncRow } from './rows/failed-sync.ts'
import { frozenMemberRow } from './rows/frozen-member.ts'
import { idleConnectionsRow } from './rows/idle-connections.ts'
import { killRow } from './rows/kill.ts'
import { lostDiskRow } from './rows/lost-disk.ts'
import { malformedRow } from './rows/malformed.ts'
import { partitionsRow } from './rows/partitions.ts'
import { powerCutRow } from './rows/power-cut.ts'
import { regionsRow } from './rows/regions.ts'
import { rollingRestartRow } from './rows/rolling-restart.ts'
import { simulatedHistoriesRow } from './rows/simulated-histories.ts'
import { simulatedRestRow } from './rows/simulated-rest.ts'
import { slowClientsRow } from './rows/slow-clients.ts'
import { soakRow } from './rows/soak.ts'
import { strangersRow } from './rows/strangers.ts'
import { wrongClocksRow } from './rows/wrong-clocks.ts'

export const ROWS: readonly Row[] = [
  simulatedHistoriesRow,
  simulatedRestRow,
  killRow,
  everyCallRow,
  powerCutRow,
  crashStatesRow,
  damageRow,
  diskFullRow,
  failedSyncRow,
  malformedRow,
  announcedSizesRow,
  idleConnectionsRow,
  slowClientsRow,
  strangersRow,
  anyKeyRow,
  partitionsRow,
  wrongClocksRow,
  frozenMemberRow,
  rollingRestartRow,
  lostDiskRow,
  deletedStaysDeletedRow,
  dataFormatsRow,
  equalsMapRow,
  soakRow,
  regionsRow,
]
