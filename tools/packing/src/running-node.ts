/**
 * A node started as a program, seen from outside: its ready line names the port, SIGTERM ends it. For tests
 * that want the real thing.
 */
import { type ChildProcess, spawn } from 'node:child_process'

const READY_TIMEOUT_MS = 30_000

export interface RunningNode {
  readonly port: number
  readonly readyLine: string
  /** SIGTERM; resolves to the exit code. */
  stop(): Promise<number | null>
}

/** Starts `command` and waits for its ready line. Rejects with what it printed when it ends before. */
export function startProgram(command: string, args: readonly string[], cwd: string): Promise<RunningNode> {
  const child = spawn(command, args, { cwd, stdio: ['ignore', 'pipe', 'pipe'] })
  const ended = new Promise<number | null>((resolve) => child.once('exit', (code) => resolve(code)))
  return new Promise((resolve, reject) => {
    let printed = ''
    const timeout = setTimeout(() => fail('was not ready in time'), READY_TIMEOUT_MS)
    const fail = (what: string) => {
      clearTimeout(timeout)
      child.kill('SIGKILL')
      reject(new Error(`${command} ${args.join(' ')} ${what}:\n${printed}`))
    }
    const read = (chunk: Buffer) => {
      printed += chunk.toString()
      const readyLine = /^.*ready.*:(\d+)\b.*$/m.exec(printed)
      if (readyLine === null) return
      clearTimeout(timeout)
      resolve({ port: Number(readyLine[1]), readyLine: readyLine[0], stop: () => stop(child, ended) })
    }
    child.stdout.on('data', read)
    child.stderr.on('data', read)
    child.once('error', (error) => fail(error.message))
    void ended.then((code) => fail(`ended with code ${code}`))
  })
}

function stop(child: ChildProcess, ended: Promise<number | null>): Promise<number | null> {
  child.kill('SIGTERM')
  return ended
}
