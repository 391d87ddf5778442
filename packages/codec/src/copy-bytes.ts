/**
 * copyBytes: the cheapest copy Node has for each length. Node's calls carry a fixed price (a view to make, a
 * call out of the compiled code) that a plain loop does not have; from some length on their memmove wins.
 * `copyWithin` needs no view, so inside one ArrayBuffer it wins earlier, but it takes offsets into one view
 * that covers both ranges. Measured by bench/copy.ts on Node 20: loop 1 ns a byte, `set(subarray)` 46 ns,
 * `Buffer.copy` 57 ns, `copyWithin` 21 ns.
 */

/** Up to this length the loop wins over `set` of a view. */
const LOOP_BYTES_MAX = 48
/** Up to this length the loop wins over `copyWithin`. */
const LOOP_BEFORE_COPY_WITHIN_BYTES_MAX = 16

/** Copies source[start, end) to target[at, …). Ranges of one ArrayBuffer may overlap. */
export function copyBytes(
  source: Uint8Array,
  start: number,
  end: number,
  target: Uint8Array,
  at: number,
): void {
  const length = end - start
  if (source === target) {
    if (length > LOOP_BEFORE_COPY_WITHIN_BYTES_MAX || at > start) target.copyWithin(at, start, end)
    else for (let i = 0; i < length; i++) target[at + i] = source[start + i]!
    return
  }
  // How far the target lies behind the source, if they are one ArrayBuffer. To ask for that costs 25 ns, and
  // 230 at the first time with an array on V8's own heap, which it moves away from there.
  const behind = target.byteOffset + at - (source.byteOffset + start)
  if (length > LOOP_BYTES_MAX || (behind > 0 && behind < length)) {
    // A view of an array on V8's own heap moves it away from there, too, for a microsecond.
    target.set(length === source.length ? source : source.subarray(start, end), at)
  } else for (let i = 0; i < length; i++) target[at + i] = source[start + i]!
}

/** A copy of bytes[start, end) in memory of its own. `slice` is not that: a Buffer's `slice` is a view. */
export function cloneBytes(bytes: Uint8Array, start: number, end: number): Uint8Array<ArrayBuffer> {
  const length = end - start
  if (length > LOOP_BYTES_MAX) return new Uint8Array(bytes.subarray(start, end))
  const copy = new Uint8Array(length)
  for (let i = 0; i < length; i++) copy[i] = bytes[start + i]!
  return copy
}
