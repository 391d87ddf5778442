/**
 * A driver program, one a language: it imports the clients untouched and carries out commands, a JSON line in
 * and a JSON line out, in step. Keys travel in hexadecimal digits; `text` is what `set` stores on both doors
 * (over HTTP as a JSON string), `setText` a JSON text as it is.
 *
 *     {"do":"open","door":"http","address":"127.0.0.1:3000","connections":4,"waiting":9,"timeoutMs":900} → {}
 *     {"do":"set","key":"6b","text":"v"} → {}         {"do":"get","key":"6b"} → {"text":"v"}
 *     {"do":"get","key":"00"} → {"missing":true}      {"do":"set","key":""} → {"error":"KEY_LENGTH"}
 */
import { type ChildProcess, spawn } from 'node:child_process'
import { createInterface } from 'node:readline'

const ANSWER_TIMEOUT_MS = 60_000

export type Door = 'binary' | 'http'

export interface Command {
  readonly do: string
  readonly [field: string]: unknown
}

export type Result = Readonly<Record<string, unknown>>

export class Driver {
  readonly name: string
  readonly door: Door
  readonly #child: ChildProcess
  readonly #lines: AsyncIterator<string>
  #printed = ''

  constructor(language: string, door: Door, command: readonly string[]) {
    this.name = `${language} ${door}`
    this.door = door
    this.#child = spawn(command[0] as string, command.slice(1), { stdio: ['pipe', 'pipe', 'pipe'] })
    this.#lines = createInterface({ input: this.#child.stdout! })[Symbol.asyncIterator]()
    this.#child.stderr!.on('data', (chunk) => {
      this.#printed += chunk
    })
    this.#child.stdin!.on('error', () => {})
  }

  /** Rejects when the program ends or is silent: that is no result. */
  async run(command: Command): Promise<Result> {
    const timer = setTimeout(() => this.#child.kill('SIGKILL'), ANSWER_TIMEOUT_MS)
    this.#child.stdin!.write(`${JSON.stringify({ ...command, door: this.door })}\n`)
    const line = await this.#lines.next()
    clearTimeout(timer)
    if (line.done) throw new Error(`${this.name} ended at ${command.do}: ${this.#printed.slice(-2000)}`)
    return JSON.parse(line.value)
  }

  end(): void {
    this.#child.kill('SIGKILL')
  }
}
