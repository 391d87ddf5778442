/** Starts crowd-main and hands it its commands. */
import { type ChildProcess, spawn } from 'node:child_process'
import { createInterface } from 'node:readline'
import { fileURLToPath } from 'node:url'
import { builtProgram } from '../process/built-program.ts'
import type { Form } from './requests.ts'

const MAIN = await builtProgram(fileURLToPath(new URL('./crowd-main.ts', import.meta.url)))
const ROOT = fileURLToPath(new URL('../../../..', import.meta.url))

export type CrowdCommand =
  | { do: 'open'; port: number; form: Form; count: number; isSilent: boolean }
  | { do: 'say'; hex: string }
  | { do: 'drip'; hex: string; everyMs: number }
  | { do: 'deaf' | 'close' | 'count' }
  | { do: 'measure'; port: number; form: Form; count: number; ms: number; pauseMs: number }

/** Milliseconds. */
export interface Latency {
  count: number
  failed: number
  p50: number
  p99: number
  max: number
}

export class Crowd {
  readonly #child: ChildProcess
  readonly #answers: { resolve: (answer: never) => void; reject: (error: Error) => void }[] = []
  #said = ''

  constructor() {
    const child = spawn(process.execPath, [MAIN], { cwd: ROOT })
    this.#child = child
    child.stderr.on('data', (text) => (this.#said += text))
    createInterface({ input: child.stdout }).on('line', (line) => {
      const answer = JSON.parse(line)
      const waiting = this.#answers.shift()
      if (answer.error === undefined) waiting?.resolve(answer as never)
      else waiting?.reject(new Error(answer.error))
    })
    child.on('close', () => {
      for (const { reject } of this.#answers.splice(0)) reject(new Error(`the crowd ended: ${this.#said}`))
    })
  }

  /** How many are open afterwards. Resolves when all have their greeting answered, unless they are silent. */
  async open(port: number, form: Form, count: number, isSilent = false): Promise<number> {
    return (await this.#ask<{ open: number }>({ do: 'open', port, form, count, isSilent })).open
  }

  async say(bytes: Buffer): Promise<void> {
    await this.#ask({ do: 'say', hex: bytes.toString('hex') })
  }

  /** Every connection sends these bytes one by one, from now on. */
  async drip(bytes: Buffer, everyMs: number): Promise<void> {
    await this.#ask({ do: 'drip', hex: bytes.toString('hex'), everyMs })
  }

  async deaf(): Promise<void> {
    await this.#ask({ do: 'deaf' })
  }

  async close(): Promise<void> {
    await this.#ask({ do: 'close' })
  }

  async count(): Promise<number> {
    return (await this.#ask<{ open: number }>({ do: 'count' })).open
  }

  /** `count` connections, made once for each port and form, work for `ms`. */
  measure(port: number, form: Form, count: number, ms: number, pauseMs = 0): Promise<Latency> {
    return this.#ask<Latency>({ do: 'measure', port, form, count, ms, pauseMs })
  }

  end(): void {
    this.#child.kill('SIGKILL')
  }

  #ask<T>(command: CrowdCommand): Promise<T> {
    return new Promise<T>((resolve, reject) => {
      this.#answers.push({ resolve: resolve as (answer: never) => void, reject })
      this.#child.stdin!.write(`${JSON.stringify(command)}\n`)
    })
  }
}
