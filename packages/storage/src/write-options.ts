/**
 * What the simple door's writes may be asked, and the check of it: each function takes one thing out of the
 * options and throws STORAGE_OPTION, naming the option and its range, where it cannot be.
 */

import { Version } from '@minivault/clock'
import type { Durability } from '@minivault/wal'
import { badOption, mustBeObject } from './bad-option.ts'
import { VALUE_TYPE, type ValueType } from './mutation.ts'
import { type DurabilityName, LEVEL_OF_NAME } from './store-options.ts'

export interface WriteOptions {
  durability?: DurabilityName
}

export interface ExpiryOptions {
  /** Milliseconds from now, an integer of at least 1. Not together with `expiresAtMs`. */
  ttlMs?: number
  /** Wall milliseconds since 1970, an integer; 0: never. */
  expiresAtMs?: number
}

/** On what is there when the write is carried out; at most one of them. */
export interface ConditionOptions {
  /** Only if there is no value. */
  ifAbsent?: boolean
  /** Only if the value has this version, as `set` and `getEntry` give it. */
  ifVersion?: string
}

export interface SetOptions extends WriteOptions, ExpiryOptions, ConditionOptions {
  type?: ValueType
}

export type DeleteOptions = WriteOptions & Pick<ConditionOptions, 'ifVersion'>

export interface TouchOptions extends WriteOptions, ExpiryOptions {}

/** The expiry counts only where the key is made. */
export interface IncrementOptions extends WriteOptions, ExpiryOptions {}

const encoder = new TextEncoder()

/** The bytes of a key or a value. */
export function bytesOf(name: 'key' | 'value', given: string | Uint8Array): Uint8Array {
  if (typeof given === 'string') return encoder.encode(given)
  if (given instanceof Uint8Array) return given
  badOption(name, 'a string or a Uint8Array')
}

export function durabilityOf(options: WriteOptions, otherwise: Durability): Durability {
  mustBeObject('options', options)
  const { durability } = options
  if (durability === undefined) return otherwise
  if (!Object.hasOwn(LEVEL_OF_NAME, durability)) badOption('durability', 'memory, os or fsync')
  return LEVEL_OF_NAME[durability]
}

export function typeOf(type: ValueType | undefined): ValueType {
  if (type === undefined) return VALUE_TYPE.raw
  if (type !== VALUE_TYPE.raw && type !== VALUE_TYPE.json) badOption('type', '0 (raw) or 1 (json)')
  return type
}

/** The wall milliseconds at which the value ends; 0: never. */
export function expiryOf(options: ExpiryOptions, now: () => number): number {
  mustBeObject('options', options)
  const { ttlMs, expiresAtMs } = options
  if (ttlMs === undefined) {
    if (expiresAtMs === undefined) return 0
    if (Number.isSafeInteger(expiresAtMs) && expiresAtMs >= 0) return expiresAtMs
    badOption('expiresAtMs', 'an integer of at least 0')
  }
  if (expiresAtMs !== undefined) badOption('ttlMs', 'absent where expiresAtMs is given')
  const end = Math.floor(now()) + ttlMs
  if (Number.isSafeInteger(ttlMs) && ttlMs >= 1 && Number.isSafeInteger(end)) return end
  badOption('ttlMs', 'an integer of at least 1 that ends below 2^53')
}

/** Null: without a condition. The zero version: only if absent. */
export function conditionOf(options: ConditionOptions): Version | null {
  mustBeObject('options', options)
  const { ifAbsent, ifVersion } = options
  if (ifAbsent !== undefined && typeof ifAbsent !== 'boolean') badOption('ifAbsent', 'true or false')
  if (ifVersion === undefined) return ifAbsent === true ? new Version() : null
  if (ifAbsent === true) badOption('ifVersion', 'absent where ifAbsent is given')
  const isText = typeof ifVersion === 'string' && /^[0-9a-f]{24}$/i.test(ifVersion)
  const version = isText ? Version.parse(ifVersion) : new Version()
  if (!version.isZero()) return version
  badOption('ifVersion', '24 hex digits, not all 0, as set and getEntry give them')
}
