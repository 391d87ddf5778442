import { randomFillSync } from 'node:crypto'
import { createRequire } from 'node:module'
import fc from 'fast-check'
import t from 'tap'
import { decompressZstd } from '../src/decompress.ts'
import { CODEC, type Codec, CodecError, Compressor, decompress, zstdEngine } from '../src/index.ts'
import { compressLz4 } from '../src/lz4.ts'
import { fzstdEngine, napiEngine, type ZstdEngine, zlibEngine } from '../src/zstd-engine.ts'

interface Streaming {
  CCtx: new () => {
    setParameter(parameter: number, value: number): void
    compressStream2(target: Uint8Array, source: Uint8Array, end: number): [number, number, number]
  }
  CParameter: { windowLog: number; checksumFlag: number; contentSizeFlag: number }
  EndDirective: { continue: number; end: number }
}

const MIB = 1024 * 1024
const engines = [zlibEngine(), napiEngine(), fzstdEngine()].filter((e): e is ZstdEngine => e !== undefined)
const native = engines.find((engine) => engine.canCompress)
const compressors = engines.filter((engine) => engine.canCompress)
const json = Buffer.from(
  JSON.stringify([...Array(400).keys()].map((id) => ({ id, name: `user ${id}`, ok: true }))),
)

/**
 * A frame made piece by piece, which therefore does not announce its content size unless `pledged` is one
 * block.
 */
function streamed(
  value: Uint8Array,
  repeats: number,
  options: { checksum?: boolean; windowLog?: number } = {},
) {
  const { CCtx, CParameter, EndDirective } = createRequire(import.meta.url)('zstd-napi/binding') as Streaming
  const context = new CCtx()
  if (options.checksum) context.setParameter(CParameter.checksumFlag, 1)
  if (options.windowLog) context.setParameter(CParameter.windowLog, options.windowLog)
  const target = new Uint8Array(256 * 1024)
  const out: Uint8Array[] = []
  for (let i = 0; i <= repeats; i++) {
    const last = i === repeats
    let source = last ? new Uint8Array(0) : value
    for (;;) {
      const [left, made, taken] = context.compressStream2(
        target,
        source,
        last ? EndDirective.end : EndDirective.continue,
      )
      out.push(target.slice(0, made))
      source = source.subarray(taken)
      if (last ? left === 0 : source.length === 0) break
    }
  }
  return Buffer.concat(out)
}

/** `count` bytes of zero as one frame of run-length blocks, written by hand. */
function zeros(count: number, announce: number | undefined): Buffer {
  const blocks = Math.ceil(count / (128 * 1024))
  const header = Buffer.alloc(announce === undefined ? 6 : 14)
  header.writeUInt32LE(0xfd2fb528, 0)
  header[4] = announce === undefined ? 0 : 0xc0
  header[5] = 10 << 3 // a window of 1 MiB
  if (announce !== undefined) header.writeBigUInt64LE(BigInt(announce), 6)
  const body = Buffer.alloc(blocks * 4)
  for (let i = 0; i < blocks; i++) {
    const size = Math.min(128 * 1024, count - i * 128 * 1024)
    body.writeUInt32LE((size << 3) | 2 | (i === blocks - 1 ? 1 : 0), i * 4)
  }
  return Buffer.concat([header, body])
}

function skippable(length: number): Buffer {
  const frame = Buffer.alloc(8 + length)
  frame.writeUInt32LE(0x184d2a53, 0)
  frame.writeUInt32LE(length, 4)
  return frame
}

function codeOf(run: () => unknown): string {
  try {
    run()
    return 'none'
  } catch (error) {
    return error instanceof CodecError ? error.code : `not a CodecError: ${error}`
  }
}

t.test('what is used here', (t) => {
  t.comment(`zstd by ${zstdEngine().name}; tried: ${engines.map((engine) => engine.name).join(', ')}`)
  t.equal(zstdEngine().name, engines[0]!.name)
  t.ok(native, 'a zstd that compresses: without it these tests show little')
  t.end()
})

