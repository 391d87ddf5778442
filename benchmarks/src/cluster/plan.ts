/**
 * What a whole run measures. Cases of one durability and size share their servers; those with a member away
 * come last, since it misses writes meanwhile. etcd knows one durability, fsync: it stands beside that.
 */
import type { NodeDurability } from '../servers/minivault-server.ts'
import type { Away, ClusterCase } from './figures.ts'

export const CONNECTIONS = 50
const PIPELINES = [1, 16]
const SMALL = 64
const LARGER = 1024

export const CASES: readonly ClusterCase[] = [
  ...sets('memory', SMALL),
  ...sets('memory', LARGER),
  ...sets('os', SMALL),
  ...sets('os', LARGER),
  ...PIPELINES.map((pipeline) => caseOf('set', 'os', LARGER, pipeline, { level: 'one' })),
  ...PIPELINES.map((pipeline) => caseOf('set', 'os', LARGER, pipeline, { isThroughOne: true })),
  ...away('frozen', [['set', 'os', 16]]),
  ...away('killed', [['set', 'os', 16]]),
  ...sets('fsync', SMALL),
  ...gets(SMALL),
  ...sets('fsync', LARGER),
  ...gets(LARGER),
  ...PIPELINES.map((pipeline) => caseOf('get', 'fsync', LARGER, pipeline, { level: 'one' })),
  caseOf('set', 'fsync', LARGER, 1, { isThroughOne: true }),
  caseOf('get', 'fsync', LARGER, 16, { isThroughOne: true }),
  ...away('frozen', [
    ['set', 'fsync', 1],
    ['get', 'fsync', 16],
  ]),
  ...away('killed', [
    ['set', 'fsync', 1],
    ['get', 'fsync', 16],
  ]),
]

function sets(durability: NodeDurability, valueBytes: number): ClusterCase[] {
  return PIPELINES.map((pipeline) => caseOf('set', durability, valueBytes, pipeline))
}

/** At fsync, for etcd's sake: what is read is durable on either side. */
function gets(valueBytes: number): ClusterCase[] {
  return PIPELINES.map((pipeline) => caseOf('get', 'fsync', valueBytes, pipeline))
}

function away(
  who: Away,
  cases: readonly (readonly ['set' | 'get', NodeDurability, number])[],
): ClusterCase[] {
  return cases.map(([operation, durability, pipeline]) =>
    caseOf(operation, durability, LARGER, pipeline, { away: who }),
  )
}

function caseOf(
  operation: 'set' | 'get',
  durability: NodeDurability,
  valueBytes: number,
  pipeline: number,
  changes: Partial<ClusterCase> = {},
): ClusterCase {
  const isPlain = Object.keys(changes).length === 0
  const shape = { operation, durability, valueBytes, pipeline, level: 'quorum' } as const
  return {
    ...shape,
    isThroughOne: false,
    away: 'nobody',
    contestants: [
      'trio',
      ...(isPlain ? ['single' as const] : []),
      ...(durability === 'fsync' ? ['etcd' as const] : []),
    ],
    ...changes,
  }
}

/** Those that share servers, in order. */
export function groupCases(cases: readonly ClusterCase[]): ClusterCase[][] {
  const groups = new Map<string, ClusterCase[]>()
  for (const one of cases) {
    const name = `${one.durability} ${one.valueBytes}`
    groups.set(name, [...(groups.get(name) ?? []), one])
  }
  return [...groups.values()]
}
