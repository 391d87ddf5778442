/**
 * What the load generator must know of a language to speak it.
 *
 * In one run every right reply to an operation begins with the same bytes and has the same length: all values
 * have one size. So a language says only what those first bytes are and how many follow, and the generator
 * counts replies of all languages with the same code at the same cost. Anything else (an error, a miss,
 * another length) differs in those first bytes.
 */
import type { LoadConnection } from './load-connection.ts'

/** What one request asks for. */
export type Operation = 'set' | 'get'

export interface ExpectedReply {
  /** The first bytes of every right reply; ANY_BYTE where it may be any. */
  readonly head: Int16Array
  /** Of the whole reply, head included. */
  readonly bytes: number
}

export const ANY_BYTE = -1

export interface Greeting {
  readonly request: Buffer
  /** Whether the whole answer has come; throws when it is no welcome. */
  isAnswered(received: Buffer): boolean
}

export interface Language {
  /** What a connection says before its first request, or null. */
  readonly greeting: Greeting | null
  /** For a language whose replies are not counted by their heads; `buffer` is read into. */
  readonly open?: (host: string, port: number, buffer: Buffer) => Promise<LoadConnection>
  /** Writes one request whose value bytes are already in place; returns the offset behind it. */
  writeRequest(operation: Operation, target: Buffer, at: number, key: string, valueBytes: number): number
  requestBytes(operation: Operation, valueBytes: number): number
  expectedReply(operation: Operation, valueBytes: number): ExpectedReply
  /** What a reply that begins differently means, for people. */
  explain(reply: Buffer): string
}

/** `key:000000012345`, the form that redis-benchmark uses. */
export const KEY_BYTES = 16

export function keyName(index: number): string {
  return `key:${index.toString().padStart(KEY_BYTES - 4, '0')}`
}
