/**
 * A program under measurement, started in a folder and known to be ready. `stop()` ends it and leaves the
 * folder; a program that ends by itself before it is ready says why with the last lines it wrote.
 */
import { type ChildProcess, spawn } from 'node:child_process'
import { once } from 'node:events'
import { setTimeout as sleep } from 'node:timers/promises'
import { BenchmarkError } from '../benchmark-error.ts'
import { pinned } from './pinning.ts'

const START_MS = 60_000
const STOP_MS = 10_000
const OUTPUT_KEPT = 4000

export interface ServerPlan {
  readonly name: string
  readonly command: string
  readonly args: (directory: string) => string[]
  /** Added to the environment. */
  readonly environment?: Readonly<Record<string, string>>
  /** Else a minute. */
  readonly readyWithinMs?: number
  /** The port, once the output says or `probe` finds that the server answers; null while it does not. */
  readonly ready: (output: string) => Promise<number | null> | number | null
}

export class StartedProcess {
  readonly port: number
  private readonly child: ChildProcess

  private constructor(child: ChildProcess, port: number) {
    this.child = child
    this.port = port
  }

  static async start(plan: ServerPlan, directory: string, core: number | null): Promise<StartedProcess> {
    const [command, args] = pinned(core, plan.command, plan.args(directory))
    const env = { ...process.env, ...plan.environment }
    const child = spawn(command, args, { stdio: ['ignore', 'pipe', 'pipe'], cwd: directory, env })
    let output = ''
    const keep = (text: Buffer) => {
      output = (output + text.toString()).slice(-OUTPUT_KEPT)
    }
    child.stdout.on('data', keep)
    child.stderr.on('data', keep)
    child.on('error', (error) => keep(Buffer.from(error.message)))
    for (let waited = 0; waited < (plan.readyWithinMs ?? START_MS); waited += 20) {
      const port = await plan.ready(output)
      if (port !== null) return new StartedProcess(child, port)
      if (child.exitCode !== null || child.signalCode !== null || child.pid === undefined) break
      await sleep(20)
    }
    child.kill('SIGKILL')
    const said = output.trim().slice(-400) || 'no output'
    throw new BenchmarkError('BENCH_SERVER', `${plan.name} did not start: ${said}`)
  }

  get pid(): number {
    return this.child.pid!
  }

  /** Held still until it is thawed: its connections stay, and it says nothing. */
  freeze(): void {
    this.child.kill('SIGSTOP')
  }

  thaw(): void {
    this.child.kill('SIGCONT')
  }

  async stop(signal: 'SIGTERM' | 'SIGKILL' = 'SIGTERM'): Promise<void> {
    if (this.child.exitCode !== null || this.child.signalCode !== null) return
    const exit = once(this.child, 'exit')
    this.child.kill(signal)
    this.thaw()
    const kill = new AbortController()
    sleep(STOP_MS, undefined, { signal: kill.signal }).then(
      () => this.child.kill('SIGKILL'),
      () => {},
    )
    await exit
    kill.abort()
  }
}
