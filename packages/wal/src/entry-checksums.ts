/**
 * The checksums of all entries of a block: short entries that follow each other go to WebAssembly together,
 * one call for up to 64 KiB of them, long ones each on their own way.
 *
 * Lengths are trusted here: they are the writer's own, or were checked before.
 */
import { NATIVE_BYTES_MIN, SUM_BYTES_MAX, sumEntries } from './crc32.ts'
import { ENTRY_HEADER_BYTES, entryBytes, entryChecksum } from './segment-format.ts'

/** Writes the checksums of all entries in [at, end), whose first lies at `offset` in the file. */
export function sealEntries(
  view: DataView,
  bytes: Uint8Array,
  at: number,
  end: number,
  id: number,
  offset: number,
): void {
  sum(view, bytes, at, end, (id + offset) | 0, true)
}

/** Whether the checksums of all entries in [at, end) are right; the first lies at `offset` in the file. */
export function areEntriesSound(
  view: DataView,
  bytes: Uint8Array,
  at: number,
  end: number,
  id: number,
  offset: number,
): boolean {
  return sum(view, bytes, at, end, (id + offset) | 0, false)
}

function sum(
  view: DataView,
  bytes: Uint8Array,
  at: number,
  end: number,
  seed: number,
  seals: boolean,
): boolean {
  for (let place = at; place < end; ) {
    const first = place
    const firstSeed = (seed + first - at) | 0
    const stop = Math.max(first + 1, endOfShort(view, first, end))
    const sums = stop > first + 1 ? sumEntries(bytes, first, stop, firstSeed) : null
    while (place < stop) {
      const payloadBytes = view.getInt32(place + 4, true)
      const taken = sums
        ? sums.getInt32(place - first, true)
        : entryChecksum(bytes, place, payloadBytes, firstSeed, 0)
      if (seals) view.setInt32(place, taken, true)
      else if (view.getInt32(place, true) !== taken) return false
      place += entryBytes(payloadBytes)
    }
  }
  return true
}

/** Where the short entries end that stand at `at` behind each other, as far as one call may take them. */
function endOfShort(view: DataView, at: number, end: number): number {
  const last = Math.min(end, at + SUM_BYTES_MAX)
  let place = at
  while (place < last) {
    const payloadBytes = view.getInt32(place + 4, true)
    if (ENTRY_HEADER_BYTES + payloadBytes >= NATIVE_BYTES_MIN) break
    const next = place + entryBytes(payloadBytes)
    if (next > last) break
    place = next
  }
  return place
}
