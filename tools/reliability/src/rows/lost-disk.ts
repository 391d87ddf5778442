/**
 * Row 20: a real member is gone for good: its disk comes back empty under its own name, or a new member
 * under another name is put in its place by the operator. When the cluster says that this is done, another
 * member is lost, and then the last of the old ones. Everything that was ever acknowledged is still there.
 */
import { CONSISTENCY } from '@minivault/protocol'
import { FAULTS } from '@minivault/simulator'
import { type ManyKeys, readMany, writeMany } from '../nodes/many-keys.ts'
import { between, RESET, SILENT } from '../nodes/network.ts'
import { SPARE, ThreeNodes } from '../nodes/three-nodes.ts'
import { plantedNode } from '../planted-source.ts'
import type { Context, Findings, Profile, Row } from '../row.ts'

const KEYS: Readonly<Record<Profile, number>> = { smoke: 1000, ci: 20_000, long: 20_000 }
const VALUE_BYTES = 1024
const JOINED_WITHIN_MS = 120_000
const CONTROL_KEYS = 100
const CONTROL_REPLACED_KEYS = 2000
/** One key in so many is read by a quorum when another one is lost; all at the last one alone. */
const READ_EVERY = 10

/** How the lost one is made good. Resolves when the cluster says that it is: who has everything now. */
type Repair = (nodes: ThreeNodes, lost: number) => Promise<number>

interface Way {
  readonly what: string
  readonly repair: Repair
}

const WAYS: readonly Way[] = [
  { what: 'an empty disk', repair: startEmpty },
  { what: 'a new member', repair: replace },
]

async function startEmpty(nodes: ThreeNodes, lost: number): Promise<number> {
  await nodes.start(lost)
  await nodes.until('the empty member votes', JOINED_WITHIN_MS, async () => {
    const health = await nodes.health(lost)
    return health?.['votes'] === true && health['keys_differing'] === 0 && health['hints_pending'] === 0
  })
  return lost
}

/** As docs/ADMIN.md says. */
async function replace(nodes: ThreeNodes, lost: number): Promise<number> {
  await nodes.launch(SPARE)
  await nodes.until('the new one says what it waits for', JOINED_WITHIN_MS, async () => {
    return /is not a member/.test(`${(await nodes.health(SPARE))?.['waiting']}`)
  })
  const asked = (lost + 1) % 3
  const [add, remove] = [[{ name: nodes.network.nameOf(SPARE) }], [nodes.network.nameOf(lost)]]
  const { toEpoch } = await nodes.layout(asked, { add, remove })
  await nodes.until('the layout is settled', JOINED_WITHIN_MS, async () => {
    const { epoch, phase } = await nodes.layout(asked)
    return epoch === toEpoch && phase === 'settled'
  })
  return SPARE
}

interface Found {
  readonly lost: string[]
  readonly megabytesPerSecond: number
}

interface Loss {
  readonly way: Way
  readonly count: number
  /** A copy with a fault in it. */
  readonly main?: string
}

async function loseAll(context: Context, n: number, { way, count, main }: Loss): Promise<Found> {
  const { what, repair } = way
  const [lost, dead, left] = [n % 3, (n + 1) % 3, (n + 2) % 3] as [number, number, number]
  const nodes = await ThreeNodes.start({ folder: context.folder(), main })
  try {
    const keys = { count, prefix: `lost ${n}`, valueBytes: VALUE_BYTES }
    const written = await writeMany({ ...keys, port: nodes.portOf(dead) })
    if (written.length < keys.count) throw new Error(`${written.length} of ${keys.count} writes acknowledged`)
    await nodes.kill(lost)
    nodes.wipe(lost)
    const startedMs = performance.now()
    const whole = await repair(nodes, lost)
    const seconds = (performance.now() - startedMs) / 1000
    await nodes.kill(dead)
    nodes.wipe(dead)
    await nodes.until('a quorum is seen', JOINED_WITHIN_MS, () => nodes.isReady(left))
    // What a new member has copied is written back to it when it is read first, which takes its time.
    const some = { ...keys, count: keys.count / READ_EVERY }
    const lines = await missing(nodes, left, some, 'and another one is lost')
    await nodes.kill(left)
    lines.push(...(await missing(nodes, whole, { ...keys, consistency: CONSISTENCY.one }, 'and is alone')))
    return {
      lost: lines.map((line) => `${what}: ${line}`),
      megabytesPerSecond: (keys.count * VALUE_BYTES) / 1e6 / seconds,
    }
  } finally {
    await nodes.close()
  }
}

async function missing(nodes: ThreeNodes, member: number, keys: Omit<ManyKeys, 'port'>, when: string) {
  const wrong = await readMany({ ...keys, port: nodes.portOf(member) })
  return wrong.length === 0 ? [] : [`${wrong.length} of ${keys.count} acknowledged writes are lost ${when}`]
}

/** What one member alone has acknowledged, at consistency `one`, goes with its disk. */
async function loseTheOnly(context: Context): Promise<Findings> {
  const nodes = await ThreeNodes.start({ folder: context.folder() })
  try {
    nodes.network.trouble(between([0], [1, 2], SILENT))
    const keys = { count: CONTROL_KEYS, prefix: 'only' }
    const written = await writeMany({ ...keys, port: nodes.portOf(0), consistency: CONSISTENCY.one })
    await nodes.kill(0)
    nodes.wipe(0)
    // What it had sent, and what was held on its way, goes with it.
    nodes.network.trouble(between([0], [1, 2], RESET))
    nodes.network.heal()
    const wrong = new Set(await readMany({ ...keys, port: nodes.portOf(1) }))
    const lost = written.filter((n) => wrong.has(n))
    return { n: CONTROL_KEYS, failures: lost.map((n) => `key ${n} is lost`) }
  } finally {
    await nodes.close()
  }
}

async function settleTooEarly(context: Context): Promise<Findings> {
  const { planted } = FAULTS.find(({ name }) => name === 'ready-before-vote')!
  const main = await plantedNode(planted!, context.folder())
  const { lost } = await loseAll(context, 0, { way: WAYS[1]!, count: CONTROL_REPLACED_KEYS, main })
  return { n: 1, failures: lost }
}

async function run(context: Context, cases: number): Promise<Findings> {
  const failures: string[] = []
  const rates = WAYS.map((): number[] => [])
  for (let n = 0; n < cases; n++) {
    const way = WAYS[n % WAYS.length]!
    const { lost, megabytesPerSecond } = await loseAll(context, n, { way, count: KEYS[context.profile] })
    failures.push(...lost)
    rates[n % WAYS.length]!.push(megabytesPerSecond)
    context.progress(n + 1, cases)
  }
  const slowest = WAYS.map(({ what }, way) => `${what} ${Math.min(...rates[way]!).toFixed(1)} MB/s`)
  return { n: cases, failures, measured: `to full redundancy, the start included: ${slowest.join(', ')}` }
}

export const lostDiskRow: Row = {
  number: 20,
  claim: 'a disk lost, a member replaced, then the others lost: 0 acknowledged lost',
  cases: { smoke: 0, ci: 4, long: 12 },
  run,
  controls: [
    { fault: 'writes at consistency `one`, acknowledged by the lost disk alone', run: loseTheOnly },
    { fault: 'a new member that says it is ready before it has copied anything', run: settleTooEarly },
  ],
}
