/** What a case of the wire is, and the shapes of what stands in results/wire.ndjson, one line each. */

import type { Workload } from '../load/request-batches.ts'
import type { RunFacts } from '../machine.ts'
import type { Measured, Summary } from '../rounds/summary.ts'
import type { FailedResult } from '../run.ts'
import type { NodeDurability } from '../servers/minivault-server.ts'
import type { RedisDurability } from '../servers/redis-server.ts'
import type { Spread } from '../spread.ts'

/**
 * `frames`: minivault again, spoken to in its frame form. `floor`: the bare Node server. `redisBenchmark`:
 * redis again, under its own load generator.
 */
export type ContestantName = 'minivault' | 'redis' | 'frames' | 'floor' | 'redisBenchmark'

export interface WireCase {
  readonly operation: Workload
  readonly minivault: NodeDurability
  readonly redis: RedisDurability
  readonly valueBytes: number
  readonly connections: number
  readonly pipeline: number
  /** minivault and redis always take part; these, too. */
  readonly others: readonly ContestantName[]
}

export interface CaseResult extends WireCase, Measured<ContestantName> {
  readonly part: 'load'
  readonly keyspace: number
  /** Log files that minivault began during the rounds: how often it had a whole one to put away. */
  readonly segmentsBegun: number
}

export interface LargeResult {
  readonly part: 'large'
  readonly operation: 'set' | 'get'
  readonly valueBytes: number
  readonly minivaultMegabytesPerSecond: Spread
  readonly pipeMegabytesPerSecond: Spread
  /** minivault divided by the pipe, round by round. */
  readonly ratio: Spread
  readonly minivaultCpuSeconds: Spread
  readonly pipeCpuSeconds: Spread
  /** Above what the node had before its first large value, at the most. */
  readonly grownBytes: number
}

export interface IdleResult {
  readonly part: 'idle'
  readonly server: 'minivault' | 'redis'
  readonly idleConnections: number
  readonly bytesPerConnection: number
  /** Of 50 active connections: without idle ones beside them, and with (before and after). */
  readonly alone: Summary
  readonly beside: Summary
}

export type MeasuredResult = CaseResult | LargeResult | IdleResult
export type WireResult = MeasuredResult | FailedResult

export interface WireFacts extends RunFacts {
  readonly redisVersion: string
}
