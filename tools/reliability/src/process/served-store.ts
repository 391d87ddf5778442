/**
 * The other end of served-store-main: starts it, below strace where a fault is asked for, and asks it line by
 * line.
 */
import { type ChildProcess, spawn } from 'node:child_process'
import { readFileSync } from 'node:fs'
import { createInterface } from 'node:readline'
import { fileURLToPath } from 'node:url'
import { builtProgram, PROGRAM_ENVIRONMENT } from './built-program.ts'

const MAIN = await builtProgram(fileURLToPath(new URL('./served-store-main.ts', import.meta.url)))
const ROOT = fileURLToPath(new URL('../../../..', import.meta.url))
const ANSWER_TIMEOUT_MS = 60_000

export interface Answer {
  ready?: boolean
  ok?: boolean
  found?: boolean
  right?: boolean
  closed?: boolean
  error?: { name?: string; code?: string; message?: string }
}

/**
 * The words that put a failing sync under a program: the `when`-th fsync or fdatasync of a thread. libuv gets
 * one thread in its pool, so that its counter is that of all syncs which do not block.
 */
export function failingSync(when: number): string[] {
  const inject = `inject=fdatasync,fsync:error=EIO:when=${when}`
  return [
    'strace',
    '-f',
    '-qq',
    '--seccomp-bpf',
    '-o',
    '/dev/null',
    '-e',
    'trace=fdatasync,fsync',
    '-e',
    inject,
  ]
}

/** Starts a program of this repository, `under` others. It gets one thread for blocking calls. */
export function startUnder(under: readonly string[], words: readonly string[]): ChildProcess {
  const [command, ...rest] = [...under, process.execPath, ...words]
  const env = { ...process.env, ...PROGRAM_ENVIRONMENT, UV_THREADPOOL_SIZE: '1' }
  return spawn(command!, rest, { cwd: ROOT, env, stdio: ['pipe', 'pipe', 'pipe'] })
}

/** kill -9 to the program itself: below strace it is the child, and strace ends with it. */
export async function killUnder(child: ChildProcess): Promise<void> {
  const ended = new Promise((resolve) => child.on('close', resolve))
  if (child.exitCode !== null || child.signalCode !== null) return
  const { pid } = child
  let below: string[] = []
  try {
    below = readFileSync(`/proc/${pid}/task/${pid}/children`, 'utf8').split(' ').filter(Boolean)
  } catch {
    // It has just ended.
  }
  const isStrace = child.spawnfile === 'strace'
  process.kill(isStrace && below.length > 0 ? Number(below[0]) : pid!, 'SIGKILL')
  await ended
}

export class ServedStore {
  readonly #child: ChildProcess
  readonly #answers: ((answer: Answer) => void)[] = []

  constructor(directory: string, under: readonly string[] = [], isSwallowing = false) {
    this.#child = startUnder(under, [MAIN, JSON.stringify({ directory, isSwallowing })])
    createInterface({ input: this.#child.stdout! }).on('line', (line) =>
      this.#answers.shift()?.(JSON.parse(line)),
    )
    this.#child.stdin!.on('error', () => {})
    this.#child.on('close', () => {
      for (const waiting of this.#answers.splice(0)) waiting({ error: { message: 'the process ended' } })
    })
  }

  /** What it says once it has opened: `ready`, or the error. */
  opened(): Promise<Answer> {
    return this.#next('open')
  }

  ask(line: string): Promise<Answer> {
    const answer = this.#next(line)
    this.#child.stdin!.write(`${line}\n`)
    return answer
  }

  kill(): Promise<void> {
    return killUnder(this.#child)
  }

  #next(what: string): Promise<Answer> {
    return new Promise((resolve, reject) => {
      const timer = setTimeout(() => reject(new Error(`no answer to ${what}`)), ANSWER_TIMEOUT_MS)
      this.#answers.push((answer) => {
        clearTimeout(timer)
        resolve(answer)
      })
    })
  }
}
