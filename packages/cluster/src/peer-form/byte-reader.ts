/**
 * Reads what a peer has sent, from a place to an end. `has` goes before every `take`; what was found to be
 * missing is remembered, so that whoever reads may look at the end.
 */
import { readVersion, VERSION_BYTES, Version } from '@minivault/clock'
import { isEqual, ZERO } from '../record.ts'

const TWO_32 = 2 ** 32

export class ByteReader {
  bytes: Uint8Array = new Uint8Array()
  at = 0
  /** Of what is read now: a message, that is. */
  end = 0
  /** Something was not as it has to be. */
  isBad = false
  readonly #version = new Version()

  open(bytes: Uint8Array, start: number, end: number): void {
    this.bytes = bytes
    this.at = start
    this.end = end
    this.isBad = false
  }

  has(bytes: number): boolean {
    if (this.end - this.at >= bytes) return true
    this.isBad = true
    return false
  }

  takeU8(): number {
    const value = this.bytes[this.at]!
    this.at += 1
    return value
  }

  takeU16(): number {
    const { bytes, at } = this
    this.at = at + 2
    return bytes[at]! | (bytes[at + 1]! << 8)
  }

  takeI32(): number {
    const { bytes, at } = this
    this.at = at + 4
    return bytes[at]! | (bytes[at + 1]! << 8) | (bytes[at + 2]! << 16) | (bytes[at + 3]! << 24)
  }

  takeU32(): number {
    return this.takeI32() >>> 0
  }

  takeU48(): number {
    const low = this.takeU32()
    return this.takeU16() * TWO_32 + low
  }

  /** Bad if it is no safe integer. */
  takeU64(): number {
    const low = this.takeU32()
    const value = this.takeU32() * TWO_32 + low
    if (value > Number.MAX_SAFE_INTEGER) this.isBad = true
    return value
  }

  takeI64(): bigint {
    const low = this.takeU32()
    return (BigInt(this.takeI32()) << 32n) | BigInt(low)
  }

  takeVersion(): Version {
    const version = readVersion(this.bytes, this.at, new Version())
    this.at += VERSION_BYTES
    return version
  }

  /** Where it is equal to that one, or zero, nothing is made: nobody changes it. */
  takeVersionLike(other: Version): Version {
    const version = readVersion(this.bytes, this.at, this.#version)
    this.at += VERSION_BYTES
    if (isEqual(version, other)) return other
    return version.isZero() ? ZERO : new Version(version.high, version.middle, version.low)
  }

  /** A byte that says yes or no, and nothing else. */
  takeBoolean(): boolean {
    const value = this.takeU8()
    if (value > 1) this.isBad = true
    return value === 1
  }
}
