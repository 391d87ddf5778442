/**
 * The edge of the world: the few files that may touch files, timers, the wall clock, randomness or the
 * process. Everything else gets them through a port (an interface passed in by options), which is what makes
 * it possible to crash a disk or stop the time in a test. One file a package for each; `src/main.ts` of an
 * app may do all of it.
 */
export const EDGES = ['files', 'timers', 'clock', 'randomness', 'process'] as const

export type Edge = (typeof EDGES)[number]

/** Package folder → edge → the one file that may touch it. */
export const PORT_FILES: Readonly<Record<string, Partial<Record<Edge, string>>>> = {
  'packages/wal': {
    files: 'src/node-file-system.ts',
    timers: 'src/node-scheduler.ts',
    randomness: 'src/node-scheduler.ts',
  },
  'packages/storage': {
    files: 'src/node-ports.ts',
    clock: 'src/node-ports.ts',
    process: 'src/node-ports.ts',
  },
  'packages/command-line': { files: 'src/files.ts', process: 'src/command.ts' },
  'packages/client': {
    timers: 'src/time.ts',
    clock: 'src/time.ts',
    randomness: 'src/time.ts',
    process: 'src/environment.ts',
  },
  'apps/master': {
    timers: 'src/time.ts',
    clock: 'src/time.ts',
    process: 'src/program.ts',
  },
  'apps/node': {
    timers: 'src/time.ts',
    clock: 'src/time.ts',
    process: 'src/health.ts',
  },
}

/** What a call or a name gives away, and what to use instead. */
export const EDGE_CALLS: Readonly<Record<string, { edge: Edge; instead: string }>> = {
  'Date.now': { edge: 'clock', instead: 'take `now: () => number` by options' },
  'performance.now': { edge: 'clock', instead: 'take `now: () => number` by options' },
  'Math.random': {
    edge: 'randomness',
    instead: 'take `random` by options; a test must be able to repeat it',
  },
  setTimeout: { edge: 'timers', instead: 'take a Scheduler by options' },
  setInterval: { edge: 'timers', instead: 'take a Scheduler by options' },
  setImmediate: { edge: 'timers', instead: 'take a Scheduler by options (`afterTurn`)' },
}
