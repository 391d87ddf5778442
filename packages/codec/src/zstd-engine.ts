/**
 * The zstd implementations, best first: node:zlib's own (Node 22.15 and later), the optional package
 * zstd-napi, and fzstd, which is plain JavaScript and only decompresses, so that reading never fails. Chosen
 * on first use.
 *
 * An engine decodes one frame into at most `capacity` bytes. It throws whatever it likes; `tooLarge` tells
 * whether that meant "does not fit". Nothing an engine does takes memory by what a frame announces: zstd-napi
 * writes straight into a buffer of `capacity`, node:zlib stops at it, fzstd hands out block by block and gets
 * no window larger than its output.
 */
import zlib from 'node:zlib'
import { CodecError } from './codec-error.ts'
import { COMPRESS_BUFFER_BYTES_MAX, FZSTD_WINDOW_BYTES_MAX, ZSTD_BLOCK_BYTES_MAX } from './limits.ts'
import { load } from './native.ts'
import { hashKey, KeyHash } from './xxhash64.ts'
import type { ZstdFrame } from './zstd-frame.ts'

/** On 3.8 KB of JSON level 1 takes 8.6 µs and gives 984 bytes, level 3 (zstd's default) 11.4 µs and 1,023. */
const LEVEL = 1

export interface ZstdEngine {
  readonly name: 'node:zlib' | 'zstd-napi' | 'fzstd'
  readonly canCompress: boolean
  /** In memory of its own. Only where `canCompress`. */
  compress(bytes: Uint8Array): Uint8Array
  decodeFrame(bytes: Uint8Array, frame: ZstdFrame, capacity: number): Uint8Array
  tooLarge(error: unknown): boolean
}

let engine: ZstdEngine | undefined

/** The engine in use. Loads it on the first call. */
export function zstdEngine(): ZstdEngine {
  engine ??= zlibEngine() ?? napiEngine() ?? fzstdEngine()
  return engine
}

/** The parts of node:zlib that Node 20 and its types do not have. */
interface ZlibZstd {
  zstdCompressSync?(bytes: Uint8Array, options: object): Uint8Array
  zstdDecompressSync?(bytes: Uint8Array, options: object): Uint8Array
  constants: { ZSTD_c_compressionLevel?: number }
}

export function zlibEngine(): ZstdEngine | undefined {
  const { zstdCompressSync, zstdDecompressSync, constants } = zlib as unknown as ZlibZstd
  if (zstdCompressSync === undefined || zstdDecompressSync === undefined) return undefined
  const params = { [constants.ZSTD_c_compressionLevel!]: LEVEL }
  return {
    name: 'node:zlib',
    canCompress: true,
    compress: (bytes) =>
      zstdCompressSync(bytes, { params, chunkSize: chunkBytes(bytes.length), pledgedSrcSize: bytes.length }),
    decodeFrame(bytes, frame, capacity) {
      const maxOutputLength = Math.max(1, capacity)
      return zstdDecompressSync(bytes.subarray(frame.start, frame.end), {
        maxOutputLength,
        chunkSize: chunkBytes(capacity),
      })
    },
    tooLarge: (error) => (error as { code?: string }).code === 'ERR_BUFFER_TOO_LARGE',
  }
}

/** zlib allocates its output in pieces of this size: one piece where that is small. */
function chunkBytes(expected: number): number {
  return Math.min(Math.max(expected + 128, 1024), 128 * 1024)
}

interface ZstdBinding {
  CCtx: new () => { compress(target: Uint8Array, source: Uint8Array, level: number): number }
  DCtx: new () => { decompress(target: Uint8Array, source: Uint8Array): number }
  compressBound(length: number): number
}

export function napiEngine(): ZstdEngine | undefined {
  const binding = load<ZstdBinding>('zstd-napi/binding')
  if (binding === undefined) return undefined
  const compression = new binding.CCtx()
  const decompression = new binding.DCtx()
  let output = new Uint8Array(0)
  return {
    name: 'zstd-napi',
    canCompress: true,
    compress(bytes) {
      const bound = binding.compressBound(bytes.length)
      let target = output
      if (target.length < bound) {
        target = new Uint8Array(bound)
        if (bound <= COMPRESS_BUFFER_BYTES_MAX) output = target
      }
      return target.slice(0, compression.compress(target, bytes, LEVEL))
    },
    decodeFrame(bytes, frame, capacity) {
      // The addon wants the address of its target: not that of an empty one.
      const target = Buffer.allocUnsafeSlow(Math.max(1, capacity))
      const length = decompression.decompress(target, bytes.subarray(frame.start, frame.end))
      return length === target.length ? target : Uint8Array.prototype.slice.call(target, 0, length)
    },
    tooLarge: (error) => /too small/i.test((error as Error).message),
  }
}

interface Fzstd {
  Decompress: new (onData: (piece: Uint8Array) => void) => { push(piece: Uint8Array, final?: boolean): void }
}

/** Thrown out of fzstd to stop it. */
const STOP = Symbol('more output than allowed')

export function fzstdEngine(): ZstdEngine {
  const fzstd = load<Fzstd>('fzstd')
  if (fzstd === undefined)
    throw new CodecError('CODEC_UNKNOWN', 'no zstd decoder is installed, not even fzstd')
  return {
    name: 'fzstd',
    canCompress: false,
    compress: () => {
      throw new CodecError('CODEC_UNKNOWN', 'fzstd cannot compress')
    },
    decodeFrame(bytes, frame, capacity) {
      const pieces: Uint8Array[] = []
      let length = 0
      const decoder = new fzstd.Decompress((piece) => {
        length += piece.length
        if (length > capacity) throw STOP
        pieces.push(piece)
      })
      decoder.push(fzstdHeader(frame, capacity))
      decoder.push(bytes.subarray(frame.blocks, frame.end), true)
      const value = pieces.length === 1 ? pieces[0]! : Buffer.concat(pieces, length)
      if (frame.hasChecksum) checkContent(value, bytes, frame.end - 4)
      return value
    },
    tooLarge: (error) => error === STOP,
  }
}

/**
 * The frame's header written anew, with the window as "content size", which is what fzstd takes it from: no
 * larger than the output can become, because fzstd allocates it and moves it for each block.
 */
function fzstdHeader(frame: ZstdFrame, capacity: number): Uint8Array {
  const window = Math.min(frame.windowBytes, frame.bytesMax, Math.max(capacity, ZSTD_BLOCK_BYTES_MAX))
  if (window > FZSTD_WINDOW_BYTES_MAX) {
    const cure = 'install zstd-napi or use Node 22.15'
    throw new CodecError('CODEC_TOO_LARGE', `fzstd is not given a zstd window of ${window} bytes: ${cure}`)
  }
  const header = Buffer.alloc(9)
  header.writeUInt32LE(0xfd2fb528, 0)
  header[4] = 0xa0 | (frame.hasChecksum ? 4 : 0)
  header.writeUInt32LE(window, 5)
  return header
}

/** fzstd skips the checksum: the lower half of xxhash64. */
function checkContent(value: Uint8Array, bytes: Uint8Array, at: number): void {
  const { low } = hashKey(value, 0, value.length, new KeyHash())
  const stored = bytes[at]! | (bytes[at + 1]! << 8) | (bytes[at + 2]! << 16) | (bytes[at + 3]! << 24)
  if (low !== stored) throw new CodecError('CODEC_CORRUPT', 'the checksum of the zstd data does not match')
}
