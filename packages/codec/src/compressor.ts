/**
 * Compressor: compresses what is worth it, and stops trying where it is not. Values that do not shrink
 * (images, random keys, what is compressed already) come in streaks, and compressing costs more than storing:
 * after k failures in a row the next 2^k - 1 values are not tried, at most 63, so that such traffic pays for
 * one try in 64. One success resets it.
 *
 * The engine is looked for at the first value: without one that compresses zstd, lz4 takes its place, and
 * each stored value names its own codec.
 */
import { CODEC, type Codec } from './codec.ts'
import { COMPRESS_ABOVE_BYTES, COMPRESS_GAIN_SHIFT, COMPRESS_SKIP_MAX } from './limits.ts'
import { compressLz4 } from './lz4.ts'
import { zstdEngine } from './zstd-engine.ts'

export class Compressor {
  readonly #wanted: 'zstd' | 'lz4' | 'none'
  #codec: Codec | undefined
  #failures = 0
  #skip = 0

  constructor(options: { codec: 'zstd' | 'lz4' | 'none' }) {
    this.#wanted = options.codec
  }

  /**
   * What `compress` makes: the codec asked for, or lz4 in place of a zstd that cannot compress here. Loads
   * the engine.
   */
  get codec(): Codec {
    this.#codec ??= this.#choose()
    return this.#codec
  }

  /**
   * The compressed form of bytes[start, end) in memory of its own, at least 1/8 shorter and made with
   * `this.codec`; or null when the value is to be stored as it is.
   */
  compress(bytes: Uint8Array, start: number, end: number): Uint8Array | null {
    const length = end - start
    if (length <= COMPRESS_ABOVE_BYTES || this.#wanted === 'none') return null
    if (this.#skip > 0) {
      this.#skip--
      return null
    }
    const value = bytes.subarray(start, end)
    const compressed = this.codec === CODEC.zstd ? zstdEngine().compress(value) : compressLz4(value)
    if (compressed.length <= length - (length >>> COMPRESS_GAIN_SHIFT)) {
      this.#failures = 0
      return compressed
    }
    this.#failures = Math.min(this.#failures + 1, 31 - Math.clz32(COMPRESS_SKIP_MAX + 1))
    this.#skip = (1 << this.#failures) - 1
    return null
  }

  #choose(): Codec {
    if (this.#wanted === 'none') return CODEC.none
    return this.#wanted === 'zstd' && zstdEngine().canCompress ? CODEC.zstd : CODEC.lz4
  }
}
