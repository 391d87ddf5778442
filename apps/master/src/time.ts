/** The master's clock and timers behind one port, so that nothing else reads the time. */
export interface Time {
  /** The wall clock, in milliseconds. */
  now(): number
  /** Milliseconds that only rise. */
  elapsedMs(): number
  every(ms: number, run: () => void): unknown
  cancel(handle: unknown): void
}

export const systemTime: Time = {
  now: Date.now,
  elapsedMs: () => performance.now(),
  every: (ms, run) => setInterval(run, ms).unref(),
  cancel: (handle) => clearInterval(handle as NodeJS.Timeout),
}
