/** Bytes that grow as they are written, used again and again. `room` goes before every `put`. */
import { VERSION_BYTES, type Version, writeVersion } from '@minivault/clock'
import { WRITER_BYTES } from './limits.ts'

/** Up to this length a loop is cheaper than a call out of compiled code. */
const LOOP_BYTES_MAX = 48
const TWO_32 = 2 ** 32

export class ByteWriter {
  bytes: Uint8Array
  /** Where the next byte goes. */
  at = 0

  /** @param bytes to begin with */
  constructor(bytes = WRITER_BYTES) {
    this.bytes = new Uint8Array(bytes)
  }

  room(bytes: number): void {
    if (this.at + bytes > this.bytes.length) this.#grow(this.at + bytes)
  }

  #grow(atLeast: number): void {
    const grown = new Uint8Array(Math.max(atLeast, this.bytes.length * 2))
    grown.set(this.bytes.subarray(0, this.at))
    this.bytes = grown
  }

  /** Empties it; what one large message took is given back. */
  clear(): void {
    this.at = 0
    if (this.bytes.length > WRITER_BYTES) this.bytes = new Uint8Array(WRITER_BYTES)
  }

  putU8(value: number): void {
    this.bytes[this.at] = value
    this.at += 1
  }

  putU16(value: number): void {
    const { bytes, at } = this
    bytes[at] = value
    bytes[at + 1] = value >>> 8
    this.at = at + 2
  }

  /** Or an i32. */
  putU32(value: number): void {
    this.setU32(this.at, value)
    this.at += 4
  }

  setU32(at: number, value: number): void {
    const { bytes } = this
    bytes[at] = value
    bytes[at + 1] = value >>> 8
    bytes[at + 2] = value >>> 16
    bytes[at + 3] = value >>> 24
  }

  /** The lower six bytes of a safe integer. */
  putU48(value: number): void {
    this.putU32(value >>> 0)
    this.putU16(Math.floor(value / TWO_32))
  }

  /** A safe integer, not negative. */
  putU64(value: number): void {
    this.putU32(value >>> 0)
    this.putU32(Math.floor(value / TWO_32))
  }

  putI64(value: bigint): void {
    this.putU32(Number(BigInt.asIntN(32, value)))
    this.putU32(Number(BigInt.asIntN(32, value >> 32n)))
  }

  putVersion(version: Version): void {
    writeVersion(version, this.bytes, this.at)
    this.at += VERSION_BYTES
  }

  putBytes(source: Uint8Array): void {
    const { bytes, at } = this
    const { length } = source
    if (length > LOOP_BYTES_MAX) bytes.set(source, at)
    else for (let index = 0; index < length; index++) bytes[at + index] = source[index]!
    this.at = at + length
  }
}
