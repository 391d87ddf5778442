/*
 * Little-endian integers in byte arrays, without a DataView: the decoders see whatever array a socket filled,
 * and a view for each would be an allocation. Lengths are read clamped (LENGTH_CLAMP) so that they stay small
 * integers whatever the other side announces; identifiers are read as int32 (compare unsigned with `>>> 0`).
 */

import { LENGTH_CLAMP } from './limits.ts'

export function readU16(bytes: Uint8Array, at: number): number {
  return bytes[at]! | (bytes[at + 1]! << 8)
}

/** 32 bits as int32. */
export function readI32(bytes: Uint8Array, at: number): number {
  return bytes[at]! | (bytes[at + 1]! << 8) | (bytes[at + 2]! << 16) | (bytes[at + 3]! << 24)
}

/** An announced u32 length, clamped to LENGTH_CLAMP. */
export function readLength(bytes: Uint8Array, at: number): number {
  const length = readI32(bytes, at)
  return length < 0 || length > LENGTH_CLAMP ? LENGTH_CLAMP : length
}

/** 48 bits as a number (milliseconds); not a small integer, so only where it is not zero. */
export function readU48(bytes: Uint8Array, at: number): number {
  const high = readU16(bytes, at + 4)
  const low = readI32(bytes, at)
  return high === 0 && low >= 0 ? low : high * 0x1_0000_0000 + (low >>> 0)
}

/** 64 bits, signed. */
export function readI64(bytes: Uint8Array, at: number): bigint {
  return (BigInt(readI32(bytes, at + 4)) << 32n) | BigInt(readI32(bytes, at) >>> 0)
}

/** The low 64 bits of the number. */
export function writeI64(value: bigint, bytes: Uint8Array, at: number): void {
  writeU32(Number(BigInt.asIntN(32, value)), bytes, at)
  writeU32(Number(BigInt.asIntN(32, value >> 32n)), bytes, at + 4)
}

export function writeU16(value: number, bytes: Uint8Array, at: number): void {
  bytes[at] = value
  bytes[at + 1] = value >>> 8
}

export function writeU32(value: number, bytes: Uint8Array, at: number): void {
  bytes[at] = value
  bytes[at + 1] = value >>> 8
  bytes[at + 2] = value >>> 16
  bytes[at + 3] = value >>> 24
}

export function writeU48(value: number, bytes: Uint8Array, at: number): void {
  writeU32(value | 0, bytes, at)
  writeU16(value < 0x1_0000_0000 ? 0 : (value / 0x1_0000_0000) | 0, bytes, at + 4)
}
