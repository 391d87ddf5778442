/**
 * What the scorecard has found, each as the list of steps that showed it: none of it may come back.
 */
import { readdirSync, readFileSync } from 'node:fs'
import { MemoryFileSystem } from '@minivault/wal/testing'
import t from 'tap'
import { Machine, type MachineOptions } from '../src/disk/machine.ts'
import { Run } from '../src/model/run.ts'
import type { Step } from '../src/model/step.ts'

interface Found {
  /** What it was. */
  found: string
  options: MachineOptions
  steps: Step[]
}

const folder = new URL('fixtures/', import.meta.url)

for (const name of readdirSync(folder)) {
  const { found, options, steps } = JSON.parse(readFileSync(new URL(name, folder), 'utf8')) as Found
  t.test(found, async (t) => {
    t.equal(await new Run(new Machine(new MemoryFileSystem(), options)).all(steps), null)
  })
}
