/**
 * The simple door: what every store offers to people, whatever it is made of. The contract suite and
 * everything built on top (the abstract-level adapter, models in tests) ask for no more than this.
 */

import type { Entry } from '../reads.ts'
import type { Store } from '../store.ts'
import type { StreamRange, ValueStream } from '../value-stream.ts'

export type Bytes = string | Uint8Array

export interface ScanOptions {
  prefix?: Bytes
  gt?: Bytes
  gte?: Bytes
  lt?: Bytes
  lte?: Bytes
  limit?: number
  reverse?: boolean
  keysOnly?: boolean
  cursor?: string
}

/** With `keysOnly`, `value` is empty. */
export interface ScanEntry extends Entry {
  key: Uint8Array
}

/** Freed by `close`, and by the end or the leaving of a loop over it. */
export interface Scan extends AsyncIterable<ScanEntry> {
  next(): Promise<IteratorResult<ScanEntry>>
  /** Up to `count` entries; none at the end. */
  nextPage(count: number): Promise<ScanEntry[]>
  /**
   * Goes on at this key of the same range, or right behind it in the scan's direction where it is not there;
   * backwards too, and from the end. Still sees the store as of the scan's start; `limit` counts on.
   */
  seek(key: Bytes): void
  close(): void
  /** Resumes right behind the entry given out last, in another scan of the same options. */
  readonly cursor: string | undefined
  [Symbol.asyncDispose](): Promise<void>
}

type StreamMember = 'size' | 'start' | 'end' | 'version' | 'type' | 'expiresAtMs' | 'web' | 'node' | 'cancel'

export type SimpleStream = Pick<ValueStream, StreamMember> & AsyncIterable<Uint8Array>

type Read = 'get' | 'getSync' | 'view' | 'getInto' | 'getEntry' | 'getMany' | 'has'
type Write = 'set' | 'setStream' | 'delete' | 'touch' | 'increment' | 'batch'

export interface SimpleDoor extends Pick<Store, Read | Write | 'sync' | 'close'> {
  merge(): Promise<unknown>
  getStream(key: Bytes, range?: StreamRange): Promise<SimpleStream | undefined>
  scan(options?: ScanOptions): Scan
}
