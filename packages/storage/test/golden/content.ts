/** What golden folders hold: something of every kind that the format knows. */
import { Version } from '@minivault/clock'
import { CODEC, Compressor, hashKey } from '@minivault/codec'
import { type DurabilityName, Mutation, NO_TOKEN, SPACE, type Store } from '../../src/index.ts'
import { GOLDEN_NOW_MS, noise } from '../../src/testing/index.ts'

/** Small segments, so that a few kilobytes fill several, and a value of 9 KB gets a file of its own. */
export const SMALL = { segmentBytes: 8 * 1024, windowBytes: 8 * 1024, cacheBytes: 1 << 20 } as const

/** When they are written. */
export const WRITTEN_MS = GOLDEN_NOW_MS - 3_600_000

const bytes = (text: string) => new TextEncoder().encode(text)
const LEVELS: readonly DurabilityName[] = ['memory', 'os', 'fsync']

/** Keys and values of the simple door; `tag` keeps them apart from those of another call. */
export async function writeUserKeys(store: Store, tag: string): Promise<void> {
  for (const [i, durability] of LEVELS.entries()) {
    await store.set(`${tag}/level ${durability}`, noise(30 + i, i + 1), { durability })
  }
  await store.set(`${tag}/empty`, '')
  await store.set(`${tag}/json`, '{"a":[1,2,{"b":null}]}', { type: 1 })
  await store.set(Uint8Array.of(0, 255, 10, 13, 0x80), 'a key of any bytes')
  await store.set(`${tag}/${'long key '.repeat(60)}`, 'of 500 bytes and more')
  await store.set(`${tag}/later`, 'ends in 2100', { expiresAtMs: 4_102_444_800_000 })
  await store.set(`${tag}/soon over`, 'has ended', { expiresAtMs: WRITTEN_MS + 1000 })
  await store.set(`${tag}/overwritten`, 'one')
  await store.set(`${tag}/overwritten`, 'two', { durability: 'os' })
  await store.set(`${tag}/deleted`, 'not any more')
  await store.delete(`${tag}/deleted`)
  await store.set(`${tag}/back`, 'first')
  await store.delete(`${tag}/back`)
  await store.set(`${tag}/back`, 'again')
  for (const key of ['counter', 'count']) await store.increment(`${tag}/${key}`, 41n)
  await store.increment(`${tag}/count`, 1n)
  await store.batch([
    { type: 'set', key: `${tag}/batch 1`, value: 'together' },
    { type: 'set', key: `${tag}/batch 2`, value: noise(300, 5) },
    { type: 'delete', key: `${tag}/counter` },
  ])
  await store.set(`${tag}/compressible`, 'the same words again and again, '.repeat(45))
  await store.set(`${tag}/file`, noise(10_000, 6))
  await store.set(`${tag}/file that ends`, noise(9000, 7), { expiresAtMs: 4_102_444_800_000 })
}

/** A value that came compressed with the other codec, to be kept as it came. */
export function writePacked(store: Store, key: string, codec: 'zstd' | 'lz4', at: Version): void {
  const raw = bytes('packed by the client, '.repeat(100))
  const compressor = new Compressor({ codec })
  if (compressor.codec !== CODEC[codec]) throw new Error(`${codec} cannot compress here: pnpm install`)
  const packed = compressor.compress(raw, 0, raw.length)
  const mutation = mutationOf(SPACE.user, key, at)
  mutation.value = Uint8Array.from(packed!)
  mutation.valueEnd = mutation.value.length
  mutation.codec = CODEC[codec]
  mutation.rawBytes = raw.length
  store.apply(mutation, NO_TOKEN)
}

/** What only the owner of replicas writes: another version than the ballot, promises, marks. */
export function writeOfReplica(store: Store): void {
  const settled = mutationOf(SPACE.user, 'settled by another', Version.of(WRITTEN_MS, 7, 9))
  settled.version.copy(Version.of(WRITTEN_MS - 5, 1, 8))
  settled.requestId.copy(Version.of(WRITTEN_MS - 9, 0, 3))
  settled.attempt = 3
  settled.value = bytes('under its first version')
  settled.valueEnd = settled.value.length
  store.apply(settled, NO_TOKEN)
  for (const [key, counter] of [
    ['settled by another', 8],
    ['nothing but promised', 9],
  ] as const) {
    const promise = mutationOf(SPACE.promise, key, Version.of(WRITTEN_MS, counter, 9))
    promise.requestId.copy(Version.of(WRITTEN_MS - 9, 0, 3))
    promise.attempt = 200
    store.apply(promise, NO_TOKEN)
  }
  const kept = mutationOf(SPACE.promise, 'promised no more', Version.of(WRITTEN_MS, 1, 9))
  store.apply(kept, NO_TOKEN)
  const gone = mutationOf(SPACE.promise, 'promised no more', Version.of(WRITTEN_MS, 2, 9))
  gone.tombstone = true
  store.apply(gone, NO_TOKEN)
  const ballot = '010203040506000100000007'
  const marks: [key: string, value: string][] = [
    ['membership/03ff', '03'],
    ['promise/0007', ballot],
    ['fence/0007/1a', ballot],
    ['floor/0007/ff', `${ballot}e6d5c4b3a2010000`],
    ['life/00000002', 'efcdab8901000000'],
    ['cluster-id', Buffer.from('golden').toString('hex')],
    ['a key of a later program', 'ffff'],
  ]
  for (const [key, value] of marks) {
    const mark = mutationOf(SPACE.meta, key, new Version(0, 1, 0))
    mark.value = Uint8Array.from(Buffer.from(value, 'hex'))
    mark.valueEnd = mark.value.length
    store.apply(mark, NO_TOKEN)
  }
}

function mutationOf(space: number, key: string, ballot: Version): Mutation {
  const mutation = new Mutation()
  mutation.space = space
  mutation.key = bytes(key)
  mutation.keyEnd = mutation.key.length
  hashKey(mutation.key, 0, mutation.keyEnd, mutation.hash)
  mutation.ballot.copy(ballot)
  return mutation
}