t.test('every engine reads what every other wrote', (t) => {
  const values = [
    Buffer.alloc(0),
    Buffer.from('x'),
    json,
    Buffer.alloc(300_000, 'ab'),
    randomFillSync(Buffer.alloc(200_000)),
  ]
  for (const writer of compressors) {
    for (const value of values) {
      const frame = writer.compress(value)
      for (const reader of engines) {
        t.equal(
          Buffer.compare(decompressZstd(frame, value.length, reader), value),
          0,
          `${writer.name} to ${reader.name}`,
        )
        if (value.length > 0) {
          t.equal(
            codeOf(() => decompressZstd(frame, value.length - 1, reader)),
            'CODEC_TOO_LARGE',
          )
        }
      }
    }
  }
  for (const checksum of [false, true]) {
    const frame = streamed(json, 40, { checksum })
    const value = Buffer.concat(Array(40).fill(json))
    const parts = Buffer.concat([skippable(5), frame, skippable(0), native!.compress(json), frame])
    const whole = Buffer.concat([value, json, value])
    for (const reader of engines) {
      t.ok(value.equals(decompressZstd(frame, value.length, reader)), `${reader.name}: no content size`)
      t.ok(
        value.equals(decompressZstd(frame, 2 * value.length, reader)),
        `${reader.name}: with room to spare`,
      )
      t.equal(
        codeOf(() => decompressZstd(frame, value.length - 1, reader)),
        'CODEC_TOO_LARGE',
        reader.name,
      )
      t.ok(whole.equals(decompressZstd(parts, whole.length, reader)), `${reader.name}: several frames`)
      t.equal(
        codeOf(() => decompressZstd(parts, whole.length - 1, reader)),
        'CODEC_TOO_LARGE',
        reader.name,
      )
      t.equal(decompressZstd(skippable(9), 0, reader).length, 0)
    }
  }
  t.end()
})

t.test('bombs are refused in bounded memory', (t) => {
  const gib = 1024 * MIB
  const bombs: Record<string, Buffer> = {
    announced: zeros(gib, gib),
    'not announced': zeros(gib, undefined),
    'compressed, not announced': streamed(Buffer.alloc(MIB), 1024),
    'behind skippable and small frames': Buffer.concat([
      skippable(3),
      native!.compress(json),
      zeros(gib, undefined),
    ]),
    'a thousand frames of 1 MiB': Buffer.concat(Array(1024).fill(zeros(MIB, MIB))),
    'a thousand frames of 1 MiB, not announced': Buffer.concat(Array(1024).fill(zeros(MIB, undefined))),
    'announced as small': zeros(gib, 1000),
  }
  for (const [name, bomb] of Object.entries(bombs)) {
    for (const engine of engines) {
      const before = process.memoryUsage().rss
      const code = codeOf(() => decompressZstd(bomb, 8 * MIB, engine))
      const grown = process.memoryUsage().rss - before
      t.equal(
        code,
        name === 'announced as small' ? 'CODEC_CORRUPT' : 'CODEC_TOO_LARGE',
        `${engine.name}: ${name}`,
      )
      t.ok(grown < 96 * MIB, `${name}: ${bomb.length} bytes, ${Math.round(grown / MIB)} MiB more`)
    }
  }
  const window = Buffer.from(zeros(10, undefined))
  window[5] = 0xff
  t.equal(
    codeOf(() => decompress(CODEC.zstd, window, MIB)),
    'CODEC_TOO_LARGE',
    'a window of 3.75 TiB',
  )
  const lz4 = Buffer.from(compressLz4(Buffer.alloc(100 * MIB)))
  t.equal(
    codeOf(() => decompress(CODEC.lz4, lz4, MIB)),
    'CODEC_TOO_LARGE',
  )
  lz4.writeUInt32LE(1000)
  t.equal(
    codeOf(() => decompress(CODEC.lz4, lz4, MIB)),
    'CODEC_CORRUPT',
    'announced as small',
  )
  lz4.writeUInt32LE(0xffffffff)
  t.equal(
    codeOf(() => decompress(CODEC.lz4, lz4, 2 ** 33)),
    'CODEC_CORRUPT',
    'announced as 4 GiB',
  )
  const more = Buffer.from(compressLz4(json))
  more.writeUInt32LE(json.length + 1)
  t.equal(
    codeOf(() => decompress(CODEC.lz4, more, MIB)),
    'CODEC_CORRUPT',
    'announced as one more than it is',
  )
  t.end()
})

