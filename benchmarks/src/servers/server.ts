/**
 * A server under measurement: a real process on loopback with a fresh folder of its own. `close()` stops it
 * and removes the folder; a server that ends by itself says why with the last lines it wrote.
 */
import { type ChildProcess, spawn } from 'node:child_process'
import { once } from 'node:events'
import { mkdtempSync, rmSync } from 'node:fs'
import { join } from 'node:path'
import { setTimeout as sleep } from 'node:timers/promises'
import { BenchmarkError } from '../benchmark-error.ts'
import { pinned } from './pinning.ts'

export const HOST = '127.0.0.1'
const START_MS = 20_000
const STOP_MS = 10_000
const OUTPUT_KEPT = 4000

export interface ServerPlan {
  readonly name: string
  readonly command: string
  readonly args: (directory: string) => string[]
  /** The port, once the output says or `probe` finds that the server answers; null while it does not. */
  readonly ready: (output: string) => Promise<number | null> | number | null
}

export class Server {
  readonly plan: ServerPlan
  readonly pid: number
  readonly port: number
  private readonly child: ChildProcess
  /** Its fresh folder. */
  readonly directory: string

  private constructor(plan: ServerPlan, child: ChildProcess, directory: string, port: number) {
    this.plan = plan
    this.child = child
    this.pid = child.pid!
    this.directory = directory
    this.port = port
  }

  static async start(plan: ServerPlan, parent: string, core: number | null): Promise<Server> {
    const directory = mkdtempSync(join(parent, 'minivault-bench-'))
    const [command, args] = pinned(core, plan.command, plan.args(directory))
    const child = spawn(command, args, { stdio: ['ignore', 'pipe', 'pipe'], cwd: directory })
    let output = ''
    const keep = (text: Buffer) => {
      output = (output + text.toString()).slice(-OUTPUT_KEPT)
    }
    child.stdout.on('data', keep)
    child.stderr.on('data', keep)
    child.on('error', (error) => keep(Buffer.from(error.message)))
    for (let waited = 0; waited < START_MS; waited += 20) {
      const port = await plan.ready(output)
      if (port !== null) return new Server(plan, child, directory, port)
      if (child.exitCode !== null || child.pid === undefined) break
      await sleep(20)
    }
    child.kill('SIGKILL')
    rmSync(directory, { recursive: true, force: true })
    throw new BenchmarkError(
      'BENCH_SERVER',
      `${plan.name} did not start: ${output.trim().slice(-400) || 'no output'}`,
    )
  }

  async close(): Promise<void> {
    if (this.child.exitCode === null && this.child.signalCode === null) {
      const exit = once(this.child, 'exit')
      this.child.kill('SIGTERM')
      const kill = new AbortController()
      sleep(STOP_MS, undefined, { signal: kill.signal }).then(
        () => this.child.kill('SIGKILL'),
        () => {},
      )
      await exit
      kill.abort()
    }
    rmSync(this.directory, { recursive: true, force: true })
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.close()
  }
}
