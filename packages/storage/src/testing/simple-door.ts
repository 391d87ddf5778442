/**
 * The simple door: what every store offers to people, whatever it is made of: the store's own
 * methods, by their types.
 */

import type { Scan } from '../scan/scan.ts'
import type { ScanOptions } from '../scan/scan-range.ts'
import type { ScanEntry } from '../scan/scan-source.ts'
import type { Store } from '../store.ts'
import type { StreamRange, ValueStream } from '../value-stream.ts'

export type Bytes = string | Uint8Array

type ScanMember = 'next' | 'nextPage' | 'seek' | 'close' | 'cursor' | typeof Symbol.asyncDispose

export type SimpleScan = Pick<Scan, ScanMember> & AsyncIterable<ScanEntry>

type StreamMember = 'size' | 'start' | 'end' | 'version' | 'type' | 'expiresAtMs' | 'web' | 'node' | 'cancel'

export type SimpleStream = Pick<ValueStream, StreamMember> & AsyncIterable<Uint8Array>

type Read = 'get' | 'getSync' | 'view' | 'getInto' | 'getEntry' | 'getMany' | 'has'
type Write = 'set' | 'setStream' | 'delete' | 'touch' | 'increment' | 'batch'

export interface SimpleDoor extends Pick<Store, Read | Write | 'sync' | 'close'> {
  merge(): Promise<unknown>
  getStream(key: Bytes, range?: StreamRange): Promise<SimpleStream | undefined>
  scan(options?: ScanOptions): SimpleScan
}
