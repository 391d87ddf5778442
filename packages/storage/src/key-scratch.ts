/**
 * The bytes of the key that an operation is about, in one place that is used again by the next: a text
 * becomes bytes without garbage, and bytes that may lie in the store's own memory become safe. Texts of
 * ASCII, as most keys are, go character by character: `TextEncoder` costs 300 ns and an object.
 */
import { copyBytes } from '@minivault/codec'
import { checkKey } from './hot-door.ts'
import { KEY_BYTES_MAX } from './limits.ts'
import { bytesOf } from './write-options.ts'

/** Up to this length the loop wins over `encodeInto`. */
const LOOP_LENGTH_MAX = 64

const encoder = new TextEncoder()

export class KeyScratch {
  readonly bytes = new Uint8Array(KEY_BYTES_MAX)

  /** Fills `bytes[0, length)` and returns the length. Throws STORAGE_KEY_LENGTH and STORAGE_OPTION. */
  take(key: string | Uint8Array): number {
    if (typeof key === 'string') return this.#encode(key)
    const given = bytesOf('key', key)
    if (given.length > KEY_BYTES_MAX) checkKey(given.length)
    copyBytes(given, 0, given.length, this.bytes, 0)
    return given.length
  }

  #encode(text: string): number {
    const { bytes } = this
    const { length } = text
    if (length <= LOOP_LENGTH_MAX) {
      let at = 0
      for (; at < length; at++) {
        const code = text.charCodeAt(at)
        if (code > 127) break
        bytes[at] = code
      }
      if (at === length) return length
    }
    const { read, written } = encoder.encodeInto(text, bytes)
    if (read < length) checkKey(Buffer.byteLength(text))
    return written
  }
}
