import { readdirSync, readFileSync } from 'node:fs'
import * as cluster from '@minivault/cluster'
import t from 'tap'
import { runCampaign } from '../src/campaign.ts'
import { calmPlan, drawPlan } from '../src/plan/draw-plan.ts'
import { planText, readPlan } from '../src/plan/plan.ts'
import { SWARMS, swarmPlan } from '../src/plan/swarms.ts'
import { runPlan } from '../src/run.ts'
import { shrink } from '../src/shrink.ts'
import { summarize } from '../src/summary.ts'
import { Transcript } from '../src/transcript.ts'

const FIXTURES = new URL('fixtures/', import.meta.url)
const TIMING = { seconds: 1, jobs: 1 }

t.test('300 seeds: nothing is violated, every rare state is reached', async (t) => {
  const tally = runCampaign({ cluster, first: 1, seeds: 300, planOf: drawPlan })
  t.same(tally.failures, [])
  t.equal(tally.undecided, 0)
  t.equal(tally.unequal, 0)
  const { text, isGood } = summarize(tally, TIMING, { isCalm: false })
  t.ok(isGood, text)
})

for (const swarm of SWARMS) {
  t.test(`swarm ${swarm}`, async (t) => {
    const tally = runCampaign({ cluster, first: 1, seeds: 12, planOf: (seed) => swarmPlan(swarm, seed) })
    t.same(tally.failures, [])
    t.equal(tally.unequal, 0)
  })
}

t.test('calm: what an operation costs', async (t) => {
  const tally = runCampaign({ cluster, first: 1, seeds: 40, planOf: calmPlan })
  const { text, isGood } = summarize(tally, TIMING, { isCalm: true })
  t.ok(isGood, text)
})

t.test('the same seed is the same run, another one is another', async (t) => {
  const digests = [7, 7, 8].map((seed) => runPlan(drawPlan(seed), cluster).digest)
  t.equal(digests[0], digests[1])
  t.not(digests[0], digests[2])
  const lines = [9, 9].map((seed) => {
    const transcript = new Transcript()
    runPlan(drawPlan(seed), cluster, { observers: [transcript] })
    return transcript.lines
  })
  t.ok((lines[0]?.length ?? 0) > 100)
  t.same(lines[0], lines[1])
})

t.test('a plan comes back from its file', async (t) => {
  const plan = drawPlan(11)
  t.same(readPlan(planText(plan)), plan)
  t.throws(() => readPlan('{}'), { message: /has a seed/ })
})

t.test('a failing plan is made as small as it gets', async (t) => {
  const plan = drawPlan(3)
  const wanted = plan.items.filter((_, index) => index % 17 === 4)
  const { plan: small } = shrink(plan, ({ items }) => wanted.every((one) => items.includes(one)))
  t.same(small.items, wanted)
})

for (const file of readdirSync(FIXTURES)) {
  t.test(`a plan that was red: ${file}`, async (t) => {
    const plan = readPlan(readFileSync(new URL(file, FIXTURES), 'utf8'))
    const { violations, digest } = runPlan(plan, cluster, { searchesAll: true })
    t.same(violations, [])
    t.equal(runPlan(plan, cluster).digest, digest)
  })
}
