/**
 * What an application notices when a member is killed, frozen, or all are restarted one after another: our
 * client asks all along, with all members in its address, and every call that fails is counted.
 */
import { setTimeout as sleep } from 'node:timers/promises'
import { Client } from '@minivault/client'
import { DATA_PARENT } from '../machine.ts'
import { minivaultTrioPlans } from '../servers/minivault-trio.ts'
import { HOST } from '../servers/server.ts'
import { Trio } from '../servers/trio.ts'
import { Callers } from './callers.ts'
import { INCIDENTS, type Incident, type IncidentResult } from './figures.ts'

const DURABILITY = 'os'
const KEYS = 10_000
/** Calls under way at once. */
const CALLERS = 50
/** Before the incident, for compiled code and open connections; what comes then is not counted. */
const WARM_MS = 3000

export async function measureIncidents(
  seconds: number,
  onResult: (result: IncidentResult) => void,
  from: 'build' | 'source' = 'build',
): Promise<void> {
  for (const incident of INCIDENTS) {
    await using trio = await Trio.start(await minivaultTrioPlans(DURABILITY, from), DATA_PARENT)
    await using client = Client.open(`minivault://${trio.ports.map((port) => `${HOST}:${port}`).join(',')}`)
    const callers = new Callers(client, { callers: CALLERS, keys: KEYS, pauseMs: 0 })
    await sleep(WARM_MS)
    callers.count()
    const over = sleep(seconds * 1000)
    await happen(incident, trio)
    await over
    await callers.stop()
    const { operations, failed, firstFailure } = callers
    const figures = callers.times()
    onResult({
      part: 'incident',
      incident,
      durability: DURABILITY,
      operations,
      failed,
      firstFailure,
      ...figures,
    })
  }
}

async function happen(incident: Incident, trio: Trio): Promise<void> {
  const last = trio.members.at(-1)!
  if (incident === 'killed') return last.stop('SIGKILL')
  if (incident === 'frozen') return last.freeze()
  for (const member of trio.members) {
    await member.stop()
    await member.start()
  }
}
