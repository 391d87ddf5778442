/**
 * A run as it goes on: what is measured is shown in a table line by line and kept; what cannot be measured is
 * said and does not stop the rest.
 */
import { BenchmarkError } from './benchmark-error.ts'
import { type Column, terminalHeader, terminalLine } from './report/table.ts'

/** A part that could not be measured, with the reason. */
export interface FailedResult {
  readonly part: 'failed'
  readonly what: string
  readonly reason: string
}

export class Run<Result extends { readonly part: string }> {
  readonly results: (Result | FailedResult)[] = []
  readonly #onResult: (result: Result | FailedResult) => void

  /** `onResult` is told of each one at once. */
  constructor(onResult: (result: Result | FailedResult) => void) {
    this.#onResult = onResult
  }

  get hasFailed(): boolean {
    return this.results.some(({ part }) => part === 'failed')
  }

  async attempt(what: string, measure: () => Promise<void>): Promise<void> {
    try {
      await measure()
    } catch (error) {
      const { message, stack } = error as Error
      process.stderr.write(`bench: ${what}: ${error instanceof BenchmarkError ? message : stack}\n`)
      this.#keep({ part: 'failed', what, reason: message })
    }
  }

  /** Begins a table; what it returns takes its rows. */
  table<One extends Result>(columns: readonly Column<One>[]): (result: One) => void {
    process.stdout.write(`\n${terminalHeader(columns)}`)
    return (result) => {
      this.#keep(result)
      process.stdout.write(terminalLine(columns, result))
    }
  }

  #keep(result: Result | FailedResult): void {
    this.results.push(result)
    this.#onResult(result)
  }
}

/** For the page: a line for each part that is missing in it. */
export function failedLines(results: readonly { readonly part: string }[]): string {
  return results
    .filter((result): result is FailedResult => result.part === 'failed')
    .map(({ what, reason }) => `- not measured: ${what}: ${reason}\n`)
    .join('')
}
