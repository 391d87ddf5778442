/**
 * What a whole run measures. GET does not depend on the level of durability and stands at one; a thousand
 * connections are one row; the floor takes part where the target of the fast way is judged.
 */
import type { NodeDurability } from '../servers/minivault-server.ts'
import type { HttpCase } from './figures.ts'
import type { RequestKind } from './requests.ts'

const CONNECTIONS = 50
const MANY = 1000

/** All cases, those that can share their servers next to each other. */
export const CASES: readonly HttpCase[] = [
  { ...caseOf('get', 'memory', 64), hasFloor: true },
  { ...caseOf('get', 'memory', 64), connections: MANY },
  caseOf('getRaw', 'memory', 64),
  caseOf('unchanged', 'memory', 64),
  caseOf('absent', 'memory', 64),
  caseOf('get', 'memory', 1024),
  caseOf('getRaw', 'memory', 1024),
  caseOf('put', 'memory', 1024),
  caseOf('get', 'memory', 16_384),
  caseOf('getRaw', 'memory', 16_384),
  caseOf('put', 'os', 1024),
  caseOf('putRaw', 'os', 1024),
  caseOf('put', 'fsync', 1024),
]

function caseOf(kind: RequestKind, durability: NodeDurability, valueBytes: number): HttpCase {
  return { kind, durability, valueBytes, connections: CONNECTIONS, hasFloor: false }
}

/** Neighbours that share a minivault-node with its keys. */
export function groupCases(cases: readonly HttpCase[]): HttpCase[][] {
  const groups = new Map<string, HttpCase[]>()
  for (const one of cases) {
    const name = `${one.durability} ${one.valueBytes}`
    groups.set(name, [...(groups.get(name) ?? []), one])
  }
  return [...groups.values()]
}