t.test(
  'damaged input: the right bytes, other bytes or a CodecError, within the limit and never anything else',
  (t) => {
    const odd: string[] = []
    const check = (name: string, read: () => Uint8Array) => {
      try {
        if (read().length > 60_000) odd.push(`${name}: too long`)
      } catch (error) {
        if (!(error instanceof CodecError)) odd.push(`${name}: ${error}`)
      }
    }
    const plain = native!.compress(json)
    const summed = streamed(json, 2, { checksum: true })
    for (const engine of engines) {
      for (const frame of [plain, summed]) {
        for (let length = 0; length < frame.length; length += 7) {
          const code = codeOf(() => decompressZstd(frame.subarray(0, length), 60_000, engine))
          if (code !== 'CODEC_CORRUPT') odd.push(`${engine.name} cut at ${length}: ${code}`)
        }
      }
      fc.assert(
        fc.property(
          fc.array(fc.tuple(fc.nat(), fc.integer({ min: 1, max: 255 })), { minLength: 1, maxLength: 4 }),
          (flips) => {
            for (const frame of [plain, summed]) {
              const bad = Uint8Array.from(frame)
              for (const [at, mask] of flips) bad[at % bad.length]! ^= mask
              check(engine.name, () => decompressZstd(bad, 60_000, engine))
            }
          },
        ),
        { numRuns: 400 },
      )
    }
    const lz4 = compressLz4(json)
    fc.assert(
      fc.property(
        fc.nat(),
        fc.integer({ min: 1, max: 255 }),
        fc.uint8Array({ maxLength: 60 }),
        (at, mask, rubbish) => {
          const bad = Uint8Array.from(lz4)
          bad[at % bad.length]! ^= mask
          check('lz4', () => decompress(CODEC.lz4, bad, 60_000))
          check('lz4', () => decompress(CODEC.lz4, bad.subarray(0, at % bad.length), 60_000))
          check('rubbish', () => decompress(CODEC.lz4, rubbish, 60_000))
          check('rubbish', () => decompress(CODEC.zstd, rubbish, 60_000))
        },
      ),
      { numRuns: 500 },
    )
    t.same(odd, [])
    for (const engine of engines) {
      const bad = Uint8Array.from(summed)
      bad[bad.length - 1]! ^= 1
      t.equal(
        codeOf(() => decompressZstd(bad, 60_000, engine)),
        'CODEC_CORRUPT',
        `${engine.name} checks the checksum`,
      )
    }
    t.end()
  },
)

t.test('codecs by number', (t) => {
  t.equal(decompress(CODEC.none, json, json.length), json)
  t.equal(
    codeOf(() => decompress(CODEC.none, json, json.length - 1)),
    'CODEC_TOO_LARGE',
  )
  t.equal(
    codeOf(() => decompress(3 as Codec, json, MIB)),
    'CODEC_UNKNOWN',
  )
  t.equal(
    codeOf(() => decompress(CODEC.zstd, Buffer.alloc(0), MIB)),
    'CODEC_CORRUPT',
  )
  const withDictionary = Buffer.from([0x28, 0xb5, 0x2f, 0xfd, 0x01, 0x50, 7, 1, 0, 0, 0])
  t.equal(
    codeOf(() => decompress(CODEC.zstd, withDictionary, MIB)),
    'CODEC_UNKNOWN',
  )
  t.end()
})

t.test('the compressor keeps what pays and stops trying where it does not', (t) => {
  for (const codec of ['zstd', 'lz4'] as const) {
    const compressor = new Compressor({ codec })
    const around = Buffer.concat([Buffer.from('xx'), json, Buffer.from('yy')])
    const made = compressor.compress(around, 2, 2 + json.length)!
    t.ok(made.length < json.length / 2, codec)
    t.ok(json.equals(decompress(compressor.codec, made, json.length)))
    t.equal(compressor.compress(json, 0, 1024), null, 'short values stay')
    t.ok(compressor.compress(json, 0, 1025))

    // Values that do not shrink, with one that does offered in between: null until the pause is over.
    const noise = randomFillSync(Buffer.alloc(2000))
    const pauses: number[] = []
    for (let failures = 0; failures < 8; failures++) {
      t.equal(compressor.compress(noise, 0, noise.length), null)
      let pause = 0
      const probe = Object.assign(new Compressor({ codec }), {})
      t.ok(probe.compress(json, 0, json.length), 'another compressor is not affected')
      while (pause < 100 && pausing(compressor, noise)) pause++
      pauses.push(pause)
    }
    t.same(pauses, [1, 3, 7, 15, 31, 63, 63, 63])
  }
  t.equal(new Compressor({ codec: 'none' }).compress(json, 0, json.length), null)
  t.equal(new Compressor({ codec: 'none' }).codec, CODEC.none)
  t.end()
})

/** Offers a value and tells whether it was skipped: a skipped one is not even looked at. */
function pausing(compressor: Compressor, noise: Buffer): boolean {
  let looked = false
  const value = new Proxy(noise, {
    get(target, name) {
      if (name === 'subarray') {
        looked = true
        throw new Error('looked at')
      }
      return Reflect.get(target, name)
    },
  })
  try {
    compressor.compress(value, 0, noise.length)
  } catch {}
  return !looked
}
