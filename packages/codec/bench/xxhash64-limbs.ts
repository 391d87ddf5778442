/**
 * xxhash64 in plain TypeScript, 64 bits as two int32, products by 16-bit limbs: the rival of the WebAssembly
 * module in bench/hash.ts, and a second implementation that the tests check it against.
 */
let high = 0
let low = 0

function multiply(aHigh: number, aLow: number, bHigh: number, bLow: number): void {
  const a0 = aLow & 0xffff
  const a1 = aLow >>> 16
  const b0 = bLow & 0xffff
  const b1 = bLow >>> 16
  const p00 = Math.imul(a0, b0) >>> 0
  const p01 = Math.imul(a0, b1) >>> 0
  const p10 = Math.imul(a1, b0) >>> 0
  const p11 = Math.imul(a1, b1)
  const middle = (p00 >>> 16) + (p01 & 0xffff) + (p10 & 0xffff)
  high =
    (p11 + (p01 >>> 16) + (p10 >>> 16) + (middle >>> 16) + Math.imul(aHigh, bLow) + Math.imul(aLow, bHigh)) |
    0
  low = (middle << 16) | (p00 & 0xffff)
}

function add(aHigh: number, aLow: number, bHigh: number, bLow: number): void {
  low = (aLow + bLow) | 0
  high = (aHigh + bHigh + (low >>> 0 < aLow >>> 0 ? 1 : 0)) | 0
}

/** By 1..31. */
function rotate(aHigh: number, aLow: number, by: number): void {
  high = (aHigh << by) | (aLow >>> (32 - by))
  low = (aLow << by) | (aHigh >>> (32 - by))
}

const P1H = 0x9e3779b1 | 0
const P1L = 0x85ebca87 | 0
const P2H = 0xc2b2ae3d | 0
const P2L = 0x27d4eb4f | 0
const P3H = 0x165667b1
const P3L = 0x9e3779f9 | 0
const P4H = 0x85ebca77 | 0
const P4L = 0xc2b2ae63 | 0
const P5H = 0x27d4eb2f
const P5L = 0x165667c5

const accumulators = new Int32Array(8)
const START = [0x60ea27ee, 0xadc0b5d6 | 0, P2H, P2L, 0, 0, 0x61c8864e, 0x7a143579]

function int32At(bytes: Uint8Array, at: number): number {
  return bytes[at]! | (bytes[at + 1]! << 8) | (bytes[at + 2]! << 16) | (bytes[at + 3]! << 24)
}

function round(aHigh: number, aLow: number, inputHigh: number, inputLow: number): void {
  multiply(inputHigh, inputLow, P2H, P2L)
  add(aHigh, aLow, high, low)
  rotate(high, low, 31)
  multiply(high, low, P1H, P1L)
}

function stripes(bytes: Uint8Array, start: number, end: number): number {
  let at = start
  for (let i = 0; i < 8; i++) accumulators[i] = START[i]!
  for (; at + 32 <= end; at += 32) {
    for (let i = 0; i < 4; i++) {
      round(
        accumulators[2 * i]!,
        accumulators[2 * i + 1]!,
        int32At(bytes, at + 8 * i + 4),
        int32At(bytes, at + 8 * i),
      )
      accumulators[2 * i] = high
      accumulators[2 * i + 1] = low
    }
  }
  let h = 0
  let l = 0
  for (let i = 0; i < 4; i++) {
    rotate(accumulators[2 * i]!, accumulators[2 * i + 1]!, i === 0 ? 1 : i === 1 ? 7 : i === 2 ? 12 : 18)
    add(h, l, high, low)
    h = high
    l = low
  }
  for (let i = 0; i < 4; i++) {
    round(0, 0, accumulators[2 * i]!, accumulators[2 * i + 1]!)
    multiply(h ^ high, l ^ low, P1H, P1L)
    add(high, low, P4H, P4L)
    h = high
    l = low
  }
  return at
}

export function hashByLimbs(
  bytes: Uint8Array,
  start: number,
  end: number,
  into: { high: number; low: number },
) {
  const length = end - start
  let at = start
  high = P5H
  low = P5L
  if (length >= 32) at = stripes(bytes, start, end)
  add(high, low, 0, length)
  let h = high
  let l = low
  for (; at + 8 <= end; at += 8) {
    round(0, 0, int32At(bytes, at + 4), int32At(bytes, at))
    rotate(h ^ high, l ^ low, 27)
    multiply(high, low, P1H, P1L)
    add(high, low, P4H, P4L)
    h = high
    l = low
  }
  if (at + 4 <= end) {
    multiply(0, int32At(bytes, at), P1H, P1L)
    rotate(h ^ high, l ^ low, 23)
    multiply(high, low, P2H, P2L)
    add(high, low, P3H, P3L)
    h = high
    l = low
    at += 4
  }
  for (; at < end; at++) {
    multiply(0, bytes[at]!, P5H, P5L)
    rotate(h ^ high, l ^ low, 11)
    multiply(high, low, P1H, P1L)
    h = high
    l = low
  }
  multiply(h, l ^ (h >>> 1), P2H, P2L)
  multiply(high ^ (high >>> 29), low ^ ((low >>> 29) | (high << 3)), P3H, P3L)
  into.low = low ^ high
  into.high = high
  return into
}
