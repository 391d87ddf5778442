/*
 * Copying a range of bytes behind what an encoder has written.
 *
 * `target.set(source.subarray(…))` allocates a view per call and costs more than the copy itself for the
 * small values that are most of the traffic; so small ranges are copied in a loop, and ranges within one
 * ArrayBuffer (the arena that a node shares between sockets and log) by `copyWithin`.
 */

const LOOP_BYTES_MAX = 128

/**
 * Copies `source[start, end)` to `target` at `at`; returns the offset behind it. The target must have the
 * room.
 */
export function appendBytes(
  source: Uint8Array,
  start: number,
  end: number,
  target: Uint8Array,
  at: number,
): number {
  const length = end - start
  if (length <= LOOP_BYTES_MAX) {
    for (let index = 0; index < length; index++) target[at + index] = source[start + index]!
  } else if (source.buffer === target.buffer) {
    const shift = source.byteOffset - target.byteOffset
    appendWithin(source, start, end, shift, target, at)
  } else {
    target.set(start === 0 && end === source.length ? source : source.subarray(start, end), at)
  }
  return at + length
}

// `copyWithin` counts from the target's own start; a source that begins outside of it needs a view after all.
function appendWithin(
  source: Uint8Array,
  start: number,
  end: number,
  shift: number,
  target: Uint8Array,
  at: number,
): void {
  if (start + shift >= 0 && end + shift <= target.length) target.copyWithin(at, start + shift, end + shift)
  else target.set(source.subarray(start, end), at)
}
