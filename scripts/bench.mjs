// pnpm bench: sets up the workspace (rivals stand in benchmarks/package.json), builds the packages as they
// are shipped, so that nothing stale is measured, then runs a benchmark.
//
//   pnpm bench                     lists them
//   pnpm bench wire --quick        every argument goes to the benchmark

import { join } from 'node:path'
import { install } from './setup/install.mjs'
import { findPnpm } from './setup/pnpm.mjs'
import { ROOT, run, runMain, step, stepEnvironment } from './setup/step.mjs'

await runMain(async () => {
  const pnpm = (await install('all')) ?? (await findPnpm())
  const env = stepEnvironment({}, pnpm.binDirectory)
  const turbo = join(ROOT, 'node_modules', '.bin', 'turbo')
  await step('building', turbo, ['run', 'build', '--output-logs=errors-only', '--ui=stream'], { env })
  const args = ['--import=tsx', 'src/main.ts', ...process.argv.slice(2)]
  process.exitCode = await run(process.execPath, args, { cwd: join(ROOT, 'benchmarks'), output: 1, env })
})
