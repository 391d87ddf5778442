/**
 * The parent's side of an engine's process: a fresh folder, a fresh process, one call at a time. The program
 * is bundled from source when the first one starts, as an app's build does it. tsx would do, but it names
 * every closure when it is made, which alone was 3 % of a read from the page cache.
 */
import { type ChildProcess, spawn } from 'node:child_process'
import { once } from 'node:events'
import { mkdtempSync, rmSync } from 'node:fs'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { build } from 'esbuild'
import { BenchmarkError } from '../benchmark-error.ts'
import { DATA_PARENT, ROOT } from '../machine.ts'
import type { Session, SessionOptions } from './session.ts'

const HERE = fileURLToPath(new URL('.', import.meta.url))
/** Below benchmarks/, where the rivals are found. */
const BUNDLED = join(ROOT, 'benchmarks', 'dist', 'storage')

type Method = Exclude<keyof Session, 'prototype'>

let bundled: Promise<unknown> | null = null

function bundle(): Promise<unknown> {
  return build({
    entryPoints: [join(HERE, 'contestant-main.ts')],
    outdir: BUNDLED,
    bundle: true,
    // Else every module would be wrapped, and its constants be variables.
    splitting: true,
    platform: 'node',
    format: 'esm',
    target: 'node20',
    conditions: ['minivault:source'],
    // Packages stay outside, as they are: what is measured of ours needs none.
    external: ['lmdb', 'classic-level', 'better-sqlite3', 'lz4-napi', 'xxhash-addon', 'zstd-napi', 'fzstd'],
    logLevel: 'error',
  })
}

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
    await (bundled ??= bundle())
    const child = spawn(process.execPath, ['--expose-gc', join(BUNDLED, 'contestant-main.js')], {
      stdio: ['ignore', 'inherit', 'inherit', 'ipc'],
      serialization: 'advanced',
    })
    const folder = directory ?? mkdtempSync(join(DATA_PARENT, 'minivault-bench-'))
    const all = { ...options, directory: folder, valueBytes: options.shape.valueBytes }
    const contestant = new Contestant(all, child, directory === undefined)
    try {
      await contestant.#ask('start', [all])
    } catch (error) {
      await contestant[Symbol.asyncDispose]()
      throw error
    }
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
