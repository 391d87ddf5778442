/** The node's clock and timers behind one port, so that nothing else reads the time. */
export interface Time {
  /** Wall milliseconds. */
  now(): number
  /** Milliseconds that only rise. */
  elapsedMs(): number
  every(ms: number, run: () => void): unknown
  cancel(handle: unknown): void
  sleep(ms: number): Promise<void>
  /** Right after what came in this turn of the event loop was taken. */
  afterPoll(run: () => void): void
}

export const systemTime: Time = {
  now: () => Date.now(),
  elapsedMs: () => performance.now(),
  every: (ms, run) => setInterval(run, ms).unref(),
  cancel: (handle) => clearInterval(handle as NodeJS.Timeout),
  sleep: (ms) => new Promise((resolve) => setTimeout(resolve, ms)),
  afterPoll: (run) => void setImmediate(run),
}
