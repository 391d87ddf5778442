/**
 * Starts the flood, notes what it says in the book, and kills it.
 */
import { type ChildProcess, spawn } from 'node:child_process'
import { createInterface } from 'node:readline'
import { fileURLToPath } from 'node:url'
import { builtProgram, PROGRAM_ENVIRONMENT } from './built-program.ts'
import type { FloodBook, FloodSettings } from './flood.ts'

const MAIN = await builtProgram(fileURLToPath(new URL('./flood-main.ts', import.meta.url)))
const ROOT = fileURLToPath(new URL('../../../..', import.meta.url))
export const NODE_ARGUMENTS = ['--import=tsx', '--conditions=minivault:source']
const START_TIMEOUT_MS = 60_000

export class FloodProcess {
  readonly #child: ChildProcess
  readonly #closed: Promise<void>
  /** The error with which the writers ended, if they did. */
  error = ''

  /** Resolves when the first operation was acknowledged. */
  static async start(settings: Omit<FloodSettings, 'next'>, book: FloodBook): Promise<FloodProcess> {
    const env = { ...process.env, ...PROGRAM_ENVIRONMENT }
    const words = [MAIN, JSON.stringify({ ...settings, next: book.next })]
    const child = spawn(process.execPath, words, { cwd: ROOT, env, stdio: ['ignore', 'pipe', 'pipe'] })
    const flood = new FloodProcess(child)
    let said = ''
    child.stderr!.on('data', (text) => (said += text))
    await new Promise<void>((resolve, reject) => {
      const timer = setTimeout(() => reject(new Error(`the writers do not start: ${said}`)), START_TIMEOUT_MS)
      createInterface({ input: child.stdout! }).on('line', (line) => {
        flood.#note(line, book)
        if (line[0] !== 'a' && line[0] !== 'e') return
        clearTimeout(timer)
        resolve()
      })
      child.on('exit', () => reject(new Error(`the writers ended: ${said}`)))
    })
    return flood
  }

  private constructor(child: ChildProcess) {
    this.#child = child
    this.#closed = new Promise((resolve) => child.on('close', () => resolve()))
  }

  /** kill -9; resolves when all that it had said was noted. */
  async kill(): Promise<void> {
    this.#child.kill('SIGKILL')
    await this.#closed
    await new Promise(setImmediate)
  }

  #note(line: string, book: FloodBook): void {
    const [kind, first, second, third] = line.split(' ')
    if (kind === 's') for (let n = Number(second); n <= Number(third); n++) book.sent(Number(first), n)
    else if (kind === 'a') book.answered(Number(first), Number(second))
    else if (kind === 'b') book.batched(Number(first), Number(second))
    else if (kind === 'e') this.error = first ?? ''
  }
}
