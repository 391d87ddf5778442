// Starts the nodes, shows how they are, and stops them.

import { existsSync, mkdirSync } from 'node:fs'
import { dirname, join, resolve } from 'node:path'
import { setUp } from '../setup/programs.mjs'
import { mendSignals } from '../setup/signals.mjs'
import { StepError, say } from '../setup/step.mjs'
import { Board } from './board.mjs'
import { masterFolder } from './folders.mjs'
import { watchHealth } from './health.mjs'
import { launchesOf } from './launches.mjs'
import { checkPort } from './ports.mjs'
import { Program } from './program.mjs'

const EXIT = { stopped: 0, failed: 1, interrupted: 130 }
/** What a node may take to answer what is under way, and a little more. */
const STOP_PATIENCE_MS = 35_000

/** Resolves to the exit code once all of them have ended. */
export async function runCluster(options) {
  const { command, words } = await programOf(options.binary)
  const logs = join(options.directory, 'logs')
  makeFolder(logs)
  const { name: folder, absent } = masterFolder(options.directory, options.volumePorts)
  const launches = launchesOf(options, folder)
  for (const { name, port, flag, host } of launches) await checkPort({ name, port, flag, host })
  if (absent.length > 0) {
    say(`this cluster has had more volumes, which are missing to it: ${absent.join(', ')}`)
  }

  const programs = []
  // Whatever ends us: nobody is left behind.
  process.on('exit', () => signalAll(programs, 'SIGKILL'))
  const interrupted = untilInterrupted()
  const board = new Board(launches)
  const started = performance.now()
  for (const { name, port, words: own, environment } of launches) {
    const log = join(logs, `${name}.log`)
    programs.push(new Program({ name, port, command, args: [...words, ...own], environment, log }))
  }
  for (const program of programs) watchHealth(program, board)
  void untilReady(programs).then(() => board.say(readyText(options, performance.now() - started)))

  const ended = Promise.race(
    programs.map((one) => one.ended.then((how) => `${one.name} ${how} (${one.log})`)),
  )
  const failure = await Promise.race([ended, interrupted])
  const isFailure = typeof failure === 'string'
  board.end()
  say(isFailure ? `${failure}; stopping the others` : 'stopping all (once more: at once) …')
  const allEnded = await stopAll(programs)
  if (!isFailure && allEnded) say('all have stopped')
  return isFailure || !allEnded ? EXIT.failed : EXIT.stopped
}

async function programOf(binary) {
  if (binary === '') return { command: process.execPath, words: [await setUp('node')] }
  const path = resolve(binary)
  if (!existsSync(path)) throw new StepError(`--binary ${binary}: there is no such file`)
  return /\.[cm]?js$/.test(path) ? { command: process.execPath, words: [path] } : { command: path, words: [] }
}

function makeFolder(path) {
  try {
    // One by one: mkdirSync of a whole path never returns where a parent is like /proc.
    if (existsSync(path)) return
    makeFolder(dirname(path))
    mkdirSync(path)
  } catch (error) {
    if (error instanceof StepError) throw error
    throw new StepError(`--data-dir: ${path} cannot be made (${error.code})`)
  }
}

function untilInterrupted() {
  mendSignals('cluster')
  return new Promise((resolve) => {
    let isFirst = true
    const interrupt = () => {
      if (!isFirst) process.exit(EXIT.interrupted)
      isFirst = false
      resolve(null)
    }
    for (const signal of ['SIGINT', 'SIGTERM', 'SIGHUP']) process.on(signal, interrupt)
  })
}

function untilReady(programs) {
  return Promise.all(programs.map((program) => program.ready))
}

function readyText({ volumePorts, auth }, ms) {
  const [first, second = first] = volumePorts
  const isChecked = ['writes', 'all'].includes(process.env.MINIVAULT_AUTHMODE)
  const key = isChecked ? ` -H "Authorization: Bearer KEY"` : ''
  const json = '-H "Content-Type: application/json"'
  return [
    `ready in ${(ms / 1000).toFixed(1)} s; Ctrl+C stops all. Try`,
    `  curl -X POST http://localhost:${first}/test -d '{"value": "hello"}' ${json}${key}`,
    `  curl http://localhost:${second}/test${key}`,
    ...(auth !== '' && !isChecked
      ? ['the key guards the nodes among themselves; with MINIVAULT_AUTHMODE=all clients need it, too']
      : []),
  ].join('\n')
}

/**
 * The last started first: what the others need stays until nobody needs it. Resolves to whether all went
 * well.
 */
async function stopAll(programs) {
  const deadline = setTimeout(() => signalAll(programs, 'SIGKILL'), STOP_PATIENCE_MS)
  const [first, ...rest] = programs
  signalAll(rest, 'SIGTERM')
  await Promise.all(rest.map((program) => program.ended))
  first.signal('SIGTERM')
  await first.ended
  clearTimeout(deadline)
  return programs.every((program) => program.endedWell)
}

function signalAll(programs, signal) {
  for (const program of programs) program.signal(signal)
}
