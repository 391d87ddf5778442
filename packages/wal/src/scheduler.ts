/**
 * The port to time: when this turn of the event loop has been worked off, and after some milliseconds. The
 * log asks for nothing else, so a test can drive it by hand.
 */
export interface Scheduler {
  /** Runs once what the event loop has at hand is done (right after the poll phase). */
  afterTurn(run: () => void): void
  /** Returns a handle for `cancel`. */
  after(ms: number, run: () => void): unknown
  cancel(handle: unknown): void
}
