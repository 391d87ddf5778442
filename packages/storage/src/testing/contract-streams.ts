/** Values as streams, in and out. */

import { Readable } from 'node:stream'
import { BLOB_ABOVE_BYTES, VALUE_BYTES_MAX } from '../limits.ts'
import { type ContractCases, noise, sameBytes, text } from './contract-run.ts'
import type { SimpleStream } from './simple-door.ts'

const OPTION = { code: 'STORAGE_OPTION' }

async function* inPieces(value: Uint8Array, pieceBytes: number): AsyncGenerator<Uint8Array> {
  for (let at = 0; at < value.length; at += pieceBytes) yield value.slice(at, at + pieceBytes)
}

async function read(source: AsyncIterable<Uint8Array> | undefined): Promise<Uint8Array | undefined> {
  if (source === undefined) return undefined
  const pieces: Uint8Array[] = []
  for await (const piece of source) pieces.push(piece)
  return Buffer.concat(pieces)
}

export const streamCases: ContractCases = {
  'streams of every size': async (t, run) => {
    const sizes = [0, 1, 65_536, BLOB_ABOVE_BYTES - 1, BLOB_ABOVE_BYTES, BLOB_ABOVE_BYTES + 1, 3 << 20]
    for (const [i, size] of sizes.entries()) {
      const options = { type: 1, ttlMs: 1000, ...(i & 1 ? { size } : {}) } as const
      const written = await run.store.setStream(`v${i}`, inPieces(noise(size, i + 1), 50_001), options)
      t.equal(written.size, size)
      t.equal((await run.store.getEntry(`v${i}`))?.version, written.version)
    }
    for (let round = 0; round < 2; round++) {
      for (const [i, size] of sizes.entries()) {
        const value = noise(size, i + 1)
        t.ok(sameBytes(await run.store.get(`v${i}`), value), `${size} bytes, got`)
        const stream = (await run.store.getStream(`v${i}`))!
        const { version, type, expiresAtMs } = (await run.store.getEntry(`v${i}`))!
        t.same([stream.size, stream.start, stream.end], [size, 0, size])
        t.same([stream.version, stream.type, stream.expiresAtMs], [version, type, expiresAtMs])
        t.ok(sameBytes(await read(stream), value), `${size} bytes, streamed`)
      }
      await run.store.merge()
      await run.reopen()
    }
    t.equal(await run.store.getStream('nothing'), undefined)
    run.nowMs += 1000
    t.equal(await run.store.getStream('v6'), undefined, 'expired')
  },

  'every kind of source, every kind of stream': async (t, run) => {
    const value = noise(3 << 20)
    const web = () => new Blob([Uint8Array.from(value)]).stream()
    await run.store.setStream('web', web())
    await run.store.setStream('node', Readable.from(inPieces(value, 65_536)))
    await run.store.setStream('pieces', inPieces(value, 1 << 20))
    await run.store.set('set', value)
    await run.store.set('small', 'abc')
    await run.reopen()
    for (const key of ['web', 'node', 'pieces', 'set']) {
      const stream = async (): Promise<SimpleStream> => (await run.store.getStream(key))!
      t.ok(sameBytes(await read(await stream()), value), `${key}, as it is`)
      const asWeb = (await stream()).web()
      t.ok(sameBytes(new Uint8Array(await new Response(asWeb as never).arrayBuffer()), value), `${key}, web`)
      t.ok(sameBytes(await read((await stream()).node()), value), `${key}, node`)
    }
    t.equal(text(await read((await run.store.getStream('small'))?.node())), 'abc')
    const reused = new Uint8Array(10)
    async function* same() {
      for (let i = 0; i < 5; i++) yield reused.fill(i)
    }
    await run.store.setStream('reused', same())
    const wanted = Buffer.concat([0, 1, 2, 3, 4].map((i) => Buffer.alloc(10, i)))
    t.ok(sameBytes(await run.store.get('reused'), wanted), "a piece is the source's again when it goes on")
  },

  'ranges of a stream': async (t, run) => {
    const values: Record<string, Uint8Array> = { small: noise(1000), large: noise((2 << 20) + 5) }
    for (const [key, value] of Object.entries(values)) await run.store.set(key, value)
    await run.reopen()
    for (const [key, value] of Object.entries(values)) {
      const { length } = value
      const ranges: [number | undefined, number | undefined][] = [
        [0, 1],
        [1, length],
        [500, 501],
        [length - 1, undefined],
        [undefined, length - 1],
        [7, 7],
        [length, undefined],
        [length + 5, length + 9],
        [3, length + 1000],
        [9, 3],
      ]
      if (length > 1 << 20) ranges.push([65_535, 65_537], [1_000_000, 2_000_000])
      for (const [start, end] of ranges) {
        const range = { ...(start === undefined ? {} : { start }), ...(end === undefined ? {} : { end }) }
        const stream = (await run.store.getStream(key, range))!
        const wanted = value.subarray(start, end)
        t.ok(sameBytes(await read(stream), wanted), `${key} ${JSON.stringify(range)}`)
        t.same([stream.size, stream.end - stream.start], [length, wanted.length])
      }
      for (const range of [{ start: -1 }, { end: -1 }, { start: 0.5 }, { end: Number.NaN }]) {
        await t.rejects(run.store.getStream(key, range), OPTION, JSON.stringify(range))
      }
    }
  },

  'a source that fails leaves what was there': async (t, run) => {
    async function* failing(pieces: number) {
      for (let i = 0; i < pieces; i++) yield noise(300_000, i + 1)
      throw new RangeError('of the source')
    }
    const { version } = await run.store.set('old', 'value')
    for (const key of ['old', 'new']) {
      for (const pieces of [0, 1, 8]) {
        await t.rejects(run.store.setStream(key, failing(pieces)), {}, `${key}, after ${pieces} pieces`)
      }
      for (const size of [0, 99, 101, 2 << 20]) {
        const wrong = run.store.setStream(key, inPieces(noise(100), 30), { size })
        await t.rejects(wrong, OPTION, `${key}, not of the size announced`)
      }
      for (const size of [-1, 0.5, Number.NaN]) {
        await t.rejects(run.store.setStream(key, inPieces(noise(1), 1), { size }), OPTION, `size ${size}`)
      }
      const tooLarge = run.store.setStream(key, inPieces(noise(1), 1), { size: VALUE_BYTES_MAX + 1 })
      await t.rejects(tooLarge, { code: 'STORAGE_VALUE_TOO_LARGE' })
    }
    await run.reopen()
    t.equal((await run.store.getEntry('old'))?.version, version)
    t.equal(text(await run.store.get('old')), 'value')
    t.equal(await run.store.has('new'), false)
    await t.rejects(run.store.setStream('', inPieces(noise(1), 1)), { code: 'STORAGE_KEY_LENGTH' })
  },

  'conditions hold for streams': async (t, { store }) => {
    for (const size of [100, 2 << 20]) {
      const key = `k${size}`
      const source = () => inPieces(noise(size), 65_536)
      const first = await store.setStream(key, source(), { ifAbsent: true })
      const passed = { code: 'STORAGE_CONDITION', version: first.version }
      await t.rejects(store.setStream(key, source(), { ifAbsent: true }), passed)
      const second = await store.setStream(key, source(), { ifVersion: first.version })
      await t.rejects(store.setStream(key, source(), { ifVersion: first.version }), {
        code: 'STORAGE_CONDITION',
        version: second.version,
      })
      t.equal((await store.getEntry(key))?.version, second.version)
    }
  },

  'a stream goes on giving the value it began with': async (t, { store }) => {
    for (const size of [100_000, 3 << 20]) {
      await store.set('k', noise(size, 1))
      const stream = (await store.getStream('k'))!
      const pieces: Uint8Array[] = []
      for await (const piece of stream) {
        pieces.push(piece)
        if (pieces.length === 1) {
          await store.set('k', noise(size, 2))
          await store.merge()
        }
      }
      t.ok(sameBytes(Buffer.concat(pieces), noise(size, 1)), `${size} bytes, overwritten while read`)
      await store.delete('k')
    }
    await store.set('k', noise(3 << 20))
    const cancelled = (await store.getStream('k'))!
    let count = 0
    for await (const _ of cancelled) {
      count += 1
      await cancelled.cancel()
    }
    t.equal(count, 1, 'a cancelled stream ends')
    for await (const _ of (await store.getStream('k'))!) break
  },
}
