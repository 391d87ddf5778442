/**
 * A node started as a program, seen from outside: its ready line names the port, SIGTERM ends it. For tests
 * that want the real thing.
 */
import { type ChildProcess, spawn } from 'node:child_process'

const READY_TIMEOUT_MS = 30_000

export interface RunningNode {
  readonly port: number
  readonly readyLine: string
  /** From its start to its ready line, in milliseconds. */
  readonly readyMs: number
  /** SIGTERM to it and to all it has started; resolves to the exit code once all of them have ended. */
  stop(): Promise<number | null>
}

/** Starts `command` and waits for its ready line. Rejects with what it printed when it ends before. */
export function startProgram(command: string, args: readonly string[], cwd: string): Promise<RunningNode> {
  const started = performance.now()
  // A group of its own: npx hands no signal on to what it runs.
  const child = spawn(command, args, { cwd, stdio: ['ignore', 'pipe', 'pipe'], detached: true })
  const ended = new Promise<number | null>((resolve) => child.once('close', (code) => resolve(code)))
  return new Promise((resolve, reject) => {
    let printed = ''
    const timeout = setTimeout(() => fail('was not ready in time'), READY_TIMEOUT_MS)
    const fail = (what: string) => {
      clearTimeout(timeout)
      signalGroup(child, 'SIGKILL')
      reject(new Error(`${command} ${args.join(' ')} ${what}:\n${printed}`))
    }
    const read = (chunk: Buffer) => {
      printed += chunk.toString()
      const readyLine = /^.*ready.*:(\d+)\b.*$/m.exec(printed)
      if (readyLine === null) return
      clearTimeout(timeout)
      const readyMs = performance.now() - started
      const port = Number(readyLine[1])
      resolve({ port, readyLine: readyLine[0], readyMs, stop: () => stop(child, ended) })
    }
    child.stdout.on('data', read)
    child.stderr.on('data', read)
    child.once('error', (error) => fail(error.message))
    void ended.then((code) => fail(`ended with code ${code}`))
  })
}

function stop(child: ChildProcess, ended: Promise<number | null>): Promise<number | null> {
  signalGroup(child, 'SIGTERM')
  return ended
}

function signalGroup({ pid }: ChildProcess, signal: NodeJS.Signals): void {
  if (pid === undefined) return
  try {
    process.kill(-pid, signal)
  } catch (error) {
    // All of them have ended.
    if ((error as NodeJS.ErrnoException).code !== 'ESRCH') throw error
  }
}
