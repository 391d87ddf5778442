// One step of a set-up: says what it does, runs a program, and turns its failure into one clear line.
//
// Everything is printed on stderr, so that the standard output of `npm start` belongs to the node alone.
// These files are plain JavaScript because they run before anything is installed, on a bare Node 20.

import { spawn } from 'node:child_process'
import { delimiter, dirname, join } from 'node:path'
import { fileURLToPath } from 'node:url'

export const ROOT = dirname(dirname(dirname(fileURLToPath(import.meta.url))))

/** A step that could not be done; `message` is the one line for the user. */
export class StepError extends Error {}

export function say(text) {
  process.stderr.write(`minivault: ${text}\n`)
}

/** The environment of every program we start: telemetry off, our pnpm found first. */
export function stepEnvironment(extra = {}, binDirectory = '') {
  const path = process.env.PATH ?? ''
  return {
    ...process.env,
    TURBO_TELEMETRY_DISABLED: '1',
    PATH: binDirectory === '' ? path : binDirectory + delimiter + path,
    ...extra,
  }
}

/** Runs a program to its end, its output on our stderr (or stdout if asked). Resolves to the exit code. */
export function run(command, args, options = {}) {
  const output = options.output ?? 2
  return new Promise((resolve, reject) => {
    const child = spawn(command, args, {
      cwd: options.cwd ?? ROOT,
      env: options.env ?? stepEnvironment(),
      stdio: ['ignore', output, 2],
      shell: process.platform === 'win32',
    })
    child.on('error', reject)
    child.on('exit', (code, signal) => resolve(signal === null ? code : 128))
  })
}

/** Runs a program that must succeed. `way out` is what the user can do about a failure. */
export async function step(title, command, args, options = {}) {
  say(`${title} …`)
  const started = performance.now()
  let code
  try {
    code = await run(command, args, options)
  } catch (error) {
    throw new StepError(`${title} failed: ${error.message}`, { cause: error })
  }
  if (code !== 0) {
    const line = [command.startsWith(ROOT) ? command.slice(ROOT.length + 1) : command, ...args].join(' ')
    const wayOut = options.wayOut === undefined ? '' : `; ${options.wayOut}`
    throw new StepError(`${title} failed: \`${line}\` ended with code ${code}${wayOut}`)
  }
  say(`${title}: done in ${((performance.now() - started) / 1000).toFixed(1)} s`)
}

/** Runs `main`; a StepError becomes one line on stderr and exit code 1. */
export async function runMain(main) {
  try {
    await main()
  } catch (error) {
    if (!(error instanceof StepError)) throw error
    say(error.message)
    process.exit(1)
  }
}

export const CACHE = join(ROOT, '.cache')
