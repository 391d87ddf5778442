/** What can go wrong with versions and the clock. The README says when each code happens and what to do. */
export type ClockErrorCode = 'CLOCK_BAD_VERSION' | 'CLOCK_EXHAUSTED' | 'CLOCK_REENTERED'

export class ClockError extends Error {
  override readonly name = 'ClockError'
  readonly code: ClockErrorCode

  constructor(code: ClockErrorCode, message: string) {
    super(message)
    this.code = code
  }
}
