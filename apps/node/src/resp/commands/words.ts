/** How arguments are read: as option words, and as the integers and numbers that Redis takes for such. */
import { CommandError } from '../command.ts'

const INTEGER = /^(?:0|-?[1-9][0-9]{0,18})$/
const DECIMAL_BYTES_MAX = 20
const WORD_BYTES_MAX = 64
/** Of what was sent, in an error line. */
const SHOWN_BYTES_MAX = 128

export const SYNTAX_ERROR = 'ERR syntax error'
export const NOT_AN_INTEGER = 'ERR value is not an integer or out of range'

/** In capital letters. What is too long for any word of ours is cut, and so is none. */
export function wordOf(arg: Uint8Array): string {
  return textOf(arg.subarray(0, WORD_BYTES_MAX)).toUpperCase()
}

/** Byte by byte. */
export function textOf(bytes: Uint8Array): string {
  return Buffer.from(bytes.buffer, bytes.byteOffset, bytes.length).toString('latin1')
}

/** The beginning of what was sent, as it may stand in an error line. */
export function shownOf(bytes: Uint8Array, bytesMax: number = SHOWN_BYTES_MAX): string {
  return textOf(bytes.subarray(0, bytesMax)).replaceAll(/[^ -~]/g, '?')
}

/** Null: it is none of 64 bits. */
export function integerIn(bytes: Uint8Array): bigint | null {
  if (bytes.length > DECIMAL_BYTES_MAX) return null
  const text = textOf(bytes)
  if (!INTEGER.test(text)) return null
  const integer = BigInt(text)
  return BigInt.asIntN(64, integer) === integer ? integer : null
}

export function integerOf(arg: Uint8Array, otherwise: string = NOT_AN_INTEGER): bigint {
  const integer = integerIn(arg)
  if (integer === null) throw new CommandError(otherwise)
  return integer
}

/** One that is counted or measured with: beyond 2^53 it is all the same. */
export function countOf(arg: Uint8Array): number {
  return Number(integerOf(arg))
}

export function wrongArity(name: string): CommandError {
  return new CommandError(`ERR wrong number of arguments for '${name}' command`)
}
