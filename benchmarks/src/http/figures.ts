/** What a case of HTTP is, and the shapes of what stands in results/http.ndjson, one line each. */
import type { RunFacts } from '../machine.ts'
import type { Measured } from '../rounds/summary.ts'
import type { FailedResult } from '../run.ts'
import type { NodeDurability } from '../servers/minivault-server.ts'
import type { RequestKind } from './requests.ts'

/**
 * `bare`: a `node:http` server that does nothing but answer, for a PUT once it has the body. `floor`: a
 * server below `net.Socket` that counts bytes.
 */
export type HttpContestant = 'minivault' | 'bare' | 'floor'

export interface HttpCase {
  readonly kind: RequestKind
  readonly durability: NodeDurability
  readonly valueBytes: number
  readonly connections: number
  readonly hasFloor: boolean
}

export interface HttpCaseResult extends HttpCase, Measured<HttpContestant> {
  readonly part: 'case'
  readonly keyspace: number
  readonly replyBodyBytes: number
}

export type HttpResult = HttpCaseResult | FailedResult

export interface HttpFacts extends RunFacts {
  readonly wrkVersion: string
}
