/**
 * Row 2: the histories of row 1, brought to rest: when nothing fails any more and members have compared what
 * they hold, all replicas of a key hold the same, tombstones too. A share of them again with nobody reading
 * after the last fault, so that it is the comparison alone that makes them equal.
 */
import * as cluster from '@minivault/cluster'
import {
  type ClusterPackage,
  drawPlan,
  type Fault,
  type Plan,
  runPlan,
  type Violation,
} from '@minivault/simulator'
import { control } from '../cluster/fault-control.ts'
import { foundBy, histories } from '../cluster/histories.ts'
import { unseen } from '../cluster/unseen.ts'
import type { Context, Control, Findings, Row } from '../row.ts'

const NO_REPAIR: Fault = {
  name: 'no-repair',
  what: 'members that compare bring each other nothing',
  planted: {
    file: 'cluster/src/comparison.ts',
    edits: [['this.#differing = [...reply.partitions]', 'this.#differing = []']],
  },
}

const TOMBSTONES_UNSEEN: Fault = {
  name: 'tombstones-unseen',
  what: 'digests of what is held leave tombstones out',
  planted: {
    file: 'cluster/src/trees.ts',
    edits: [
      ['if (before !== null) this', 'if (before !== null && before.value !== null) this'],
      ['if (after !== null) this', 'if (after !== null && after.value !== null) this'],
    ],
  },
}

/** Of the seeds one in so many runs again, unseen. */
const UNSEEN_EVERY = 10

function restControl(fault: Fault): Control {
  const look = { planOf: (seed: number) => drawPlan(seed), violationsOf: differencesUnseen }
  return control(`${fault.name}: ${fault.what}`, fault, look)
}

function differencesUnseen(plan: Plan, of: ClusterPackage): readonly Violation[] {
  const { cluster: quiet, observer } = unseen(of)
  const { violations } = runPlan(plan, quiet, { observers: [observer] })
  return violations.filter(({ judge }) => judge === 'convergence' || judge === 'rest')
}

async function atRest(context: Context, cases: number): Promise<Findings> {
  const tally = await histories(context, cases)
  const failures = foundBy(tally, (judge) => judge === 'convergence' || judge === 'rest')
  let unseenRuns = 0
  for (let seed = context.seed; seed < context.seed + cases; seed += UNSEEN_EVERY) {
    const [first] = differencesUnseen(drawPlan(seed), cluster)
    if (first !== undefined) failures.push(`seed ${seed}, unseen: key ${first.key}: ${first.why}`)
    unseenRuns += 1
  }
  return { n: tally.runs, failures, measured: `${unseenRuns} of them again with nobody reading at the end` }
}

export const simulatedRestRow: Row = {
  number: 2,
  claim: 'the same histories at rest: all replicas hold the same, byte for byte, tombstones too',
  cases: { smoke: 500, ci: 5000, long: 500_000 },
  run: atRest,
  controls: [NO_REPAIR, TOMBSTONES_UNSEEN].map(restControl),
}
