/**
 * Row 16: three real members on a network that delays, holds, resets and throttles, now and then one of them
 * killed, and clients whose histories the simulator's judges look at. And one member that missed many writes:
 * how soon it has them all.
 */
import { CONSISTENCY, type Consistency } from '@minivault/protocol'
import { burn } from '../nodes/fire.ts'
import { Load } from '../nodes/load.ts'
import { readMany, writeMany } from '../nodes/many-keys.ts'
import { between, SILENT } from '../nodes/network.ts'
import { isHealed, ThreeNodes } from '../nodes/three-nodes.ts'
import type { Context, Findings, Profile, Row } from '../row.ts'

const BURNING_MS: Readonly<Record<Profile, number>> = { smoke: 2000, ci: 5000, long: 5000 }
const CONTROL_CASES_MAX = 4
const DIFFERING: Readonly<Record<Profile, number>> = { smoke: 1000, ci: 10_000, long: 10_000 }
const HEALED_WITHIN_MS = 5000
const HEAL_TIMEOUT_MS = 60_000
/** One case in so many is searched in full, too. */
const SEARCHED_EVERY = 5

interface Counts {
  operations: number
  doubts: number
}

async function oneCase(nodes: ThreeNodes, seed: number, context: Context, consistency?: Consistency) {
  const load = new Load({ nodes, seed, ...(consistency === undefined ? {} : { consistency }) })
  await load.during(() => burn(nodes, seed, BURNING_MS[context.profile]))
  const problems = await load.problems(seed % SEARCHED_EVERY === 0)
  const { operations } = load.history
  const doubts = operations.filter(({ ending, isRead }) => ending === 'doubt' && !isRead).length
  return { problems, operations: operations.length, doubts }
}

/** Null: as it must be. */
async function heals(
  nodes: ThreeNodes,
  { profile }: Context,
): Promise<{ problem: string | null; ms: number }> {
  const away = 2
  const count = DIFFERING[profile]
  nodes.network.trouble(between([away], [0, 1], SILENT))
  const keys = { count, prefix: 'missed' }
  const { length } = await writeMany({ ...keys, port: nodes.portOf(0) })
  if (length < count) return { problem: `${length} of ${count} writes were acknowledged by two`, ms: 0 }
  // Until then they are heard out.
  await nodes.until('what it missed is remembered', HEAL_TIMEOUT_MS, async () => {
    return Number((await nodes.health(0))?.['hints_pending']) >= count
  })
  nodes.network.heal()
  const ms = await nodes.until('what differed is brought', HEAL_TIMEOUT_MS, () => isHealed(nodes))
  await Promise.all([nodes.kill(0), nodes.kill(1)])
  const wrong = await readMany({ ...keys, port: nodes.portOf(away), consistency: CONSISTENCY.one })
  if (wrong.length > 0) return { problem: `${wrong.length} of ${count} keys have not come`, ms }
  const problem = ms > HEALED_WITHIN_MS ? `${count} keys took ${Math.round(ms)} ms` : null
  return { problem, ms }
}

async function run(context: Context, cases: number): Promise<Findings> {
  const nodes = await ThreeNodes.start({ folder: context.folder() })
  const failures: string[] = []
  const counts: Counts = { operations: 0, doubts: 0 }
  try {
    for (let n = 0; n < cases; n++) {
      const seed = context.seed + n
      const { problems, operations, doubts } = await oneCase(nodes, seed, context)
      for (const problem of problems) failures.push(`seed ${seed}: ${problem}`)
      counts.operations += operations
      counts.doubts += doubts
      context.progress(n + 1, cases)
    }
    await nodes.until('what differed is brought', HEAL_TIMEOUT_MS, () => isHealed(nodes))
    const { problem, ms } = await heals(nodes, context)
    if (problem !== null) failures.push(problem)
    const measured =
      `${counts.operations} operations, ${counts.doubts} writes in doubt; ` +
      `${DIFFERING[context.profile]} keys healed in ${Math.round(ms)} ms`
    return { n: cases, failures, measured }
  } finally {
    await nodes.close()
  }
}

async function runAtOne(context: Context): Promise<Findings> {
  const nodes = await ThreeNodes.start({ folder: context.folder() })
  try {
    for (let n = 0; n < CONTROL_CASES_MAX; n++) {
      const seed = context.seed + n
      const { problems } = await oneCase(nodes, seed, context, CONSISTENCY.one)
      if (problems.length > 0) return { n: n + 1, failures: [`seed ${seed}: ${problems[0]}`] }
    }
    return { n: CONTROL_CASES_MAX, failures: [] }
  } finally {
    await nodes.close()
  }
}

export const partitionsRow: Row = {
  number: 16,
  claim: 'real members: random partitions, 0 violations; 10,000 differing keys healed in at most 5 s',
  cases: { smoke: 1, ci: 6, long: 200 },
  run,
  controls: [{ fault: 'clients that ask for consistency `one`', run: runAtOne }],
}
