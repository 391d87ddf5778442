// pnpm packing: packs what is published, installs the tarballs into an empty folder and uses them there, on
// this Node and on Node 24. Builds first. Not part of npm test, because it needs the registry for every run;
// .ci/run calls it.

import { existsSync, readFileSync } from 'node:fs'
import { join } from 'node:path'
import { install } from './setup/install.mjs'
import { findPnpm } from './setup/pnpm.mjs'
import { ROOT, run, runMain, say, stepEnvironment } from './setup/step.mjs'
import { closingLine, readableLog, tally } from './tally.mjs'

await runMain(async () => {
  const pnpm = (await install('all')) ?? (await findPnpm())
  say('building, packing, installing; about two minutes …')
  const turbo = join(ROOT, 'node_modules', '.bin', 'turbo')
  const args = ['run', 'packing', '--filter=@minivault/packing', '--output-logs=hash-only', '--ui=stream']
  const exitCode = await run(turbo, args, { env: stepEnvironment({}, pnpm.binDirectory), output: 1 })
  const path = join(ROOT, 'tools', 'packing', '.turbo', 'turbo-packing.log')
  const log = existsSync(path) ? readFileSync(path, 'utf8') : ''
  console.log(readableLog(log))
  const result = tally([{ name: 'packing', isTest: true, exitCode, cached: false, log }])
  console.log(closingLine(result))
  process.exitCode = result.failed > 0 ? 1 : 0
})
