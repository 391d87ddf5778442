/**
 * Who may import whom. The tree is the architecture, and this table is the tree's law:
 *
 *   level 4   apps/node        apps/master        wiring, process, sockets
 *   level 3   cluster          client             policy | access
 *   level 2   storage          protocol           state  | bytes
 *   level 1   wal                                 log
 *   leaves    clock   topology   codec            pure, used by several levels
 *             command-line                        of every program
 *
 * An import goes down only. `mayImport` is the whole list; what is not in it is forbidden, also through
 * package.json.
 * `mustNotKnow` lists what of Node itself is out of bounds: sockets below the apps, files outside one port
 * file.
 */
export interface Layer {
  readonly mayImport: readonly string[]
  readonly mustNotKnow: readonly Capability[]
}

export const CAPABILITY_MODULES = {
  sockets: ['net', 'http', 'https', 'http2', 'dgram', 'dns', 'dns/promises', 'undici', 'ws'],
  /** Certificates are checked by what makes connections. */
  tls: ['tls'],
  files: ['fs', 'fs/promises'],
  timers: ['timers', 'timers/promises'],
  processes: ['child_process', 'cluster', 'worker_threads'],
} as const

export type Capability = keyof typeof CAPABILITY_MODULES

const PURE: readonly Capability[] = ['sockets', 'tls', 'files', 'timers', 'processes']

export const LAYERS: Readonly<Record<string, Layer>> = {
  '@minivault/clock': { mayImport: [], mustNotKnow: PURE },
  '@minivault/topology': { mayImport: [], mustNotKnow: PURE },
  '@minivault/codec': { mayImport: [], mustNotKnow: PURE },
  '@minivault/command-line': { mayImport: [], mustNotKnow: ['sockets', 'timers', 'processes'] },
  '@minivault/wal': { mayImport: [], mustNotKnow: ['sockets', 'tls'] },
  '@minivault/protocol': { mayImport: ['@minivault/clock', '@minivault/topology'], mustNotKnow: PURE },
  '@minivault/storage': {
    mayImport: ['@minivault/wal', '@minivault/clock', '@minivault/codec'],
    mustNotKnow: ['sockets', 'tls'],
  },
  '@minivault/cluster': {
    mayImport: ['@minivault/clock', '@minivault/topology', '@minivault/storage'],
    mustNotKnow: PURE,
  },
  '@minivault/client': {
    mayImport: ['@minivault/protocol', '@minivault/topology', '@minivault/clock', '@minivault/codec'],
    mustNotKnow: ['files', 'processes'],
  },
  // `-mode master` is the master itself, and a worker speaks to one in the master's words.
  '@minivault/node': { mayImport: [...belowTheApps(), '@minivault/master'], mustNotKnow: [] },
  '@minivault/master': { mayImport: belowTheApps(), mustNotKnow: [] },
}

/** From these layers only types may be taken: the importer gets the real thing through a port. */
export const TYPES_ONLY: Readonly<Record<string, readonly string[]>> = {
  '@minivault/cluster': ['@minivault/storage'],
}

function belowTheApps(): string[] {
  const names = ['storage', 'protocol', 'cluster', 'client', 'clock', 'topology', 'codec', 'command-line']
  return names.map((name) => `@minivault/${name}`)
}

/** What to do instead of importing `to` from `from`, in words. */
export function insteadOf(from: string, to: string): string {
  const allowed = LAYERS[from]?.mayImport ?? []
  const direct = allowed.filter((layer) => mayUse(layer, to))
  const through = direct.length > 0 ? direct : allowed.filter((layer) => reaches(layer, to))
  if (through.length > 0) return `go through ${through.join(' or ')}`
  if (reaches(to, from)) return `${to} stands above: hand it what it needs through a port it can call`
  const both = Object.keys(LAYERS).filter((name) => mayUse(name, from) && mayUse(name, to))
  if (both.length > 0) return `what needs both belongs in ${both.join(' or ')}`
  return `${from} may import ${allowed.length === 0 ? 'nothing of ours' : allowed.join(', ')}`
}

function mayUse(name: string, other: string): boolean {
  return LAYERS[name]?.mayImport.includes(other) ?? false
}

/** Whether `to` is below `from`, directly or through others. */
function reaches(from: string, to: string): boolean {
  const allowed = LAYERS[from]?.mayImport ?? []
  return allowed.includes(to) || allowed.some((layer) => reaches(layer, to))
}
