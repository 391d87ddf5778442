/**
 * The simple door: what every store offers to people, whatever it is made of. The contract suite and
 * everything built on top (the abstract-level adapter, models in tests) ask for no more than this.
 */

import type { Readable } from 'node:stream'
import type { ValueType } from '../mutation.ts'
import type { Entry } from '../reads.ts'
import type {
  DeleteOptions,
  ExpiryOptions,
  IncrementOptions,
  SetOptions,
  TouchOptions,
  WriteOptions,
} from '../write-options.ts'

export type Bytes = string | Uint8Array

export type BatchOperation =
  | ({ type: 'set'; key: Bytes; value: Bytes; valueType?: ValueType } & ExpiryOptions)
  | { type: 'delete'; key: Bytes }

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

export interface ValueStream extends AsyncIterable<Uint8Array> {
  /** Of the whole value, in bytes. */
  readonly size: number
  /** What is streamed: `[start, end)`. */
  readonly start: number
  readonly end: number
  readonly version: string
  readonly type: ValueType
  readonly expiresAtMs: number
  web(): ReadableStream<Uint8Array>
  node(): Readable
  cancel(): void | Promise<void>
}

export interface SimpleDoor {
  get(key: Bytes): Promise<Uint8Array | undefined>
  getSync(key: Bytes): Uint8Array | undefined
  view(key: Bytes): Uint8Array | undefined
  getInto(key: Bytes, target: Uint8Array): number
  getEntry(key: Bytes): Promise<Entry | undefined>
  getMany(keys: readonly Bytes[]): Promise<(Uint8Array | undefined)[]>
  has(key: Bytes): Promise<boolean>
  set(key: Bytes, value: Bytes, options?: SetOptions): Promise<{ version: string }>
  delete(key: Bytes, options?: DeleteOptions): Promise<boolean>
  touch(key: Bytes, options: TouchOptions): Promise<boolean>
  increment(key: Bytes, by?: number | bigint, options?: IncrementOptions): Promise<bigint>
  batch(operations: readonly BatchOperation[], options?: WriteOptions): Promise<{ versions: string[] }>
  scan(options?: ScanOptions): Scan
  setStream(
    key: Bytes,
    source: AsyncIterable<Uint8Array> | ReadableStream<Uint8Array>,
    options?: SetOptions & { size?: number },
  ): Promise<{ version: string; size: number }>
  getStream(key: Bytes, range?: { start?: number; end?: number }): Promise<ValueStream | undefined>
  merge(): Promise<unknown>
  sync(): Promise<void>
  close(): Promise<void>
}
