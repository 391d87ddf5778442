/**
 * Which core a process runs on, by taskset(1): servers on one core, the generator on another, so that
 * neither takes the other's time. All threads of the server share its core, those that wait for the disk
 * included.
 */
import { spawnSync } from 'node:child_process'
import { availableParallelism } from 'node:os'

export const CORES = { server: 0, generator: 1 } as const

export function canPin(): boolean {
  return availableParallelism() >= 2 && spawnSync('taskset', ['-c', '0', 'true']).status === 0
}

/** The command line that runs `command` on `core`; null leaves it to the scheduler. */
export function pinned(core: number | null, command: string, args: string[]): [string, string[]] {
  return core === null ? [command, args] : ['taskset', ['-c', String(core), command, ...args]]
}
