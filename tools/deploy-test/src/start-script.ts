/** scripts/startup.sh as a user runs it: in a folder of his own, with words, until it ends. */
import { spawn } from 'node:child_process'
import { resolve } from 'node:path'
import type { Test } from 'tap'

const SCRIPT = resolve(import.meta.dirname, '../../../scripts/startup.sh')

export interface Ended {
  readonly code: number | null
  readonly stdout: string
  readonly stderr: string
}

export class StartScript {
  readonly ended: Promise<Ended>
  readonly #child
  readonly #looks = new Set<() => void>()
  stdout = ''
  stderr = ''

  constructor(t: Test, folder: string, words: readonly string[], environment: NodeJS.ProcessEnv = {}) {
    const options = { cwd: folder, env: { ...process.env, ...environment }, stdio: 'pipe' } as const
    this.#child = spawn(SCRIPT, words, options)
    this.#child.stdin.end()
    const looks = this.#looks
    this.#child.stdout.on('data', (text) => {
      this.stdout += text
      for (const look of looks) look()
    })
    this.#child.stderr.on('data', (text) => {
      this.stderr += text
    })
    this.ended = new Promise((resolve) =>
      this.#child.on('close', (code) => resolve({ code, stdout: this.stdout, stderr: this.stderr })),
    )
    // With what it has started, which it takes along when it ends in any way but this one.
    t.teardown(async () => {
      this.#child.kill('SIGTERM')
      await this.ended
    })
  }

  /** Resolves to what `pattern` matched on the standard output; rejects when it ends before. */
  until(pattern: RegExp): Promise<RegExpExecArray> {
    return new Promise((resolve, reject) => {
      const look = () => {
        const found = pattern.exec(this.stdout)
        if (found === null) return
        this.#looks.delete(look)
        resolve(found)
      }
      this.#looks.add(look)
      look()
      void this.ended.then((ended) => reject(new Error(`ended: ${JSON.stringify(ended)}`)))
    })
  }

  signal(name: NodeJS.Signals): void {
    this.#child.kill(name)
  }
}
