/** Words of requests, compared where they lie. */

/** The same letters, in any case. */
export function isWord(bytes: Uint8Array, start: number, end: number, word: string): boolean {
  if (end - start !== word.length) return false
  for (let at = start; at < end; at++) {
    if ((bytes[at]! | 0x20) !== word.charCodeAt(at - start)) return false
  }
  return true
}
