/**
 * What a whole run measures: of the cube (operation × level × value × connections × pipeline) the part that
 * the targets and the usual questions need.
 *
 *   64 B and 50 connections: every operation × level × pipeline
 *   1 and 1,000 connections: SET and GET of 64 B at pipeline 1 and 16
 *   1 KB, 16 KB, 1 MB:       SET, GET and the mix, with fewer in flight where values are large
 *
 * GET does not depend on the level, so it stands at one. The floor, the frame form and redis-benchmark take
 * part where minivault and redis stand at their lowest level: there the wire is nearly all of the work.
 */

import { WORKLOADS, type Workload } from '../load/request-batches.ts'
import type { NodeDurability } from '../servers/minivault-server.ts'
import { PAIRS } from '../servers/pairs.ts'
import type { ContestantName, WireCase } from './figures.ts'

const PIPELINES = [1, 16, 64]
const CONNECTIONS = 50
const SMALL = 64
const OTHERS: readonly ContestantName[] = ['frames', 'floor', 'redisBenchmark']

export interface Wanted {
  readonly operation?: Workload | undefined
  readonly durability?: NodeDurability | undefined
  readonly valueBytes?: readonly number[] | undefined
  readonly connections?: readonly number[] | undefined
  readonly pipelines?: readonly number[] | undefined
}

/** The whole plan; or, as soon as anything is asked for, every combination of that. */
export function planCases(wanted: Wanted): WireCase[] {
  if (Object.values(wanted).every((value) => value === undefined)) {
    return [
      ...WORKLOADS.flatMap((operation) => cube({ operation })),
      ...(['set', 'get'] as const).flatMap((operation) =>
        cube({ operation, durability: levelBeside(operation), connections: [1, 1000], pipelines: [1, 16] }),
      ),
      ...[1024, 16_384].flatMap((bytes) => alongValues(bytes, 16)),
      ...alongValues(2 ** 20, 1),
    ]
  }
  const operations = wanted.operation === undefined ? WORKLOADS : [wanted.operation]
  return operations.flatMap((operation) => cube({ ...wanted, operation }))
}

function alongValues(bytes: number, pipeline: number): WireCase[] {
  return WORKLOADS.flatMap((operation) =>
    cube({ operation, durability: levelBeside(operation), valueBytes: [bytes], pipelines: [pipeline] }),
  )
}

function levelBeside(operation: Workload): NodeDurability {
  return operation === 'get' ? 'memory' : 'os'
}

function cube(wanted: Wanted & { readonly operation: Workload }): WireCase[] {
  const { operation, durability } = wanted
  const isWanted = (level: NodeDurability) =>
    durability === undefined ? operation === 'set' || level === levelBeside(operation) : level === durability
  return PAIRS.filter(([level]) => isWanted(level)).flatMap(([minivault, redis]) =>
    (wanted.valueBytes ?? [SMALL]).flatMap((valueBytes) =>
      (wanted.connections ?? [CONNECTIONS]).flatMap((connections) => {
        const isCore = minivault === 'memory' && valueBytes === SMALL && connections === CONNECTIONS
        const others = isCore && operation !== 'mix' ? OTHERS : []
        return (wanted.pipelines ?? PIPELINES).map((pipeline) => {
          return { operation, minivault, redis, valueBytes, connections, pipeline, others }
        })
      }),
    ),
  )
}
