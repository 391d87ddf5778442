/** The parent's side of the generator process: one request to it at a time, `close()` ends it. */
import { type ChildProcess, spawn } from 'node:child_process'
import { once } from 'node:events'
import { fileURLToPath } from 'node:url'
import { BenchmarkError } from '../benchmark-error.ts'
import { pinned } from '../servers/pinning.ts'
import type { LargeFigures, LargeOptions } from './large-load.ts'
import type { LoadOptions } from './load.ts'
import type { LoadFigures } from './load-figures.ts'

export type GeneratorTask =
  | { readonly kind: 'load'; readonly options: LoadOptions }
  | { readonly kind: 'large'; readonly options: LargeOptions }

export class Generator {
  private readonly child: ChildProcess

  private constructor(child: ChildProcess) {
    this.child = child
  }

  static start(core: number | null): Generator {
    const main = fileURLToPath(new URL('generator-main.ts', import.meta.url))
    const [command, args] = pinned(core, process.execPath, ['--import=tsx', main])
    return new Generator(spawn(command, args, { stdio: ['ignore', 'inherit', 'inherit', 'ipc'] }))
  }

  run(options: LoadOptions): Promise<LoadFigures> {
    return this.ask<LoadFigures>({ kind: 'load', options })
  }

  transfer(options: LargeOptions): Promise<LargeFigures> {
    return this.ask<LargeFigures>({ kind: 'large', options })
  }

  private async ask<T>(task: GeneratorTask): Promise<T> {
    this.child.send(task)
    const ended = new AbortController()
    const [answer] = await Promise.race([
      once(this.child, 'message', { signal: ended.signal }),
      once(this.child, 'exit', { signal: ended.signal }).then(() => [{ failed: 'its process ended' }]),
    ]).finally(() => ended.abort())
    if ('failed' in answer)
      throw new BenchmarkError('BENCH_INVALID', `the load generator failed: ${answer.failed}`)
    return answer as T
  }

  async close(): Promise<void> {
    if (this.child.exitCode !== null || this.child.signalCode !== null) return
    const exit = once(this.child, 'exit')
    this.child.kill('SIGKILL')
    await exit
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.close()
  }
}
