/** Every bound of the core has its name here. */
export interface Limits {
  /**
   * Requests of which a replica remembers what it held; a power of two. Must outlast the clients' retries.
   */
  readonly ledgerEntries: number
  /** Operations under way at one coordinator. */
  readonly operationsMax: number
  /** Rounds that wait for another one on their key. */
  readonly roundQueueMax: number
  /** Tries of a round before its operation is given up, whatever its deadline. */
  readonly roundTriesMax: number
  /** A reader asks anew this often when what it saw was overtaken; then it runs a round. */
  readonly readTriesMax: number
}

export const LIMITS: Limits = {
  ledgerEntries: 64 * 1024,
  operationsMax: 64 * 1024,
  roundQueueMax: 1024,
  roundTriesMax: 32,
  readTriesMax: 3,
}

/** How long an answer is waited for is measured; these are its bounds. */
export const PATIENCE_MS_MIN = 20
export const PATIENCE_MS_MAX = 2000
