/** Which engine by its name. Only the one that is asked for is loaded. */
import type { EngineName, OpenEngine } from './engine.ts'

export const OPENERS: Record<EngineName, () => Promise<OpenEngine>> = {
  minivault: async () => (await import('./minivault.ts')).openMinivault,
  lmdb: async () => (await import('./lmdb.ts')).openLmdb,
  'classic-level': async () => (await import('./classic-level.ts')).openClassicLevel,
  'better-sqlite3': async () => (await import('./better-sqlite3.ts')).openSqlite,
  Map: async () => (await import('./map.ts')).openMap,
  pread: async () => (await import('./pread.ts')).openPread,
}
