// One node as a process: knows when it is ready and how it ended. Its log goes into a file, so that it is
// there when it is needed, and the terminal shows how things are.

import { spawn } from 'node:child_process'
import { closeSync, openSync, readFileSync } from 'node:fs'

const READY = /^minivault\S* ready/m

export class Program {
  #child
  #isRunning = true
  /** Resolves to the milliseconds from its start, once it says that it is ready. */
  ready
  /** Resolves to one line that says how it ended: 'ended with code 1: port 3001 is in use'. */
  ended

  /** Once it has ended: by itself and with code 0. */
  endedWell = false

  constructor({ name, port, command, args, environment, log }) {
    this.name = name
    this.port = port
    this.log = log
    const started = performance.now()
    const errors = openSync(log, 'w')
    // A group of its own: at Ctrl+C the terminal signals ours, and a node takes a second signal for
    // impatience.
    this.#child = spawn(command, args, {
      env: environment,
      stdio: ['ignore', 'pipe', errors],
      detached: true,
    })
    closeSync(errors)
    this.pid = this.#child.pid
    this.ready = new Promise((resolve) => {
      let printed = ''
      this.#child.stdout.setEncoding('utf8').on('data', (text) => {
        printed = (printed + text).slice(-10_000)
        if (READY.test(printed)) resolve(performance.now() - started)
      })
    })
    this.ended = new Promise((resolve) => {
      this.#child.on('error', (error) => resolve(`could not be started: ${error.message}`))
      this.#child.on('exit', (code, signal) => resolve(this.#howItEnded(code, signal)))
    }).finally(() => {
      this.#isRunning = false
    })
  }

  signal(name) {
    if (this.#isRunning) this.#child.kill(name)
  }

  #howItEnded(code, signal) {
    this.endedWell = code === 0
    const how = signal === null ? `ended with code ${code}` : `was ended by ${signal}`
    const said = this.#lastLine()
    return said === '' ? how : `${how}: ${said}`
  }

  #lastLine() {
    const line = readFileSync(this.log, 'utf8').trimEnd().split('\n').at(-1)
    try {
      return JSON.parse(line).msg ?? line
    } catch {
      return line.replace(/^minivault\S*: /, '')
    }
  }
}
