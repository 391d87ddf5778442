/** What one run of a load generator found, whichever generator it was. */
export interface LoadFigures {
  readonly operations: number
  readonly seconds: number
  readonly opsPerSecond: number
  readonly serverCpuSeconds: number
  readonly serverCpuMicrosPerOp: number
  /** Of the generator itself: near 1 means that it, and not the server, sets the ops/s. 0: not known. */
  readonly clientCpuShare: number
  /** Microseconds from writing a batch to its last reply; 0 where the generator does not tell. */
  readonly p50Micros: number
  readonly p99Micros: number
  readonly p999Micros: number
  /** Why the run does not count, or null. */
  readonly invalid: string | null
}
