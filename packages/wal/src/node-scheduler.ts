/**
 * The real event loop behind the Scheduler port, and real randomness. Timers keep the process alive: at most
 * some milliseconds, and what they write would be lost otherwise.
 */
import { randomBytes } from 'node:crypto'
import type { Scheduler } from './scheduler.ts'

export const nodeScheduler: Scheduler = {
  afterTurn: (run) => void setImmediate(run),
  after: (ms, run) => setTimeout(run, ms),
  cancel: (handle) => clearTimeout(handle as NodeJS.Timeout),
}

export const nodeRandom: (n: number) => Uint8Array = randomBytes
