/** Many clients create one key through three nodes at once: exactly one of them is told that it did. */
import t from 'tap'
import { TestCluster } from './support/cluster.ts'
import { ask } from './support/http-client.ts'
import { until } from './support/large-transfers.ts'

const CLIENTS = 50
/** `MINIVAULT_TEST_ROUNDS=200` by hand. */
const ROUNDS = Number(process.env['MINIVAULT_TEST_ROUNDS'] ?? 10)
const CREATED = 201
const THERE = 409
/** In doubt: only where this machine is too busy for a round within its deadline. */
const DOUBTFUL = 504

t.test('POST of fifty clients on one key', async (t) => {
  const { nodes } = await TestCluster.start(t)
  const votes = async (node: { port: number }) => JSON.parse((await ask(node, 'GET', '/health')).body).votes
  for (const node of nodes) t.ok(await until(() => votes(node)))
  let decided = 0
  for (let round = 0; round < ROUNDS; round++) {
    const path = `/race-${round}`
    const answers = await Promise.all(
      Array.from({ length: CLIENTS }, (_, client) => {
        return ask(nodes[client % nodes.length]!, 'POST', path, JSON.stringify({ value: client }))
      }),
    )
    const those = (wanted: number) => answers.flatMap(({ status }, one) => (status === wanted ? [one] : []))
    const [winner, ...more] = those(CREATED)
    const doubts = those(DOUBTFUL).length
    const answered = those(CREATED).length + those(THERE).length + doubts
    if (more.length > 0 || answered < CLIENTS || (winner === undefined && doubts === 0)) {
      t.fail(`round ${round}: ${answers.map(({ status }) => status).join(' ')}`)
    }
    if (winner === undefined) continue
    decided += 1
    for (const node of nodes) {
      const { body } = await ask(node, 'GET', path)
      if (body !== `{"success":true,"data":${winner}}`) t.fail(`round ${round}: ${body} is there`)
    }
  }
  t.ok(decided > 0, `${decided} of ${ROUNDS} rounds are decided`)
})
