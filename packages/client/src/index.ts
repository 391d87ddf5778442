export type { Address } from './address.ts'
export { Client } from './client.ts'
export { type ClientCode, ClientError } from './client-error.ts'
export type { ClientEvent, ClientEvents, LayoutMember } from './client-events.ts'
export type { ProtocolChoice } from './handshake.ts'
export { KeyValueClient } from './key-value-client.ts'
export type {
  BatchOperation,
  BatchOptions,
  BatchResult,
  CallOptions,
  ClientOptions,
  CreateOptions,
  DeleteOptions,
  Entry,
  ExpiryOptions,
  Health,
  IncrementOptions,
  RangeOptions,
  ReadOptions,
  ScanEntry,
  ScanOptions,
  SetOptions,
  SetResult,
  SetStreamOptions,
  TlsOptions,
  TouchOptions,
  UpdateOptions,
  VersionOptions,
  WriteOptions,
} from './options.ts'
export type { ByteSource } from './pieces.ts'
export type { Scan } from './scan.ts'
export type { Time } from './time.ts'
export type { ValueStream } from './value-stream.ts'
export { JsonView, TextView } from './views.ts'
