// pnpm reliability: sets up the workspace, then runs the scorecard from the sources of this tree.
//
//   pnpm reliability --profile smoke          about two minutes; .ci/run does this
//   pnpm reliability --profile ci --row 7     one row of the long form; every argument goes to the scorecard

import { join } from 'node:path'
import { install } from './setup/install.mjs'
import { ROOT, run, runMain } from './setup/step.mjs'

await runMain(async () => {
  await install('all')
  const main = join(ROOT, 'tools', 'reliability', 'src', 'main.ts')
  const args = ['--import=tsx', '--conditions=minivault:source', main, ...process.argv.slice(2)]
  process.exitCode = await run(process.execPath, args, { output: 1 })
})
