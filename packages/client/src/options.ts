/*
 * What an application may ask of the client: options and results of its calls. Sizes are bytes, times are
 * milliseconds, versions are 24 hex digits.
 */

import type { ProtocolChoice } from './handshake.ts'
import type { Time } from './time.ts'

/** Of all calls of a client. */
export interface CallsDefaults {
  /** of each call, where the call does not say otherwise; default 10,000 */
  timeoutMs?: number
  /** calls under way, or waiting for a node; one more is refused with CLIENT_QUEUE_FULL. Default 10,000 */
  queueRequestsMax?: number
}

/** Of clients that speak to nodes, by whatever way. */
export interface NodesOptions extends CallsDefaults {
  /**
   * `minivault(s)://:token@host:port` or `http(s)://…`, further hosts behind commas; else MINIVAULT_URL, else
   * minivault://127.0.0.1:3000
   */
  url?: string
  /** instead of the URL's */
  token?: string
  /** of one host, how often a call is sent again; of several, how often all of them are asked again */
  retriesMax?: number
  /** of several hosts: how long one may take before another is asked, too. Default: learned, 50 to 1000 */
  tryTimeoutMs?: number
  /** of several hosts: the share of reads that may be asked of a second one. Default 0.05; 0: none */
  hedgeShare?: number
  time?: Time
}

export interface ClientOptions extends NodesOptions {
  connections?: number
  connectTimeoutMs?: number
  helloTimeoutMs?: number
  /** of several hosts: learns the members of their cluster, and asks a key's replicas first. Default true */
  followLayout?: boolean
  /** of several hosts: members of this region are asked before all others, as far as the layout is known */
  region?: string
  /**
   * `auto` speaks frames where HELLO is answered, else the documented opcodes, which show the token in the
   * clear
   */
  protocol?: ProtocolChoice
  /** of minivaults:// and https:// */
  tls?: TlsOptions
}

/** Certificates and keys in PEM form. */
export interface TlsOptions {
  /** who may have signed the server's certificate; default: whom Node trusts */
  ca?: string | Uint8Array | readonly (string | Uint8Array)[]
  /** shown to servers that ask for a certificate */
  cert?: string | Uint8Array
  key?: string | Uint8Array
  /** the name that the server's certificate must be for; default: the host of the URL */
  servername?: string
  /** false: any certificate will do, also one of somebody in between. Default true */
  rejectUnauthorized?: boolean
}

export interface CallOptions {
  /** of the whole call, retries included; of a stream, how long nothing may move; of a scan, of each page */
  timeoutMs?: number
  signal?: AbortSignal
}

export interface ReadOptions extends CallOptions {
  /** how many replicas must agree; a node alone is its one replica. Default: the server's */
  consistency?: 'one' | 'quorum'
}

export interface WriteOptions extends ReadOptions {
  /** what the write must have reached before it is answered; default: the server's */
  durability?: 'memory' | 'os' | 'fsync'
}

export interface ExpiryOptions {
  /** milliseconds until the value ends, from when the server takes it, at least 1; default: never */
  ttlMs?: number
}

export interface VersionOptions {
  /** VERSION_MISMATCH unless the value has this version, as `set` and `getEntry` give it */
  ifVersion?: string
}

export interface SetOptions extends WriteOptions, ExpiryOptions, VersionOptions {
  /** KEY_EXISTS when there is a value; not together with `ifVersion` */
  ifAbsent?: boolean
}

export type CreateOptions = Omit<SetOptions, 'ifAbsent' | 'ifVersion'>

export interface UpdateOptions extends CreateOptions {
  /** how often the change is tried before the refusal of the last try is thrown; default 16 */
  attemptsMax?: number
}

export type DeleteOptions = WriteOptions & VersionOptions

export type TouchOptions = WriteOptions & ExpiryOptions & VersionOptions

/** The expiry counts only where the key is made. */
export type IncrementOptions = WriteOptions & ExpiryOptions

export type BatchOptions = WriteOptions

export interface RangeOptions extends ReadOptions {
  /** first byte; default 0. Behind the value's end it is the end */
  start?: number
  /** behind the last byte; default the value's end */
  end?: number
}

export interface SetStreamOptions extends SetOptions {
  /** of the value; must be known above STREAM_GATHER_BYTES_MAX (4 MiB) */
  size?: number
  /** `json`: the bytes are a JSON text. Default `raw` */
  type?: 'raw' | 'json'
}

export interface ScanOptions extends ReadOptions {
  /** only keys that begin with these bytes */
  prefix?: string | Uint8Array
  gt?: string | Uint8Array
  gte?: string | Uint8Array
  lt?: string | Uint8Array
  lte?: string | Uint8Array
  /** at most so many entries */
  limit?: number
  /** from the last key to the first */
  reverse?: boolean
  /** leaves the values out */
  keysOnly?: boolean
  /** goes on behind what the scan that gave this text has given out, in the same direction */
  cursor?: string
}

export interface SetResult {
  /** 24 hex digits; undefined over the documented opcodes, which do not tell */
  version: string | undefined
}

export interface Entry {
  value: Uint8Array
  version: string | undefined
  /** undefined over HTTP, which does not tell */
  type: 'raw' | 'json' | undefined
  /** the server's wall milliseconds since 1970; 0: never; undefined over the documented opcodes */
  expiresAtMs: number | undefined
}

export interface ScanEntry {
  key: Uint8Array
  /** empty with `keysOnly` */
  value: Uint8Array
  version: string
  /** undefined over HTTP, which does not tell */
  type: 'raw' | 'json' | undefined
  /** the server's wall milliseconds since 1970 from which on it does not exist; 0: never */
  expiresAtMs: number
}

export type BatchOperation =
  | {
      type: 'set'
      key: string | Uint8Array
      value: string | Uint8Array
      valueType?: 'raw' | 'json'
      ttlMs?: number
    }
  | { type: 'delete'; key: string | Uint8Array }

/** A version for each operation. */
export interface BatchResult {
  versions: string[]
}

export type Health = Record<string, unknown>
