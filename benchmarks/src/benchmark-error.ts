/**
 * Why a benchmark could not run, or must not be believed. The message is one line for a person: what is
 * wrong and what to do about it. `main.ts` turns the code into the exit code: usage is 2, everything else 1.
 */
export type BenchmarkErrorCode = 'BENCH_USAGE' | 'BENCH_MISSING' | 'BENCH_SERVER' | 'BENCH_INVALID'

export class BenchmarkError extends Error {
  override readonly name = 'BenchmarkError'
  readonly code: BenchmarkErrorCode

  constructor(code: BenchmarkErrorCode, message: string, options?: ErrorOptions) {
    super(message, options)
    this.code = code
  }
}
