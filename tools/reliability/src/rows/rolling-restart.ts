/**
 * Row 19: each of three real members is stopped (SIGTERM) and started again, one after the other, while an
 * application works with the client that is shipped: no operation fails.
 */
import { ShippedClients, type Suffered } from '../nodes/shipped-clients.ts'
import { MEMBERS, ThreeNodes } from '../nodes/three-nodes.ts'
import type { Context, Findings, Row } from '../row.ts'

const READY_TIMEOUT_MS = 60_000
/** What is under way is answered, and not cut off when the patience of the stop is over (7 s). */
const STOPPED_WITHIN_MS = 5000

async function restartAll(nodes: ThreeNodes) {
  const clients = new ShippedClients(MEMBERS.map((member) => nodes.network.nameOf(member)))
  let stopMs = 0
  const suffered = await clients.during(async () => {
    for (const member of MEMBERS) {
      const startedMs = performance.now()
      await nodes.stop(member)
      stopMs = Math.max(stopMs, performance.now() - startedMs)
      await nodes.start(member)
      await nodes.voting(READY_TIMEOUT_MS)
    }
  })
  const problems = problemsOf(suffered)
  if (stopMs > STOPPED_WITHIN_MS) problems.push(`a member took ${Math.round(stopMs)} ms to stop`)
  return { problems, suffered, stopMs }
}

function problemsOf({ operations, failed }: Suffered): string[] {
  return failed.length === 0 ? [] : [`${failed.length} of ${operations} failed: ${failed[0]}`]
}

async function run(context: Context, cases: number): Promise<Findings> {
  const nodes = await ThreeNodes.start({ folder: context.folder() })
  const failures: string[] = []
  let operations = 0
  let longestMs = 0
  let longestStopMs = 0
  try {
    for (let n = 0; n < cases; n++) {
      const { problems, suffered, stopMs } = await restartAll(nodes)
      failures.push(...problems)
      longestStopMs = Math.max(longestStopMs, stopMs)
      operations += suffered.operations
      longestMs = Math.max(longestMs, suffered.max)
      context.progress(n + 1, cases)
    }
  } finally {
    await nodes.close()
  }
  const longest = `the longest ${Math.round(longestMs)} ms, the longest stop ${Math.round(longestStopMs)} ms`
  return { n: cases, failures, measured: `${operations} operations, ${longest}` }
}

export const rollingRestartRow: Row = {
  number: 19,
  claim: 'rolling restart under load: 0 failed operations with our client',
  cases: { smoke: 0, ci: 2, long: 10 },
  run,
  controls: [
    {
      fault: 'all three stopped at once',
      async run(context) {
        const nodes = await ThreeNodes.start({ folder: context.folder() })
        try {
          const clients = new ShippedClients(MEMBERS.map((member) => nodes.network.nameOf(member)))
          const suffered = await clients.during(async () => {
            await Promise.all(MEMBERS.map((member) => nodes.stop(member)))
          })
          return { n: suffered.operations, failures: problemsOf(suffered) }
        } finally {
          await nodes.close()
        }
      },
    },
  ],
}
