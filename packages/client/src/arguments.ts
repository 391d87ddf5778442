/*
 * The check of what callers hand in: each function takes one thing and throws ClientError, naming it and its
 * range, where it cannot be.
 */

import { Version } from '@minivault/clock'
import { CONSISTENCY, FRAME_FLAG, KEY_BYTES_MAX, VALUE_BYTES_MAX, writeI64 } from '@minivault/protocol'
import { ClientError } from './client-error.ts'
import type { RangeOptions, SetOptions, WriteOptions } from './options.ts'
import type { Request } from './request.ts'

const DURABILITIES = { memory: 0, os: 1, fsync: 2 } as const
const TTL_MS_MAX = 2 ** 48 - 1
const I64_MAX = 2n ** 63n - 1n
const encoder = new TextEncoder()

export function bytesOf(name: string, given: string | Uint8Array): Uint8Array {
  if (typeof given === 'string') return encoder.encode(given)
  if (given instanceof Uint8Array) return given
  throw badArgument(`${name} must be a string or a Uint8Array`)
}

/** Throws KEY_MISSING, KEY_LENGTH. */
export function keyOf(given: string | Uint8Array): Uint8Array {
  const bytes = bytesOf('the key', given)
  if (bytes.length === 0) throw new ClientError('KEY_MISSING', 'a key has at least one byte')
  if (bytes.length > KEY_BYTES_MAX) {
    throw new ClientError('KEY_LENGTH', `a key has at most ${KEY_BYTES_MAX} bytes`)
  }
  return bytes
}

/** Throws VALUE_TOO_LARGE. */
export function valueBytesOf(given: string | Uint8Array): Uint8Array {
  const bytes = bytesOf('the value', given)
  checkSize(bytes.length)
  return bytes
}

export function checkSize(bytes: number): void {
  if (bytes <= VALUE_BYTES_MAX) return
  throw new ClientError('VALUE_TOO_LARGE', `a value has at most ${VALUE_BYTES_MAX} bytes`)
}

export function positive(value: number, name: string): number {
  if (Number.isFinite(value) && value > 0) return value
  throw badArgument(`${name} must be a number above 0`)
}

export function countOf(value: number, name: string): number {
  if (Number.isSafeInteger(value) && value >= 0) return value
  throw badArgument(`${name} must be an integer of at least 0`)
}

/** Clipped to what a value can have, so that `end - start` is 0 where no byte is wanted. */
export function spanOf({ start = 0, end = VALUE_BYTES_MAX }: RangeOptions): { start: number; end: number } {
  const from = Math.min(countOf(start, 'start'), VALUE_BYTES_MAX)
  return { start: from, end: Math.max(from, Math.min(countOf(end, 'end'), VALUE_BYTES_MAX)) }
}

export function typeOf(type: 'raw' | 'json' | undefined): 'raw' | 'json' {
  if (type === undefined || type === 'raw' || type === 'json') return type ?? 'raw'
  throw badArgument('the type of a value is raw or json')
}

/** The eight bytes of a signed number of 64 bits. */
export function deltaOf(by: bigint | number): Uint8Array {
  const isWhole = typeof by === 'bigint' || Number.isSafeInteger(by)
  const delta = isWhole ? BigInt(by) : I64_MAX + 1n
  if (delta < -I64_MAX - 1n || delta > I64_MAX) {
    throw badArgument('by must be a bigint of 64 bits or a safe integer')
  }
  const bytes = new Uint8Array(8)
  writeI64(delta, bytes, 0)
  return bytes
}

/** 0: for ever. */
export function ttlOf(ttlMs: number | undefined): number {
  if (ttlMs === undefined) return 0
  if (Number.isSafeInteger(ttlMs) && ttlMs >= 1 && ttlMs <= TTL_MS_MAX) return ttlMs
  throw badArgument('ttlMs must be an integer from 1 to 2^48 - 1')
}

function versionOf(text: string): Version {
  const version =
    typeof text === 'string' && /^[0-9a-f]{24}$/i.test(text) ? Version.parse(text) : new Version()
  if (!version.isZero()) return version
  throw badArgument('ifVersion must be 24 hex digits, not all 0, as set and getEntry give them')
}

/** Consistency and, of a write, durability. */
export function applyLevels(request: Request, options: WriteOptions): void {
  const { consistency, durability } = options
  if (consistency !== undefined) {
    if (consistency !== 'one' && consistency !== 'quorum')
      throw badArgument('consistency must be one or quorum')
    request.consistency = CONSISTENCY[consistency]
    request.beyondOpcodes ||= 'consistency'
  }
  if (durability !== undefined) {
    if (!Object.hasOwn(DURABILITIES, durability)) throw badArgument('durability must be memory, os or fsync')
    request.durability = DURABILITIES[durability]
    request.beyondOpcodes ||= 'durability'
  }
}

/** Levels, expiry and conditions. */
export function applyWrite(request: Request, options: SetOptions): void {
  applyLevels(request, options)
  const { ifAbsent, ifVersion, ttlMs } = options
  request.ttlMs = ttlOf(ttlMs)
  if (ttlMs !== undefined) request.beyondOpcodes ||= 'ttlMs'
  if (ifAbsent === true) request.flags |= FRAME_FLAG.ifAbsent
  if (ifVersion === undefined) return
  if (ifAbsent === true) throw badArgument('ifVersion must be absent where ifAbsent is given')
  request.expectedVersion = versionOf(ifVersion)
  request.flags |= FRAME_FLAG.ifVersion
  request.beyondOpcodes ||= 'ifVersion'
}

export function badArgument(message: string): ClientError {
  return new ClientError('CLIENT_BAD_ARGUMENT', message)
}
