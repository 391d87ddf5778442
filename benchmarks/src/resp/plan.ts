/**
 * What a whole run measures: GET and SET of 64 B with every pipeline, SET at every level of durability, and
 * the other commands at one pipeline. Reads do not depend on the level. DEL comes last among those that share
 * servers, since it leaves no keys behind.
 */
import type { NodeDurability } from '../servers/minivault-server.ts'
import { PAIRS } from '../servers/pairs.ts'
import type { CommandName } from './commands.ts'
import type { RespCase } from './figures.ts'

const PIPELINES = [1, 16, 64]
const OTHERS_PIPELINE = 16
const CONNECTIONS = 50
const SMALL = 64
const LARGER = 1024

export const CASES: readonly RespCase[] = [
  ...PIPELINES.map((pipeline) => caseOf('get', 'memory', SMALL, pipeline)),
  ...PIPELINES.map((pipeline) => caseOf('set', 'memory', SMALL, pipeline)),
  ...(['ping', 'incr', 'mget', 'mset', 'del'] as const).map((command) => caseOf(command, 'memory')),
  ...PIPELINES.map((pipeline) => caseOf('set', 'os', SMALL, pipeline)),
  ...(['incr', 'mset', 'getset'] as const).map((command) => caseOf(command, 'os')),
  ...PIPELINES.map((pipeline) => caseOf('set', 'fsync', SMALL, pipeline)),
  caseOf('get', 'memory', LARGER),
  caseOf('set', 'os', LARGER),
]

function caseOf(
  command: CommandName,
  level: NodeDurability,
  valueBytes = SMALL,
  pipeline = OTHERS_PIPELINE,
): RespCase {
  const [minivault, redis] = PAIRS.find(([one]) => one === level)!
  const isJudged = command === 'get' || command === 'set'
  const hasOurs = isJudged && valueBytes === SMALL && level !== 'fsync'
  return { command, minivault, redis, valueBytes, connections: CONNECTIONS, pipeline, hasOurs }
}

/** Those that share servers and keys, in order. */
export function groupCases(cases: readonly RespCase[]): RespCase[][] {
  const groups = new Map<string, RespCase[]>()
  for (const one of cases) {
    const name = `${one.minivault} ${one.valueBytes}`
    groups.set(name, [...(groups.get(name) ?? []), one])
  }
  return [...groups.values()]
}
