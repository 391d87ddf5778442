/**
 * The real world behind the store's own small ports: the wall clock, and what is known of processes on this
 * machine. (Disk, event loop and randomness are the log's ports.) The only file of the package that imports
 * `node:fs`.
 */

import { readFileSync } from 'node:fs'
import { hostname } from 'node:os'

/** Who holds a folder, and how to tell whether somebody who did is still there. */
export interface ProcessTable {
  readonly pid: number
  readonly host: string
  /** Tells this life of a pid from every other; '' where the system does not say. */
  startOf(pid: number): string
  isAlive(pid: number): boolean
}

export const nodeNow: () => number = () => Date.now()

/** Milliseconds of a clock that only goes on: for what something took, not for what time it is. */
export const nodeElapsedMs: () => number = () => performance.now()

/** Tells this start of the machine from every other; '' where the system does not say. */
export function nodeBoot(): string {
  try {
    return readFileSync('/proc/sys/kernel/random/boot_id', 'utf8').trim()
  } catch {
    return ''
  }
}

export const nodeProcesses: ProcessTable = {
  pid: process.pid,
  get host() {
    return hostname()
  },
  startOf(pid) {
    try {
      const boot = readFileSync('/proc/sys/kernel/random/boot_id', 'utf8').trim()
      const stat = readFileSync(`/proc/${pid}/stat`, 'utf8')
      // The name in parentheses may hold anything; field 22 counts from behind its end.
      const fields = stat.slice(stat.lastIndexOf(')') + 2).split(' ')
      return `${boot}:${fields[19]}`
    } catch {
      return ''
    }
  },
  isAlive(pid) {
    try {
      process.kill(pid, 0)
      return true
    } catch (error) {
      return (error as NodeJS.ErrnoException).code === 'EPERM'
    }
  },
}
