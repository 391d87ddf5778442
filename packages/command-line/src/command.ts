/**
 * How a program begins and ends: help and version, a wrong command line, signals. The one file of this
 * package that touches the process.
 */
import { UsageError } from './usage-error.ts'

export const EXIT = { stopped: 0, failed: 1, usage: 2, interrupted: 130 } as const

export interface CommandWords {
  /** As it calls itself in each line. */
  readonly program: string
  /** The command line without program and script. */
  readonly words: readonly string[]
  readonly version: string
  readonly help: () => string
}

/** One line on stderr. */
export function end(program: string, message: string, code: number): never {
  process.stderr.write(`${program}: ${message}\n`)
  process.exit(code)
}

/** What `read` returns. Help, version and a wrong command line are told, and end the process. */
export function settingsOrEnd<Settings>(command: CommandWords, read: () => Settings): Settings {
  const { program, words, version, help } = command
  if (words.some((word) => /^--?(help|h)$/.test(word))) {
    process.stdout.write(help())
    process.exit(EXIT.stopped)
  }
  if (words.some((word) => /^--?(version|v)$/.test(word))) {
    process.stdout.write(`${version}\n`)
    process.exit(EXIT.stopped)
  }
  try {
    return read()
  } catch (error) {
    if (error instanceof UsageError) end(program, error.message, EXIT.usage)
    throw error
  }
}

export interface Stopping {
  /** Null: nothing was begun that has to be ended. */
  readonly close: () => Promise<void> | null
  readonly onStopping: (signal: NodeJS.Signals) => void
}

/**
 * SIGINT and SIGTERM: `close`, then the end; once more: the end at once. To be called first of all: as
 * process 1 of a container a program is not ended by a signal that it does not handle.
 */
export function stopOnSignals(program: string, { close, onStopping }: Stopping): void {
  let stopping = false
  const stop = (signal: NodeJS.Signals) => {
    if (stopping) process.exit(EXIT.interrupted)
    const closed = close()
    if (closed === null) process.exit(EXIT.stopped)
    stopping = true
    onStopping(signal)
    closed.then(
      () => process.exit(EXIT.stopped),
      (error: Error) => end(program, `could not stop cleanly: ${error.message}`, EXIT.failed),
    )
  }
  process.on('SIGINT', stop)
  process.on('SIGTERM', stop)
}
