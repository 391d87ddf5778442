/**
 * A RESP command as data: name, arity, what it touches, and what it does. The hot commands (GET, SET of one
 * value, …) never come here: the session reads them straight from the bytes. All others are copied out of the
 * connection's bytes, run one after another per connection, and answer with a small tree of values, which one
 * encoder writes as RESP2 or RESP3.
 *
 * What goes wrong is thrown: a `CommandError` carries the whole error line, a `ProtocolError` (of the port
 * behind `Asking`) is translated by the session; anything else is a bug and answered as one.
 */
import type { Version } from '@minivault/clock'
import type { RespValue } from '@minivault/protocol'
import type { ValueType } from '@minivault/storage'
import type { Admission } from '../admission/admission.ts'
import type { HeldBytes } from '../door/held-bytes.ts'
import type { HealthSources } from '../health.ts'
import type { BatchCondition, BatchItem } from '../key-value.ts'
import type { HeldValues } from './held-values.ts'
import type { Keys } from './keys.ts'
import type { ScanPositions } from './scan-positions.ts'
import type { SessionState } from './session-state.ts'

/** Written as RESP2 or RESP3, as the client has asked for. */
export type Reply = RespValue

export const OK: Reply = { simple: 'OK' }

/** Its message is the error line, code first: `ERR value is not an integer or out of range`. */
export class CommandError extends Error {
  override readonly name = 'CommandError'
}

export type CommandKind = 'read' | 'write' | 'connection'

/** Where the keys of a command stand, as COMMAND tells it; the name is argument 0; last -1: to the end. */
export interface KeyPlaces {
  readonly first: number
  readonly last: number
  readonly step: number
}

export interface Command {
  /** Lower case. */
  readonly name: string
  /** With the name: exactly so many arguments, or (negative) at least. */
  readonly arity: number
  /** Reads and writes take a token of the rate limit for each key; connection commands none. */
  readonly kind: CommandKind
  /** Missing: it names no keys. */
  readonly keys?: KeyPlaces
  /** As in Redis' table, for COMMAND: `readonly`, `fast`, … */
  readonly flags?: readonly string[]
  /** Served to a client that has not shown the key, whatever `-authmode` says. */
  readonly isForStrangers?: boolean
  /** Within MULTI: carried out at once (EXEC, DISCARD, WATCH, MULTI, QUIT, RESET) and not queued. */
  readonly isImmediate?: boolean
  /** One line, for COMMAND DOCS. */
  readonly summary?: string
  /** Arguments without the name, in memory of their own. The arity has been checked. */
  run(context: CommandContext, args: readonly Uint8Array[]): Told<Reply>
}

/** Told at once where it can be. */
export type Told<T> = T | Promise<T>

/** By lower-case name. */
export type CommandTable = ReadonlyMap<string, Command>

export interface CommandContext {
  /** The stored keys: for commands that are not carried out within EXEC. */
  readonly ask: Asking
  /** Within EXEC: the keys as the commands before have left them. See `onKeys`. */
  readonly keys?: Keys
  readonly session: SessionState
  /** Everything there is, this command included. */
  readonly commands: CommandTable
  readonly admission: Admission
  /** Of the node: for INFO, DBSIZE, TIME. */
  readonly node: HealthSources
  /** The state of every RESP connection. */
  readonly sessions: ReadonlySet<SessionState>
  /** Milliseconds of the wall clock after which nothing more is begun for this command. */
  readonly endMs: number
  readonly now: () => number
}

/** What is known of a stored value. */
export interface FoundKey {
  readonly version: Version
  readonly type: ValueType
  /** Of the value, in bytes. */
  readonly size: number
  /** Wall milliseconds; 0: never. */
  readonly expiresAtMs: number
}

export interface FoundValue extends FoundKey {
  /** In memory of its own. */
  readonly value: Uint8Array
}

export interface SetOptions {
  /** Milliseconds until it ends; 0, missing: never. */
  readonly ttlMs?: number
  /** Only in place of this version. */
  readonly expectedVersion?: Version
  /** Only where there is nothing. */
  readonly ifAbsent?: boolean
  /** Missing: raw. */
  readonly type?: ValueType
}

export interface ScanWish {
  /** Only keys that begin with these bytes. */
  readonly prefix?: Uint8Array
  /** Only keys behind this one. */
  readonly after?: Uint8Array
  readonly entriesMax: number
  /** Asked when its turn comes. */
  readonly mayBegin: () => boolean
}

export interface KeyPage {
  /** In the order of their bytes. */
  readonly keys: readonly Uint8Array[]
  readonly isLast: boolean
}

/**
 * The node's keys. Each answer is told at once where the port has it at hand, else promised. Keys and values
 * handed over are not changed before that. Where the port fails a ProtocolError is thrown, or the promise
 * rejects with it; a condition that does not hold is a result, not an error.
 */
export interface Asking {
  /** Several keys do not change, and are not seen, in one moment. */
  readonly isCluster: boolean
  /** What is read into memory is counted there. */
  readonly held: HeldBytes
  /** Of SCAN. */
  readonly positions: ScanPositions
  /** OVERLOADED where `held` has no room for the value. */
  get(key: Uint8Array, held: HeldValues): Told<FoundValue | null>
  /** Bytes [start, end) of the value, at least one, and what is known of it; `end` beyond it is cut. */
  getRange(key: Uint8Array, start: number, end: number, held: HeldValues): Told<FoundValue | null>
  find(key: Uint8Array): Told<FoundKey | null>
  /** False: the condition did not hold. */
  set(key: Uint8Array, value: Uint8Array, options?: SetOptions): Told<boolean>
  /** Whether there was something; with a version: whether it was that. */
  delete(key: Uint8Array, expectedVersion?: Version): Told<boolean>
  /** Without asking whether there was anything. */
  drop(key: Uint8Array): Told<boolean>
  /** Another expiry (0: none) for the same value; false: it is not there, or not this version. */
  touch(key: Uint8Array, ttlMs: number, expectedVersion?: Version): Told<boolean>
  scan(wish: ScanWish): Promise<KeyPage>
  /** All or none of the items. False: a condition did not hold. */
  batch(items: readonly BatchItem[], conditions?: readonly BatchCondition[]): Told<boolean>
}
