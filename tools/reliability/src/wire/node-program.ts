/**
 * The node program itself, built as its users run it, or from a copy with a planted fault, and what the
 * kernel says of its memory and its time.
 */
import { type ChildProcess, spawn } from 'node:child_process'
import { readFileSync, writeFileSync } from 'node:fs'
import { dirname, join } from 'node:path'
import { createInterface } from 'node:readline'
import { fileURLToPath, pathToFileURL } from 'node:url'
import { PROGRAM_ENVIRONMENT } from '../process/built-program.ts'
import { NODE_ARGUMENTS } from '../process/flood-process.ts'

const ROOT = fileURLToPath(new URL('../../../..', import.meta.url))
const HURRIED_MAIN = fileURLToPath(new URL('../process/hurried-node-main.ts', import.meta.url))
const READY = /^minivault ready: .*?:(\d+)(?: |,)/
const START_TIMEOUT_MS = 60_000

export interface ProgramOptions {
  directory: string
  /** Behind `-port 0 -host 127.0.0.1 -data …`. */
  words?: readonly string[]
  /** A copy with a fault in it. */
  main?: string | undefined
  /** Its deadlines pass so many times as fast: then `main` is a main.ts, and `words` does not apply. */
  hurry?: number
}

let built: Promise<unknown> | undefined

/** main.cjs as its users run it: without the second and the 50 MB that running from the sources takes. */
export async function builtMain(): Promise<string> {
  const bundler = pathToFileURL(join(ROOT, 'tools', 'bundle', 'bundle.mjs')).href
  const { bundle } = (await import(bundler)) as { bundle: (directory: string) => Promise<unknown> }
  built ??= bundle(join(ROOT, 'apps', 'node'))
  await built
  return join(ROOT, 'apps', 'node', 'dist', 'main.cjs')
}

async function programWords({ directory, words = [], main, hurry }: ProgramOptions): Promise<string[]> {
  if (main !== undefined && hurry !== undefined)
    return [...NODE_ARGUMENTS, HURRIED_MAIN, join(dirname(main), 'index.ts'), directory, String(hurry)]
  const program = main ?? (await builtMain())
  return [program, '-port', '0', '-host', '127.0.0.1', '-data', directory, ...words]
}

export class NodeProgram {
  readonly port: number
  readonly #child: ChildProcess
  readonly #ended: Promise<void>
  isEnded = false
  #said = ''

  static async start(options: ProgramOptions): Promise<NodeProgram> {
    const child = spawn(process.execPath, await programWords(options), {
      cwd: ROOT,
      env: { ...process.env, ...PROGRAM_ENVIRONMENT },
      stdio: ['ignore', 'pipe', 'pipe'],
    })
    let said = ''
    child.stderr!.on('data', (text) => (said += text))
    const port = await new Promise<number>((resolve, reject) => {
      const timer = setTimeout(() => reject(new Error(`the node does not start: ${said}`)), START_TIMEOUT_MS)
      createInterface({ input: child.stdout! }).on('line', (line) => {
        const match = READY.exec(line)
        if (match === null) return
        clearTimeout(timer)
        resolve(Number(match[1]))
      })
      child.on('close', () => reject(new Error(`the node ended: ${said}`)))
    })
    return new NodeProgram(child, port)
  }

  private constructor(child: ChildProcess, port: number) {
    this.#child = child
    this.port = port
    child.stderr!.on('data', (text) => (this.#said = `${this.#said}${text}`.slice(-4000)))
    this.#ended = new Promise((resolve) =>
      child.on('close', () => {
        this.isEnded = true
        resolve()
      }),
    )
  }

  get pid(): number {
    return this.#child.pid!
  }

  /** The last it wrote to its log. */
  get said(): string {
    return this.#said
  }

  /** Resident bytes now. */
  get residentBytes(): number {
    return this.#status('VmRSS')
  }

  /** The most there have been since the start or `forgetPeak`. */
  get peakBytes(): number {
    return this.#status('VmHWM')
  }

  /** Milliseconds its main thread has run, as the scheduler counts them: finer than the ticks of `stat`. */
  get cpuMs(): number {
    return Number(readFileSync(`/proc/${this.pid}/schedstat`, 'utf8').split(' ')[0]) / 1e6
  }

  forgetPeak(): void {
    writeFileSync(`/proc/${this.pid}/clear_refs`, '5')
  }

  async stop(): Promise<void> {
    this.#child.kill('SIGKILL')
    await this.#ended
  }

  #status(name: string): number {
    const text = readFileSync(`/proc/${this.pid}/status`, 'utf8')
    return Number(new RegExp(`^${name}:\\s+(\\d+)`, 'm').exec(text)![1]) * 1024
  }
}
