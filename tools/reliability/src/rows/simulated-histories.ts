/**
 * Row 1: whole histories of a cluster, each from one seed that draws its own crashes, power cuts, lost disks,
 * partitions, clocks, loss, duplicates, reorder and changes of layout. The real core runs in them; network,
 * disk and clock are simulated.
 */
import { FAULTS, type Fault, missing } from '@minivault/simulator'
import { faultControl } from '../cluster/fault-control.ts'
import { foundBy, histories } from '../cluster/histories.ts'
import { RED_SEEDS } from '../cluster/red-seeds.ts'
import type { Context, Findings, Row } from '../row.ts'

/** Below so many histories a rare state may be missing by chance. */
const COVERED_MIN = 300

/** Of the others `smoke` knows nothing. */
function isKnown({ name, scenario, keptPlan }: Fault): boolean {
  return scenario !== undefined || keptPlan !== undefined || Object.hasOwn(RED_SEEDS, name)
}

async function judged(context: Context, cases: number): Promise<Findings> {
  const tally = await histories(context, cases)
  const { runs, acknowledged, operations, writes, writesInDoubt, undecided, unequal, searched } = tally
  const unreached = runs < COVERED_MIN ? [] : missing(tally.coverage)
  const failures = [
    ...foundBy(tally, (judge) => judge !== 'convergence'),
    ...unreached.map((state) => `never reached: ${state}`),
    ...(undecided > 0 ? [`undecided: ${undecided} of ${searched} keys that were searched`] : []),
    ...(unequal > 0 ? [`${unequal} seeds gave two different runs`] : []),
  ]
  const doubt = ((100 * writesInDoubt) / writes).toFixed(1)
  const unknown = FAULTS.filter((fault) => !isKnown(fault)).map(({ name }) => name)
  const measured =
    `${acknowledged} of ${operations} operations acknowledged, ${doubt} % of writes in doubt; ` +
    `faults that no known seed shows, hunted in ci alone: ${unknown.join(', ') || 'none'}`
  return { n: runs, failures, measured }
}

export const simulatedHistoriesRow: Row = {
  number: 1,
  claim: 'simulated cluster histories: 0 acknowledged writes lost, strictly linearizable, none undecided',
  cases: { smoke: 500, ci: 5000, long: 500_000 },
  run: judged,
  controls: FAULTS.map(faultControl),
}
