/**
 * The node program as one member of a cluster: started, also below another program or with another clock,
 * stopped, killed, frozen.
 */
import { type ChildProcess, spawn } from 'node:child_process'
import { readFileSync } from 'node:fs'
import { createInterface } from 'node:readline'
import { PROGRAM_ENVIRONMENT } from '../process/built-program.ts'
import { builtMain } from '../wire/node-program.ts'

const READY = 'minivault ready: '
const START_TIMEOUT_MS = 60_000
/** The last of its log that is kept. */
const SAID_CHARACTERS_MAX = 20_000
/** And shown, where it says why a node does not start. */
const SHOWN_CHARACTERS = 1500

export interface MemberOptions {
  /** A free one: members are told to each other before any of them listens. */
  readonly port: number
  readonly directory: string
  /** Behind `-port … -host 127.0.0.1 -data …`. */
  readonly words: readonly string[]
  readonly environment: Readonly<Record<string, string>>
  /** A copy with a fault in it. */
  readonly main?: string | undefined
  /** A program that it runs below. */
  readonly under?: readonly string[]
  /** All of its log, as it comes. */
  readonly onLog?: ((text: string) => void) | undefined
}

export class MemberProcess {
  readonly #child: ChildProcess
  readonly ended: Promise<void>
  isEnded = false
  #said = ''

  readonly port: number
  /** When it says that it serves: a quorum is there. */
  readonly ready: Promise<void>

  static async start(options: MemberOptions): Promise<MemberProcess> {
    const { port, directory, words, environment, main, under = [], onLog } = options
    const program = [main ?? (await builtMain()), '-port', String(port), '-host', '127.0.0.1']
    const [command, ...rest] = [...under, process.execPath, ...program, '-data', directory, ...words]
    const env = { ...process.env, ...PROGRAM_ENVIRONMENT, ...environment }
    const child = spawn(command!, rest, { env, stdio: ['ignore', 'pipe', 'pipe'] })
    if (onLog !== undefined) child.stderr.on('data', (text) => onLog(`${text}`))
    return new MemberProcess(child, port)
  }

  private constructor(child: ChildProcess, port: number) {
    this.#child = child
    this.port = port
    child.stderr!.on('data', (text) => (this.#said = `${this.#said}${text}`.slice(-SAID_CHARACTERS_MAX)))
    this.ended = new Promise((resolve) =>
      child.on('close', () => {
        this.isEnded = true
        resolve()
      }),
    )
    this.ready = this.#ready()
    // Whoever kills it before does not wait for it.
    this.ready.catch(() => {})
  }

  #ready(): Promise<void> {
    return new Promise((resolve, reject) => {
      const timer = setTimeout(
        () => reject(new Error(`the node does not start: ${this.#said.slice(-SHOWN_CHARACTERS)}`)),
        START_TIMEOUT_MS,
      )
      createInterface({ input: this.#child.stdout! }).on('line', (line) => {
        if (!line.startsWith(READY)) return
        clearTimeout(timer)
        resolve()
      })
      this.#child.on('close', () => {
        clearTimeout(timer)
        reject(new Error(`the node ended: ${this.#said}`))
      })
    })
  }

  /** Of what was started: where it runs below another program that stays, of that. */
  get pid(): number {
    return this.#child.pid!
  }

  /** The last of its log. */
  get said(): string {
    return this.#said
  }

  /** SIGTERM: it answers what it has begun, and ends. */
  async stop(): Promise<void> {
    this.#signal('SIGTERM')
    await this.ended
  }

  async kill(): Promise<void> {
    this.#signal('SIGKILL')
    await this.ended
  }

  /** It runs no more, and its connections stay. */
  freeze(): void {
    this.#signal('SIGSTOP')
  }

  thaw(): void {
    this.#signal('SIGCONT')
  }

  /** To the program itself: below another one it is the child of that. */
  #signal(signal: NodeJS.Signals): void {
    if (this.isEnded) return
    const pid = this.#child.pid!
    const isBelow = this.#child.spawnfile !== process.execPath
    const below = isBelow ? childrenOf(pid) : []
    process.kill(below[0] ?? pid, signal)
  }
}

function childrenOf(pid: number): number[] {
  try {
    const text = readFileSync(`/proc/${pid}/task/${pid}/children`, 'utf8')
    return text.split(' ').filter(Boolean).map(Number)
  } catch {
    // It has just ended.
    return []
  }
}
