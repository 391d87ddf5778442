/** Every fault, in the order of the table. */
import { COORDINATOR_FAULTS } from './coordinator-faults.ts'
import type { Fault } from './fault.ts'
import { LAYOUT_FAULTS } from './layout-faults.ts'
import { MASTER_FAULTS } from './master-faults.ts'
import { MEMBERSHIP_FAULTS } from './membership-faults.ts'
import { REGION_FAULTS } from './region-faults.ts'
import { RELEASE_FAULTS } from './release-faults.ts'
import { REPAIR_FAULTS } from './repair-faults.ts'
import { REPLICA_FAULTS } from './replica-faults.ts'
import { WIRE_FAULTS } from './wire-faults.ts'

export const FAULTS: readonly Fault[] = [
  ...REPLICA_FAULTS,
  ...COORDINATOR_FAULTS,
  ...REPAIR_FAULTS,
  ...RELEASE_FAULTS,
  ...MEMBERSHIP_FAULTS,
  ...LAYOUT_FAULTS,
  ...REGION_FAULTS,
  ...MASTER_FAULTS,
  ...WIRE_FAULTS,
]
