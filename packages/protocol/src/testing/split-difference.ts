/**
 * A stream in pieces through a decoder as connections use it: what is incomplete is kept and copied in front
 * of the next piece, and the decoder is not asked again before the bytes it needs are there. What comes out
 * must be what the plain reader makes of the whole.
 */
import { type Decoder, type Message, messageOf } from './decoders.ts'
import type { Stream } from './stream-reader.ts'

/** Bytes around the stream's own, which no decoder may take for them. */
const MARGIN = 5
const MARGIN_BYTE = 0x14

/**
 * Feeds `bytes` in pieces of `sizes`, one after the other and again from the first; what differs from
 * `expected`, in words, or null.
 */
export function splitDifference(
  decoder: Decoder,
  bytes: Uint8Array,
  sizes: readonly number[],
  expected: Stream,
): string | null {
  let rest: Uint8Array = new Uint8Array(0)
  let count = 0
  let at = 0
  let needed = 0
  for (let fed = 0, turn = 0; fed < bytes.length; turn++) {
    const next = Math.min(bytes.length, fed + Math.max(1, sizes[turn % sizes.length]!))
    const held = joined(rest, bytes.subarray(fed, next))
    fed = next
    let start = MARGIN
    const end = held.length - MARGIN
    while (start < end && end - start >= needed) {
      const consumed = decoder.decode(held, start, end)
      if (consumed < 0) return brokenDifference(-consumed, at, count, expected)
      if (consumed === 0) {
        needed = (decoder.into as { needed: number }).needed
        if (needed <= end - start) return `needs ${needed} of ${end - start} bytes that are there`
        break
      }
      if (consumed > end - start) return `consumed ${consumed} of ${end - start}`
      needed = 0
      const wrong = messageDifference(messageOf(decoder, held), expected.messages[count])
      if (wrong !== null) return `message ${count}: ${wrong}`
      start += consumed
      at += consumed
      count++
    }
    rest = held.subarray(start, end)
  }
  const end = rest.length === 0 ? 'whole' : 'incomplete'
  if (end !== expected.end) return `${end} at ${at}, not ${expected.end} at ${expected.at}`
  if (count !== expected.messages.length || at !== expected.at) return `${count} messages up to ${at}`
  return needed <= expected.needed ? null : `waits for ${needed} bytes, not ${expected.needed}`
}

function brokenDifference(error: number, at: number, count: number, expected: Stream): string | null {
  if (error === expected.end && at === expected.at && count === expected.messages.length) return null
  return `error ${error} at ${at} behind ${count}, not ${expected.end} at ${expected.at}`
}

function joined(rest: Uint8Array, piece: Uint8Array): Uint8Array {
  const held = new Uint8Array(rest.length + piece.length + 2 * MARGIN)
  held.fill(MARGIN_BYTE, 0, MARGIN)
  held.set(rest, MARGIN)
  held.set(piece, MARGIN + rest.length)
  held.fill(MARGIN_BYTE, held.length - MARGIN)
  return held
}

function messageDifference(got: Message, want: Message | undefined): string | null {
  if (want === undefined) return 'is one too many'
  for (const name in want) if (got[name] !== want[name]) return `${name} ${got[name]}, not ${want[name]}`
  return null
}
