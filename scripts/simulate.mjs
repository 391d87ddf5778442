// pnpm simulate: sets up the workspace, then tries to break the quorum core from the sources of this tree.
//
//   pnpm simulate --seeds 5000 --jobs 2       so many histories
//   pnpm simulate --seed 41 --trace           one of them; every argument goes to the simulator

import { join } from 'node:path'
import { install } from './setup/install.mjs'
import { ROOT, run, runMain } from './setup/step.mjs'

await runMain(async () => {
  await install('all')
  const main = join(ROOT, 'tools', 'simulator', 'src', 'main.ts')
  // Histories leave much garbage and nothing else: a larger nursery saves a tenth of the time.
  const node = ['--max-semi-space-size=64', '--import=tsx', '--conditions=minivault:source']
  const args = [...node, main, ...process.argv.slice(2)]
  process.exitCode = await run(process.execPath, args, { output: 1 })
})
