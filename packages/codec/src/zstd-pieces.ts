/**
 * Reads zstd frames piece by piece with zstd-napi. A frame's window is memory that its sender chooses, so
 * the one context is let go after a frame with a large one.
 */
import { CodecError } from './codec-error.ts'
import { ZSTD_WINDOW_KEPT_BYTES } from './limits.ts'
import { load } from './native.ts'
import type { ValuePieces } from './value-pieces.ts'
import { readZstdFrames, type ZstdFrame } from './zstd-frame.ts'

interface StreamContext {
  /** What is left to flush (0: the frame is complete), bytes written, bytes read. Throws what is damaged. */
  decompressStream(target: Uint8Array, source: Uint8Array): [number, number, number]
  reset(directive: number): void
}

interface ZstdStreams {
  DCtx: new () => StreamContext
  ResetDirective: { sessionOnly: number }
}

let streams: ZstdStreams | undefined | null = null
/** Made once: it keeps the buffers it needed. */
let kept: StreamContext | null = null

/** Undefined where zstd-napi does not load. */
export function zstdStreams(): ZstdStreams | undefined {
  if (streams === null) streams = load<ZstdStreams>('zstd-napi/binding')
  return streams
}

export class ZstdPieces implements ValuePieces {
  readonly rawBytes: number
  readonly #bytes: Uint8Array
  readonly #frames: ZstdFrame[]
  readonly #rawBytesMax: number
  readonly #context: StreamContext
  readonly #piece: Uint8Array
  #frame = 0
  #at: number
  #made = 0
  #madeOfFrame = 0

  /** Throws CodecError CODEC_TOO_LARGE, CODEC_CORRUPT, CODEC_UNKNOWN. */
  constructor(bytes: Uint8Array, rawBytesMax: number, pieceBytes: number, engine: ZstdStreams) {
    this.#bytes = bytes
    this.#rawBytesMax = rawBytesMax
    this.#frames = readZstdFrames(bytes)
    this.rawBytes = announced(this.#frames)
    if (this.rawBytes > rawBytesMax) throw this.#tooLarge(this.rawBytes)
    this.#at = this.#frames[0]?.start ?? 0
    this.#context = kept ?? new engine.DCtx()
    kept = null
    this.#context.reset(engine.ResetDirective.sessionOnly)
    this.#piece = Buffer.allocUnsafeSlow(pieceBytes)
  }

  next(): Uint8Array | null {
    let length = 0
    while (length < this.#piece.length && this.#frame < this.#frames.length) length += this.#fill(length)
    return length > 0 ? this.#piece.subarray(0, length) : null
  }

  /** Returns how many bytes it wrote behind the `length` that are there. */
  #fill(length: number): number {
    const frame = this.#frames[this.#frame]!
    let result: [number, number, number]
    try {
      const target = this.#piece.subarray(length)
      result = this.#context.decompressStream(target, this.#bytes.subarray(this.#at, frame.end))
    } catch (cause) {
      throw new CodecError('CODEC_CORRUPT', 'the zstd data is damaged', cause)
    }
    const [left, written, read] = result
    this.#at += read
    this.#made += written
    this.#madeOfFrame += written
    if (this.#made > this.#rawBytesMax) throw this.#tooLarge(this.#made)
    if (left === 0) this.#endFrame(frame)
    else if (written === 0 && read === 0) throw new CodecError('CODEC_CORRUPT', 'the zstd data ends early')
    return written
  }

  #endFrame({ contentBytes, end }: ZstdFrame): void {
    if (this.#at !== end || (contentBytes >= 0 && contentBytes !== this.#madeOfFrame)) {
      throw new CodecError('CODEC_CORRUPT', 'the zstd data is not what it announces')
    }
    this.#madeOfFrame = 0
    this.#frame += 1
    const next = this.#frames[this.#frame]
    if (next !== undefined) this.#at = next.start
    else if (this.#frames.every(({ windowBytes }) => windowBytes <= ZSTD_WINDOW_KEPT_BYTES))
      kept = this.#context
  }

  #tooLarge(bytes: number): CodecError {
    const what = `the value would take up to ${bytes} bytes, allowed are ${this.#rawBytesMax}`
    return new CodecError('CODEC_TOO_LARGE', what)
  }
}

/** -1 where a frame does not say. */
function announced(frames: readonly ZstdFrame[]): number {
  let sum = 0
  for (const { contentBytes } of frames) {
    if (contentBytes < 0) return -1
    sum += contentBytes
  }
  return sum
}
