// pnpm bench: sets up the workspace (rivals stand in benchmarks/package.json), then runs a benchmark.
//
//   pnpm bench                     lists them
//   pnpm bench wire --quick        every argument goes to the benchmark

import { join } from 'node:path'
import { install } from './setup/install.mjs'
import { ROOT, run, runMain } from './setup/step.mjs'

await runMain(async () => {
  await install('all')
  const args = ['--import=tsx', 'src/main.ts', ...process.argv.slice(2)]
  process.exitCode = await run(process.execPath, args, { cwd: join(ROOT, 'benchmarks'), output: 1 })
})
