/** Values in pieces against the same values whole. */
import fc from 'fast-check'
import t from 'tap'
import { CODEC, type Codec, type CodecError, decompress, rawBytesBound, valuePieces } from '../src/index.ts'
import { compressLz4 } from '../src/lz4.ts'
import { Lz4Pieces } from '../src/lz4-pieces.ts'
import { napiEngine } from '../src/zstd-engine.ts'
import { ZstdPieces, zstdStreams } from '../src/zstd-pieces.ts'

const MEBIBYTE = 1024 * 1024
const napi = napiEngine()!
const streams = zstdStreams()!

function joined(pieces: { next(): Uint8Array | null }): Buffer {
  const all: Buffer[] = []
  for (let piece = pieces.next(); piece !== null; piece = pieces.next()) all.push(Buffer.from(piece))
  return Buffer.concat(all)
}

function compress(codec: Codec, value: Uint8Array): Uint8Array {
  return codec === CODEC.lz4 ? compressLz4(value) : napi.compress(value)
}

/** The value in hex, or the code of the error. */
function outcome(body: () => Uint8Array): string {
  try {
    return Buffer.from(body()).toString('hex')
  } catch (error) {
    return (error as CodecError).code
  }
}

/** Text with repetitions near and far, and noise. */
const value = fc
  .array(fc.tuple(fc.uint8Array({ minLength: 1, maxLength: 30 }), fc.integer({ min: 1, max: 3000 })), {
    minLength: 1,
    maxLength: 12,
  })
  .map((parts) => Buffer.concat(parts.map(([bytes, times]) => Buffer.alloc(bytes.length * times, bytes))))

t.test('the pieces of a value are the value', async (t) => {
  for (const codec of [CODEC.zstd, CODEC.lz4]) {
    fc.assert(
      fc.property(value, fc.constantFrom(1, 7, 1000, 70_000, MEBIBYTE), (raw, pieceBytes) => {
        const sent = compress(codec, raw)
        const pieces =
          codec === CODEC.lz4
            ? new Lz4Pieces(sent, raw.length, raw.length / pieceBytes > 5000 ? 1000 : pieceBytes)
            : new ZstdPieces(sent, raw.length, raw.length / pieceBytes > 5000 ? 1000 : pieceBytes, streams)
        return pieces.rawBytes === raw.length && joined(pieces).equals(raw)
      }),
      { numRuns: 150 },
    )
  }
  const large = Buffer.alloc(3 * MEBIBYTE + 5, 'some text that repeats itself, ')
  for (const codec of [CODEC.zstd, CODEC.lz4]) {
    const sent = compress(codec, large)
    t.ok(rawBytesBound(codec, sent) >= large.length)
    t.ok(joined(valuePieces(codec, sent, large.length)).equals(large))
    t.equal(
      outcome(() => joined(valuePieces(codec, sent, large.length - 1))),
      'CODEC_TOO_LARGE',
    )
  }
  t.ok(joined(valuePieces(CODEC.none, large, large.length)).equals(large))
  const both = Buffer.concat([napi.compress(large), napi.compress(large)])
  t.ok(joined(valuePieces(CODEC.zstd, both, 2 * large.length)).equals(Buffer.concat([large, large])))
})

t.test('damaged input is refused in pieces as it is whole', async () => {
  for (const codec of [CODEC.zstd, CODEC.lz4]) {
    fc.assert(
      fc.property(
        value,
        fc.array(fc.tuple(fc.nat(), fc.nat(255)), { maxLength: 4 }),
        fc.nat(20),
        (raw, edits, cut) => {
          const sent = Buffer.from(compress(codec, raw))
          for (const [at, byte] of edits) sent[at % sent.length] = byte
          const damaged = sent.subarray(0, sent.length - (cut > 15 ? cut - 15 : 0))
          const whole = outcome(() => decompress(codec, damaged, raw.length))
          const inPieces = outcome(() => joined(valuePieces(codec, damaged, raw.length)))
          return whole === inPieces || (/^CODEC/.test(whole) && /^CODEC/.test(inPieces))
        },
      ),
      { numRuns: 1500 },
    )
  }
})
