/**
 * Row 20: a real member loses its disk and comes back with an empty one; when it says that it votes and that
 * nothing differs, another one is lost for good. Everything that was ever acknowledged is still there.
 */
import { CONSISTENCY } from '@minivault/protocol'
import { readMany, writeMany } from '../nodes/many-keys.ts'
import { between, RESET, SILENT } from '../nodes/network.ts'
import { ThreeNodes } from '../nodes/three-nodes.ts'
import type { Context, Findings, Profile, Row } from '../row.ts'

const KEYS: Readonly<Record<Profile, number>> = { smoke: 1000, ci: 20_000, long: 20_000 }
const VALUE_BYTES = 1024
const JOINED_WITHIN_MS = 120_000
const CONTROL_KEYS = 100

interface Found {
  readonly lost: string[]
  readonly megabytesPerSecond: number
}

async function loseTwo(context: Context, n: number): Promise<Found> {
  const [lost, dead, left] = [n % 3, (n + 1) % 3, (n + 2) % 3] as [number, number, number]
  const nodes = await ThreeNodes.start({ folder: context.folder() })
  try {
    const keys = { count: KEYS[context.profile], prefix: `lost ${n}`, valueBytes: VALUE_BYTES }
    const written = await writeMany({ ...keys, port: nodes.portOf(dead) })
    if (written.length < keys.count) throw new Error(`${written.length} of ${keys.count} writes acknowledged`)
    await nodes.kill(lost)
    nodes.wipe(lost)
    const startedMs = performance.now()
    await nodes.start(lost)
    await nodes.until('the empty member votes', JOINED_WITHIN_MS, async () => {
      const health = await nodes.health(lost)
      return health?.['votes'] === true && health['keys_differing'] === 0 && health['hints_pending'] === 0
    })
    const seconds = (performance.now() - startedMs) / 1000
    await nodes.kill(dead)
    nodes.wipe(dead)
    await nodes.until('a quorum is seen', JOINED_WITHIN_MS, () => nodes.isReady(left))
    const wrong = await readMany({ ...keys, port: nodes.portOf(left) })
    const lines = wrong.length === 0 ? [] : [`${wrong.length} of ${keys.count} acknowledged writes are lost`]
    return { lost: lines, megabytesPerSecond: (keys.count * VALUE_BYTES) / 1e6 / seconds }
  } finally {
    await nodes.close()
  }
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

async function run(context: Context, cases: number): Promise<Findings> {
  const failures: string[] = []
  const rates: number[] = []
  for (let n = 0; n < cases; n++) {
    const { lost, megabytesPerSecond } = await loseTwo(context, n)
    failures.push(...lost)
    rates.push(megabytesPerSecond)
    context.progress(n + 1, cases)
  }
  const slowest = Math.min(...rates).toFixed(1)
  return {
    n: cases,
    failures,
    measured: `an empty member has everything at ${slowest} MB/s, its start included`,
  }
}

export const lostDiskRow: Row = {
  number: 20,
  claim: 'a disk lost, then another member: 0 acknowledged lost',
  cases: { smoke: 0, ci: 2, long: 10 },
  run,
  controls: [{ fault: 'writes at consistency `one`, acknowledged by the lost disk alone', run: loseTheOnly }],
}
