/**
 * The parent's side of an engine's process: a fresh folder, a fresh process, one call at a time. The engine
 * and minivault run from source through tsx, which turns each module into JavaScript once, as it is loaded:
 * beside one bundled file the same operations took the same time within the noise (view 241 and 250 ns,
 * getSync 713 and 670, set 1,743 and 1,440 to 1,803).
 */
import { type ChildProcess, spawn } from 'node:child_process'
import { once } from 'node:events'
import { mkdtempSync, rmSync } from 'node:fs'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { BenchmarkError } from '../benchmark-error.ts'
import { DATA_PARENT } from '../machine.ts'
import type { Session, SessionOptions } from './session.ts'

const NODE_FLAGS = ['--expose-gc', '--import=tsx', '--conditions=minivault:source']

type Method = Exclude<keyof Session, 'prototype'>

export class Contestant {
  readonly options: SessionOptions
  readonly #child: ChildProcess
  readonly #ownsDirectory: boolean

  private constructor(options: SessionOptions, child: ChildProcess, ownsDirectory: boolean) {
    this.options = options
    this.#child = child
    this.#ownsDirectory = ownsDirectory
  }

  /**
   * In a folder of its own, which goes when it is closed; or in that of another one, which must be closed.
   */
  static async start(
    options: Omit<SessionOptions, 'directory' | 'valueBytes'>,
    directory?: string,
  ): Promise<Contestant> {
    const main = fileURLToPath(new URL('contestant-main.ts', import.meta.url))
    const child = spawn(process.execPath, [...NODE_FLAGS, main], {
      cwd: fileURLToPath(new URL('.', import.meta.url)),
      stdio: ['ignore', 'inherit', 'inherit', 'ipc'],
      serialization: 'advanced',
    })
    const folder = directory ?? mkdtempSync(join(DATA_PARENT, 'minivault-bench-'))
    const all = { ...options, directory: folder, valueBytes: options.shape.valueBytes }
    const contestant = new Contestant(all, child, directory === undefined)
    await contestant.#ask('start', [all])
    return contestant
  }

  call<M extends Method>(
    method: M,
    ...args: Parameters<Session[M]>
  ): Promise<Awaited<ReturnType<Session[M]>>> {
    return this.#ask(method, args) as Promise<Awaited<ReturnType<Session[M]>>>
  }

  async #ask(method: string, args: unknown[]): Promise<unknown> {
    this.#child.send({ method, args })
    const ended = new AbortController()
    const [answer] = await Promise.race([
      once(this.#child, 'message', { signal: ended.signal }),
      once(this.#child, 'exit', { signal: ended.signal }).then(() => [{ failed: 'its process ended' }]),
    ]).finally(() => ended.abort())
    if ('failed' in answer) {
      const what = `${this.options.engine}, ${method}: ${answer.failed}`
      throw new BenchmarkError('BENCH_INVALID', what)
    }
    return answer.result
  }

  /** Ends the process; the folder stays when it belongs to another. */
  async stop(): Promise<void> {
    if (this.#child.exitCode === null && this.#child.signalCode === null) {
      const exit = once(this.#child, 'exit')
      this.#child.kill('SIGKILL')
      await exit
    }
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.stop()
    if (this.#ownsDirectory) rmSync(this.options.directory, { recursive: true, force: true })
  }
}
