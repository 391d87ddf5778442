/**
 * Row 24: three members and a node alone, each within 256 MiB, under bounded work by all doors for half an
 * hour: what is reachable, what is resident and the descriptors stay as they are, nothing ends or complains,
 * and everything acknowledged is there.
 */
import { type PlantedFault, plantedNode } from '../planted-source.ts'
import type { Context, Control, Findings, Row } from '../row.ts'
import { cluster, type Setting, singleNode } from '../soak/settings.ts'
import { Soak, type SoakFindings } from '../soak/soak.ts'

const PASSERS_BY = 4
/** Those that remember requests of late are full after so many writes: 256 Ki for a member. */
const FILLED = 270_000
const FILLED_A_MINUTE = 20_000

async function run(context: Context, cases: number): Promise<Findings> {
  const minutes = Math.min(cases, context.minutes ?? cases)
  const settings: Setting[] = []
  try {
    settings.push(await singleNode(context.folder(), undefined), await cluster(context.folder()))
    const found = await soak(context, settings, minutes, PASSERS_BY)
    return { n: minutes, ...found }
  } finally {
    for (const setting of settings) await setting.close()
  }
}

async function soak(context: Context, settings: readonly Setting[], minutes: number, passersBy: number) {
  for (const setting of settings) await setting.fill(Math.min(FILLED, minutes * FILLED_A_MINUTE))
  const { seed } = context
  const progress = (done: number, of: number) => context.progress(done, of)
  return new Soak(settings, { minutes, seed, passersBy, progress }).run()
}

/** Half of it for the compiler to be done. */
const CONTROL_MINUTES = 4
const CONTROL_PASSERS_BY = 30

/** A node alone, for a short time, with many more connections that come and go. */
async function soakShortly(context: Context, fault: PlantedFault | null): Promise<SoakFindings> {
  const main = fault === null ? undefined : await plantedNode(fault, context.folder())
  const setting = await singleNode(context.folder(), main)
  try {
    return await soak(context, [setting], CONTROL_MINUTES, CONTROL_PASSERS_BY)
  } finally {
    await setting.close()
  }
}

let healthy: Promise<SoakFindings> | undefined

/** Goes red only if the same short form is green without the fault. */
function control(what: string, fault: PlantedFault): Control {
  return {
    fault: what,
    async run(context) {
      healthy ??= soakShortly(context, null)
      const { failures: before } = await healthy
      if (before.length > 0) throw new Error(`it is red without the fault: ${before[0]}`)
      return { n: 1, failures: (await soakShortly(context, fault)).failures.slice(0, 1) }
    },
  }
}

const CONNECTION = 'node/src/door/connection.ts'
const KEEPS_CONNECTIONS: PlantedFault = {
  file: CONNECTION,
  edits: [
    [
      'export class Connection implements',
      'const everyone = new Set<Connection>()\nexport class Connection implements',
    ],
    ['    this.socket = socket\n', '    this.socket = socket\n    everyone.add(this)\n'],
  ],
}

export const soakRow: Row = {
  number: 24,
  claim:
    'half an hour within 256 MiB: memory slope 0, descriptors flat, nothing unhandled, 0 acknowledged lost',
  cases: { smoke: 0, ci: 0, long: 30 },
  run,
  controls: [control('every connection that ever was is kept', KEEPS_CONNECTIONS)],
}
