/**
 * Random operations of every kind through one connection, pipelined, against a Map; on one node, and on
 * three. `FRAMES_RUNS=5000` runs the long form.
 */
import t from 'tap'
import { FrameClient, startFrames } from './support/frame-client.ts'
import { clusterOperation, frameOperation } from './support/frame-operations.ts'
import { playRuns } from './support/frame-run.ts'
import { startTrio } from './support/trio-nodes.ts'

const RUNS = Number(process.env['FRAMES_RUNS'] ?? 150)
const TIMEOUT = { timeout: 1_200_000 }

for (const durability of [0, 2] as const) {
  t.test(`durability ${durability}: pipelined operations equal a Map`, TIMEOUT, async (t) => {
    const { client } = await startFrames(t, { durability })
    t.pass(`${await playRuns(client, frameOperation, RUNS)} operations`)
  })
}

t.test('in a cluster they do, too', TIMEOUT, async (t) => {
  const { nodes } = await startTrio(t)
  const client = await FrameClient.open(nodes[1]!.port)
  t.teardown(() => client.close())
  t.pass(`${await playRuns(client, clusterOperation, RUNS, true)} operations`)
})
