/**
 * Row 19: each of three real members is stopped (SIGTERM) and started again, one after the other, while an
 * application works with the client that is shipped: no operation fails.
 */
import { ShippedClients, type Suffered } from '../nodes/shipped-clients.ts'
import { MEMBERS, ThreeNodes } from '../nodes/three-nodes.ts'
import type { Context, Findings, Row } from '../row.ts'

const READY_TIMEOUT_MS = 60_000

/** @param asked which members the clients know of */
async function restartAll(nodes: ThreeNodes, asked: readonly number[], members: readonly number[]) {
  const clients = new ShippedClients(asked.map((member) => nodes.network.nameOf(member)))
  return clients.during(async () => {
    for (const member of members) {
      await nodes.stop(member)
      await nodes.start(member)
      await nodes.until(`member ${member} votes`, READY_TIMEOUT_MS, () => votes(nodes, member))
    }
  })
}

async function votes(nodes: ThreeNodes, member: number): Promise<boolean> {
  const health = await nodes.health(member)
  return health?.['votes'] === true && (await nodes.isReady(member))
}

function problemsOf({ operations, failed }: Suffered): string[] {
  return failed.length === 0 ? [] : [`${failed.length} of ${operations} failed: ${failed[0]}`]
}

async function run(context: Context, cases: number): Promise<Findings> {
  const nodes = await ThreeNodes.start({ folder: context.folder() })
  const failures: string[] = []
  let operations = 0
  let longestMs = 0
  try {
    for (let n = 0; n < cases; n++) {
      const suffered = await restartAll(nodes, MEMBERS, MEMBERS)
      failures.push(...problemsOf(suffered))
      operations += suffered.operations
      longestMs = Math.max(longestMs, suffered.max)
      context.progress(n + 1, cases)
    }
  } finally {
    await nodes.close()
  }
  return { n: cases, failures, measured: `${operations} operations, the longest ${Math.round(longestMs)} ms` }
}

export const rollingRestartRow: Row = {
  number: 19,
  claim: 'rolling restart under load: 0 failed operations with our client',
  cases: { smoke: 1, ci: 2, long: 10 },
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
