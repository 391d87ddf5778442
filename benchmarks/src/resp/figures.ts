/** What a case of RESP is, and the shapes of what stands in results/resp.ndjson, one line each. */
import type { RunFacts } from '../machine.ts'
import type { Measured } from '../rounds/summary.ts'
import type { FailedResult } from '../run.ts'
import type { NodeDurability } from '../servers/minivault-server.ts'
import type { RedisDurability } from '../servers/redis-server.ts'
import type { CommandName } from './commands.ts'

/** Both servers under redis-benchmark, and both under our own generator. */
export type RespContestant = 'minivault' | 'redis' | 'minivaultOurs' | 'redisOurs'

export interface RespCase {
  readonly command: CommandName
  readonly minivault: NodeDurability
  readonly redis: RedisDurability
  readonly valueBytes: number
  readonly connections: number
  readonly pipeline: number
  /** Asked by our generator, too: it knows SET and GET. */
  readonly hasOurs: boolean
}

export interface RespCaseResult extends RespCase, Measured<RespContestant> {
  readonly part: 'case'
  readonly keyspace: number
}

export type RespResult = RespCaseResult | FailedResult

export interface RespFacts extends RunFacts {
  readonly redisVersion: string
}
