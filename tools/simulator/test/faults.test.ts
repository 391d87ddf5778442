import { readFileSync } from 'node:fs'
import { fileURLToPath } from 'node:url'
import * as cluster from '@minivault/cluster'
import type { PlantedFault } from '@minivault/planted'
import t from 'tap'
import { clusterWith, shownBy } from '../src/faults/fault.ts'
import { FAULTS } from '../src/faults/faults.ts'
import { hunt, violationOf } from '../src/faults/hunt.ts'
import { differenceIn } from '../src/faults/scenario.ts'
import { planText, readPlan } from '../src/plan/plan.ts'

const PACKAGES = new URL('../../../packages/', import.meta.url)
const APPS = new URL('../../../apps/', import.meta.url)
const CORE = fileURLToPath(new URL('cluster/src', PACKAGES))
const QUICK = ['read-compare-write', 'no-write-back', 'half-evidence']
const QUICK_SEEDS = 60
const ITEMS_MAX = 25

function faultNamed(name: string) {
  const fault = FAULTS.find((one) => one.name === name)
  if (fault === undefined) throw new Error(`no fault is called ${name}`)
  return fault
}

t.test('every fault has its place in the core', async (t) => {
  for (const { name, planted } of FAULTS) {
    for (let one: PlantedFault | null | undefined = planted; one; one = one.also) {
      const home = one.file.startsWith('master/') ? APPS : PACKAGES
      const text = readFileSync(new URL(one.file, home), 'utf8')
      for (const [find] of one.edits) t.equal(text.split(find).length, 2, `${name}: ${find}`)
    }
  }
})

for (const name of QUICK) {
  t.test(`found by seeds, and again by its plan: ${name}`, async (t) => {
    const fault = faultNamed(name)
    const broken = await clusterWith(fault, t.testdir())
    const found = hunt(fault, broken, { first: 1, seeds: QUICK_SEEDS, itemsMax: ITEMS_MAX })
    t.ok(found !== null)
    t.ok(found!.plan.items.length <= ITEMS_MAX)
    const plan = readPlan(planText(found!.plan))
    t.same(violationOf(plan, broken)?.judge, found!.violation.judge)
    t.equal(violationOf(plan, cluster), null)
  })
}

t.test('a scenario that is to show a fault is green without it', async (t) => {
  const scenarios = new Set(FAULTS.flatMap(({ scenario }) => scenario ?? []))
  for (const scenario of scenarios) t.equal(await differenceIn(scenario, CORE), null, scenario)
})

t.test('shown by a scenario: two-lives', async (t) => {
  const fault = faultNamed('two-lives')
  const folder = t.testdir()
  await clusterWith(fault, folder)
  t.match(await shownBy(fault, folder), { came: /holds|held|answers/ })
})
