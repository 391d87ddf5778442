// npm test: sets everything up, then runs every check and every test, and adds up what they said.
//
// The checks of the house (biome, tsc, knip, tidy), the builds and the tests of every package are turbo
// tasks: what has not changed is replayed from turbo's cache. Turbo prints one line a task; the logs of those
// that failed follow at the end, then a table, then the sum. Arguments go to turbo:
//
//   npm test                                everything
//   npm test -- --force                     everything, nothing from the cache
//   npm test -- --filter=@minivault/wal     one package (the checks still run)

import { existsSync, readdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { install } from './setup/install.mjs'
import { findPnpm } from './setup/pnpm.mjs'
import { CACHE, ROOT, run, runMain, StepError, say, step, stepEnvironment } from './setup/step.mjs'
import { closingLine, readableLog, silentFiles, tally } from './tally.mjs'

const CHECKS = ['check:biome', 'check:types', 'check:knip', 'check:tidy']
const TAP_BUILT = join(CACHE, 'tap-built')
const SUMMARIES = join(ROOT, '.turbo', 'runs')

await runMain(async () => {
  const installed = await install('all')
  const pnpm = installed ?? (await findPnpm())
  if (installed !== null || !existsSync(TAP_BUILT)) await buildTap(pnpm)
  say('running every check and test; one line when a task starts …')
  rmSync(SUMMARIES, { recursive: true, force: true })
  const extra = process.argv.slice(2)
  const filters = extra.some((argument) => argument.startsWith('--filter')) ? ['--filter=//'] : []
  const args = ['run', 'build', 'test', ...CHECKS.map((check) => `//#${check}`), ...filters, ...extra]
  // --continue: one failure hides no other. Three tasks at a time: each tap run starts processes of its own,
  // and waits between them.
  args.push('--continue', '--concurrency=3', '--summarize', '--output-logs=hash-only', '--ui=stream')
  const turbo = join(ROOT, 'node_modules', '.bin', 'turbo')
  // Every test that starts a node comes after its build, so that it may start what is shipped.
  const environment = stepEnvironment({ MINIVAULT_TEST_BUILT: '1' }, pnpm.binDirectory)
  const code = await run(turbo, args, { env: environment, output: 1 })

  const tasks = readTasks()
  const result = tally(tasks)
  for (const task of tasks) {
    if (task.exitCode === 0) continue
    console.log(`\n──── ${task.name} failed ────\n${readableLog(task.log)}`)
    if (!task.isTest) continue
    for (const file of silentFiles(task.log)) {
      console.log(`\n──── ${file}, which said nothing, once more ────`)
      const tap = join(ROOT, 'node_modules', '.bin', 'tap')
      await run(tap, ['--reporter=tap', file], { cwd: task.directory, env: environment, output: 1 })
    }
  }
  console.log('')
  for (const row of result.rows) {
    const counts = `${String(row.passed).padStart(6)} passed ${String(row.failed).padStart(4)} failed`
    console.log(`  ${row.name.padEnd(32)}${counts}${row.cached ? '  (cached)' : ''}`)
  }
  console.log(`\n${closingLine(result)}`)
  process.exitCode = code !== 0 || result.failed > 0 ? 1 : 0
})

/** tap assembles itself from its plugins at its first run; several at once would trip over each other. */
async function buildTap(pnpm) {
  const tap = join(ROOT, 'node_modules', '.bin', 'tap')
  const options = { cwd: join(ROOT, 'tools', 'tidy'), env: stepEnvironment({}, pnpm.binDirectory) }
  await step('assembling tap', tap, ['build'], options)
  writeFileSync(TAP_BUILT, '')
}

function readTasks() {
  const names = existsSync(SUMMARIES) ? readdirSync(SUMMARIES) : []
  if (names.length === 0)
    throw new StepError('turbo did not get as far as running anything; its words are above')
  const summary = JSON.parse(readFileSync(join(SUMMARIES, names.at(-1)), 'utf8'))
  return summary.tasks
    .filter((task) => task.command !== '<NONEXISTENT>')
    .map((task) => {
      const log = join(ROOT, task.logFile)
      return {
        name: task.package === '//' ? task.task : `${task.package} ${task.task}`,
        isTest: task.command === 'tap',
        directory: join(ROOT, task.directory),
        exitCode: task.execution?.exitCode,
        cached: task.cache?.status === 'HIT',
        log: existsSync(log) ? readFileSync(log, 'utf8') : '',
      }
    })
}
