/** A connection of the load generator, whatever it speaks, and what it asks of the load it works for. */
import type { ExpectedReply } from './language.ts'

export interface ConnectionOwner {
  /** Of each request of a run: an index into `expected`. */
  readonly operations: Uint8Array
  readonly expected: readonly ExpectedReply[]
  onBatchDone(connection: LoadConnection): void
  fail(reason: string): void
  /** `reply` begins with the wrong bytes. */
  failByReply(operation: number, reply: Buffer): void
}

export interface LoadConnection {
  owner: ConnectionOwner | null
  /** When the batch that is on its way was sent, and how many requests it has. */
  readonly sentMs: number
  readonly requestCount: number
  /** `firstRequest`: the place of the batch's first request in the owner's `operations`. */
  send(batch: Buffer, firstRequest: number, requestCount: number, nowMs: number): void
  close(): void
}
