import { readdirSync, readFileSync } from 'node:fs'
import * as cluster from '@minivault/cluster'
import t from 'tap'
import { clusterWith } from '../src/faults/fault.ts'
import { FAULTS } from '../src/faults/faults.ts'
import { hunt, violationOf } from '../src/faults/hunt.ts'
import { readPlan } from '../src/plan/plan.ts'

const FIXTURES = new URL('fixtures/', import.meta.url)
const QUICK = ['read-compare-write', 'no-write-back', 'half-evidence']
const QUICK_SEEDS = 60
const ITEMS_MAX = 25

function faultNamed(name: string) {
  const fault = FAULTS.find((one) => one.name === name)
  if (fault === undefined) throw new Error(`no fault is called ${name}`)
  return fault
}

for (const name of QUICK) {
  t.test(`found by seeds: ${name}`, async (t) => {
    const fault = faultNamed(name)
    const found = hunt(fault, await clusterWith(fault, t.testdir()), { first: 1, seeds: QUICK_SEEDS })
    t.ok(found !== null)
    t.ok(found!.plan.items.length <= ITEMS_MAX)
  })
}

for (const file of readdirSync(FIXTURES)) {
  const name = file.replace(/\.json$/, '')
  t.test(`found by its own plan: ${name}`, async (t) => {
    const fault = faultNamed(name)
    const plan = readPlan(readFileSync(new URL(file, FIXTURES), 'utf8'))
    const broken = await clusterWith(fault, t.testdir())
    t.not(violationOf(plan, broken), null)
    const { clientFault: _, ...setup } = plan.setup
    t.equal(violationOf({ ...plan, setup }, cluster), null)
  })
}
