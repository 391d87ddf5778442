// pnpm packing: packs what is published, installs the tarballs into an empty folder and uses them there, on
// this Node and on Node 24. Builds first. Not part of npm test, because it needs the registry for every run;
// .ci/run calls it.

import { spawn } from 'node:child_process'
import { join } from 'node:path'
import { install } from './setup/install.mjs'
import { findPnpm } from './setup/pnpm.mjs'
import { ROOT, runMain, say, step, stepEnvironment } from './setup/step.mjs'
import { closingLine, tally } from './tally.mjs'

await runMain(async () => {
  const pnpm = (await install('all')) ?? (await findPnpm())
  const env = stepEnvironment({}, pnpm.binDirectory)
  const turbo = join(ROOT, 'node_modules', '.bin', 'turbo')
  await step('building', turbo, ['run', 'build', '--output-logs=errors-only', '--ui=stream'], { env })
  say('packing, installing, using; about two minutes …')
  const { exitCode, log } = await tapPacking(env)
  const result = tally([{ name: 'packing', isTest: true, exitCode, cached: false, log }])
  console.log(closingLine(result))
  process.exitCode = result.failed > 0 ? 1 : 0
})

/** Runs the test by tap itself: what it says is shown as it comes, and kept for the sum. */
function tapPacking(env) {
  const tap = join(ROOT, 'node_modules', '.bin', 'tap')
  const options = { cwd: join(ROOT, 'tools', 'packing'), env, stdio: ['ignore', 'pipe', 'inherit'] }
  const child = spawn(tap, ['--reporter=tap', '--timeout=600'], options)
  let log = ''
  child.stdout.setEncoding('utf8')
  child.stdout.on('data', (text) => {
    log += text
    process.stdout.write(text)
  })
  return new Promise((resolve, reject) => {
    child.on('error', reject)
    child.on('close', (code) => resolve({ exitCode: code ?? 1, log }))
  })
}
