/**
 * Version: the 96 bits that order everything. Ballots, versions and request ids are all of this kind.
 *
 *     byte  0        6        8           12
 *           wall ms  counter  writerId           big-endian, so that byte order is version order
 *           48 bits  16 bits  32 bits
 *
 * In memory it is three int32 (`high`, `middle`, `low`), each holding 32 of the bits: V8 keeps such fields as
 * small integers, where a 48-bit number or an unsigned 32-bit one becomes a boxed double, and a BigInt an
 * allocation per operation. Hence also mutable: a hot path reuses one. Comparing adds 2^31 to both sides (`^
 * SIGN`), which turns the unsigned order into the signed one that int32 has.
 *
 * The text form is the same twelve bytes as 24 hex digits, so that text order is version order, too.
 */
import { ClockError } from './clock-error.ts'
import { COUNTER_MAX, WALL_MS_MAX } from './limits.ts'

export const VERSION_BYTES = 12

const SIGN = 0x80000000 | 0
const TEXT = /^[0-9a-f]{24}$/i

export class Version {
  /** Bits 47..16 of the wall milliseconds. */
  high: number
  /** Bits 15..0 of the wall milliseconds, then the counter. */
  middle: number
  /** The writerId. */
  low: number

  constructor(high = 0, middle = 0, low = 0) {
    this.high = high | 0
    this.middle = middle | 0
    this.low = low | 0
  }

  set(high: number, middle: number, low: number): this {
    this.high = high | 0
    this.middle = middle | 0
    this.low = low | 0
    return this
  }

  copy(other: Version): this {
    this.high = other.high
    this.middle = other.middle
    this.low = other.low
    return this
  }

  clear(): this {
    return this.set(0, 0, 0)
  }

  /** The zero version: below every other, used for "none". */
  isZero(): boolean {
    return (this.high | this.middle | this.low) === 0
  }

  get wallMs(): number {
    return (this.high >>> 0) * 0x10000 + (this.middle >>> 16)
  }

  get counter(): number {
    return this.middle & COUNTER_MAX
  }

  /** Unsigned. */
  get writerId(): number {
    return this.low >>> 0
  }

  /** 24 lower-case hex digits. */
  toString(): string {
    return highText.of(this.high) + hex(this.middle) + lowText.of(this.low)
  }

  /** Reads the 24 hex digits that `toString` writes; throws ClockError CLOCK_BAD_VERSION on anything else. */
  static parse(text: string): Version {
    if (!TEXT.test(text)) {
      throw new ClockError(
        'CLOCK_BAD_VERSION',
        `a version is 24 hex digits, not ${JSON.stringify(text.slice(0, 40))}`,
      )
    }
    return new Version(
      Number.parseInt(text.slice(0, 8), 16),
      Number.parseInt(text.slice(8, 16), 16),
      Number.parseInt(text.slice(16), 16),
    )
  }

  /**
   * A version from its three parts, all unsigned integers; throws ClockError CLOCK_BAD_VERSION when one does
   * not fit.
   */
  static of(wallMs: number, counter: number, writerId: number): Version {
    if (!fits(wallMs, WALL_MS_MAX) || !fits(counter, COUNTER_MAX) || !fits(writerId, 0xffffffff)) {
      throw new ClockError('CLOCK_BAD_VERSION', `no version has the parts ${wallMs}, ${counter}, ${writerId}`)
    }
    return new Version(Math.floor(wallMs / 0x10000), ((wallMs % 0x10000) << 16) | counter, writerId)
  }
}

/** Below 0, 0 or above 0 as `a` is below, equal to or above `b`, in the order of their bytes. */
export function compareVersions(a: Version, b: Version): number {
  if (a.high !== b.high) return (a.high ^ SIGN) < (b.high ^ SIGN) ? -1 : 1
  if (a.middle !== b.middle) return (a.middle ^ SIGN) < (b.middle ^ SIGN) ? -1 : 1
  if (a.low !== b.low) return (a.low ^ SIGN) < (b.low ^ SIGN) ? -1 : 1
  return 0
}

/** Reads VERSION_BYTES bytes from `at`; the caller has checked that they are there. */
export function readVersion(bytes: Uint8Array, at: number, into: Version): Version {
  into.high = int32At(bytes, at)
  into.middle = int32At(bytes, at + 4)
  into.low = int32At(bytes, at + 8)
  return into
}

/** Writes VERSION_BYTES bytes from `at`; the caller has checked that there is room. */
export function writeVersion(version: Version, bytes: Uint8Array, at: number): void {
  putInt32(bytes, at, version.high)
  putInt32(bytes, at + 4, version.middle)
  putInt32(bytes, at + 8, version.low)
}

/**
 * The smallest version above `ballot` that carries this writerId: the same instant if the writerId is above
 * the ballot's, else the next counter, which overflows into the next millisecond. It is how a key gets on
 * that someone with a clock far ahead has written, without anyone's clock being moved. `into` may be `ballot`
 * itself. Throws ClockError CLOCK_EXHAUSTED for a ballot at the very end of the range, which only a forged
 * one can be.
 */
export function successor(ballot: Version, writerId: number, into: Version): Version {
  let high = ballot.high
  let middle = ballot.middle
  if ((writerId ^ SIGN) <= (ballot.low ^ SIGN)) {
    middle = (middle + 1) | 0
    if (middle === 0) {
      high = (high + 1) | 0
      if (high === 0) throw new ClockError('CLOCK_EXHAUSTED', `no version lies above ${ballot}`)
    }
  }
  return into.set(high, middle, writerId)
}

function fits(value: number, max: number): boolean {
  return Number.isInteger(value) && value >= 0 && value <= max
}

const HEX = Array.from({ length: 256 }, (_, byte) => byte.toString(16).padStart(2, '0'))

/** `toString(16)` takes 50 ns for a small integer and several times that for one above 2^31. */
function hex(word: number): string {
  return HEX[word >>> 24]! + HEX[(word >>> 16) & 255]! + HEX[(word >>> 8) & 255]! + HEX[word & 255]!
}

/** The upper bits of the time and the writerId are nearly always those of the version written last. */
class LastText {
  #word = 0
  #text = hex(0)

  of(word: number): string {
    if (word !== this.#word) {
      this.#word = word
      this.#text = hex(word)
    }
    return this.#text
  }
}

const highText = new LastText()
const lowText = new LastText()

function int32At(bytes: Uint8Array, at: number): number {
  return (bytes[at]! << 24) | (bytes[at + 1]! << 16) | (bytes[at + 2]! << 8) | bytes[at + 3]!
}

function putInt32(bytes: Uint8Array, at: number, word: number): void {
  bytes[at] = word >>> 24
  bytes[at + 1] = word >>> 16
  bytes[at + 2] = word >>> 8
  bytes[at + 3] = word
}
