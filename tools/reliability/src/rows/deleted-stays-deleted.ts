/**
 * Row 21: a member is away while the others delete, and while tombstones are purged; when it is back with
 * what it held, nothing that was deleted comes back. Simulated, and with real processes.
 */
import * as cluster from '@minivault/cluster'
import {
  type ClusterPackage,
  Coverage,
  drawPlan,
  endOf,
  FAULTS,
  type Item,
  type Plan,
  runPlan,
} from '@minivault/simulator'
import { allViolations, control } from '../cluster/fault-control.ts'
import { type Absence, DeletedKeys, forgettingNode, hurriedNode } from '../nodes/deleted-keys.ts'
import type { Context, Control, Findings, Profile, Row } from '../row.ts'

const AWAY_FROM = 0.3
const AWAY_UNTIL = 0.8
/** When it is back: purges that nothing hinders. */
const LATE_PURGES = 4
const LATE_PURGE_EVERY_MS = 200
/** Of all histories at least one in so many has a purge. */
const DRAWN_PER_CASE = 4

/** One key, deleted and made again and purged all the time; and one replica is away for half of it. */
function planOf(seed: number): Plan {
  const plan = drawPlan(seed, 'releasing')
  const { members: count } = plan.setup
  const endMs = endOf(plan)
  const members = [seed % count]
  const atMs = endMs * AWAY_FROM
  const forMs = endMs * (AWAY_UNTIL - AWAY_FROM)
  const away: Item =
    seed % 2 === 0
      ? { kind: 'crash', atMs, members, loss: 'unwritten', forMs }
      : { kind: 'partition', atMs, side: members, isOneWay: false, forMs }
  const late = Array.from({ length: LATE_PURGES }, (_, index): Item => {
    const member = (seed + 1 + index) % count
    return { kind: 'release', atMs: endMs + (index + 1) * LATE_PURGE_EVERY_MS, member, key: 0, agoMs: 0 }
  })
  const items = [...plan.items, away, ...late].sort((a, b) => a.atMs - b.atMs)
  return { ...plan, items }
}

/** Of real members; three processes take too long for `smoke`. */
const REAL_CASES: Readonly<Record<Profile, number>> = { smoke: 0, ci: 2, long: 10 }
const ABSENCES: readonly Absence[] = ['dead', 'cut off']

function simulate(context: Context, cases: number, broken: ClusterPackage): Findings {
  const failures: string[] = []
  let n = 0
  let floors = 0
  let drawn = 0
  for (; n < cases && drawn < cases * DRAWN_PER_CASE; drawn++) {
    const seed = context.seed + drawn
    const coverage = new Coverage()
    const { violations } = runPlan(planOf(seed), broken, { observers: [coverage] })
    const [first] = violations
    if (first !== undefined) failures.push(`seed ${seed}: ${first.judge}, key ${first.key}: ${first.why}`)
    const written = coverage.counts['floor written down'] ?? 0
    if (written === 0) continue
    n += 1
    floors += written
    context.progress(n, cases)
  }
  return { n, failures, measured: `${floors} floors written down in ${n} of ${drawn} histories` }
}

async function real(context: Context): Promise<string[]> {
  const cases = REAL_CASES[context.profile]
  if (cases === 0) return []
  const main = await hurriedNode(context.folder())
  const failures: string[] = []
  for (let n = 0; n < cases; n++) {
    const absence = ABSENCES[n % ABSENCES.length]!
    const keys = await DeletedKeys.start(context.folder(), main, absence)
    try {
      const problem = (await keys.comesBack()) ?? (await keys.staysSo())
      if (problem !== null) failures.push(`real, ${absence}: ${problem}`)
    } finally {
      await keys.close()
    }
  }
  return failures
}

async function forget(context: Context): Promise<Findings> {
  const main = await forgettingNode(context.folder())
  const keys = await DeletedKeys.start(context.folder(), main, 'dead')
  try {
    const problem = await keys.comesBack()
    return { n: 1, failures: problem === null ? [] : [problem] }
  } finally {
    await keys.close()
  }
}

function purgeControl(name: string): Control {
  const fault = FAULTS.find((one) => one.name === name)
  if (fault === undefined) throw new Error(`no fault is called ${name}`)
  const away = { ...fault, name: `${name}, away` }
  return control(`${name}: ${fault.what}`, away, { planOf, violationsOf: allViolations })
}

export const deletedStaysDeletedRow: Row = {
  number: 21,
  claim:
    'a deleted key stays deleted while a member is away through the purge: simulated; real in ci and long',
  cases: { smoke: 60, ci: 600, long: 20_000 },
  async run(context, cases) {
    const { failures, n, measured } = simulate(context, cases, cluster)
    failures.push(...(await real(context)))
    const also = REAL_CASES[context.profile] === 0 ? '' : `; ${REAL_CASES[context.profile]} real absences`
    return { n, failures, measured: `${measured}${also}` }
  },
  controls: [
    ...['tombstone-without-floor', 'released-by-majority'].map(purgeControl),
    {
      fault: 'real members that let go of what is old, whoever is away',
      profiles: ['ci', 'long'],
      run: forget,
    },
  ],
}
