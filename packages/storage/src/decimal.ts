/**
 * What `increment` counts with: a signed 64-bit integer as decimal text, no plus, no zero in front. Text,
 * because anybody can read it with `get` and write it with `set`.
 */

import { StorageError } from './storage-error.ts'

/** Longest such text in bytes: the lowest number with its sign. */
export const DECIMAL_BYTES_MAX = 20

/** How the message of a sum ends that does not fit: the number that was there is one, then. */
export const TOO_MANY_BITS = 'has more than 64 bits'

const NO_DECIMAL = 'the value is not a signed 64-bit decimal number'
const DECIMAL = /^(0|-?[1-9][0-9]{0,18})$/

/** More digits than these may be no safe integer. */
const SAFE_DIGITS = 15
const MINUS = 0x2d
const ZERO = 0x30

/** Throws STORAGE_NOT_A_NUMBER. */
export function readDecimal(bytes: Uint8Array): bigint {
  if (bytes.length <= SAFE_DIGITS) return BigInt(readSafe(bytes))
  if (bytes.length <= DECIMAL_BYTES_MAX) {
    const text = String.fromCharCode(...bytes)
    if (DECIMAL.test(text)) {
      const number = BigInt(text)
      if (fits(number)) return number
    }
  }
  throw notANumber(NO_DECIMAL)
}

function readSafe(bytes: Uint8Array): number {
  const start = bytes[0] === MINUS ? 1 : 0
  const isPlain = bytes[start] === ZERO ? bytes.length === 1 : bytes.length > start
  let number = isPlain ? 0 : Number.NaN
  for (let at = start; at < bytes.length; at++) {
    const digit = bytes[at]! - ZERO
    number = digit < 0 || digit > 9 ? Number.NaN : number * 10 + digit
  }
  if (Number.isNaN(number)) throw notANumber(NO_DECIMAL)
  return start === 1 ? -number : number
}

/** Throws STORAGE_NOT_A_NUMBER where the sum does not fit, STORAGE_OPTION where `by` is no integer. */
export function addDecimal(number: bigint, by: number | bigint): bigint {
  if (typeof by !== 'bigint' && !Number.isSafeInteger(by)) {
    throw new StorageError('STORAGE_OPTION', 'by must be a bigint or a safe integer')
  }
  const sum = number + BigInt(by)
  if (!fits(sum)) throw notANumber(`${number} + ${by} ${TOO_MANY_BITS}`)
  return sum
}

function fits(number: bigint): boolean {
  return BigInt.asIntN(64, number) === number
}

function notANumber(message: string): StorageError {
  return new StorageError('STORAGE_NOT_A_NUMBER', message)
}
