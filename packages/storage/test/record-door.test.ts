/** What the owner of records is shown and may do, on a store that keeps few of its slots. */
import { successor, Version } from '@minivault/clock'
import { hashKey, KeyHash } from '@minivault/codec'
import { MemoryFileSystem } from '@minivault/wal/testing'
import t from 'tap'
import { APPLY, DURABILITY, Mutation, RecordDoor, SPACE, Store } from '../src/index.ts'

const KEYS = 5000
/** As `DroppedRanges` names them. */
const RANGE_SHIFT = 22

const encoder = new TextEncoder()

class Keys {
  readonly bytes = Array.from({ length: KEYS }, (_, i) => encoder.encode(`key ${i}`))
  readonly hashes = this.bytes.map((key) => hashKey(key, 0, key.length, new KeyHash()))

  ofRange(range: number): number[] {
    return [...this.bytes.keys()].filter((i) => this.hashes[i]!.high >>> RANGE_SHIFT === range)
  }
}

const keys = new Keys()
const RANGE = keys.hashes[0]!.high >>> RANGE_SHIFT

function open(disk: MemoryFileSystem, cacheBytes = 1 << 20): Promise<Store> {
  const sizes = { cacheBytes, keydirBytes: 4096, windowBytes: 16384, segmentBytes: 16384 }
  return Store.open({ directory: '/data', fileSystem: disk, autoMerge: false, ...sizes })
}

function write(
  door: RecordDoor,
  space: number,
  key: Uint8Array,
  hash: KeyHash,
  ballot: Version,
  value: Uint8Array,
) {
  const mutation = new Mutation()
  mutation.space = space
  mutation.key = key
  mutation.keyEnd = key.length
  mutation.hash.high = hash.high
  mutation.hash.low = hash.low
  mutation.ballot.copy(ballot)
  mutation.value = value
  mutation.valueEnd = value.length
  mutation.rawBytes = value.length
  return door.apply(mutation, hash)
}

async function filled(disk: MemoryFileSystem): Promise<{ store: Store; door: RecordDoor }> {
  const store = await open(disk)
  const door = new RecordDoor(store.engine)
  for (const [i, key] of keys.bytes.entries()) {
    for (const space of [SPACE.user, SPACE.promise]) {
      write(door, space, key, keys.hashes[i]!, Version.of(9, i, 1), new Uint8Array(8).fill(i))
    }
    if (i % 100 === 0) await store.sync()
  }
  await store.close()
  const again = await open(disk)
  await again.loaded()
  return { store: again, door: new RecordDoor(again.engine) }
}

function found(door: RecordDoor, i: number, space: number): boolean {
  return door.look(space, keys.bytes[i]!, 0, keys.bytes[i]!.length, keys.hashes[i]!)
}

function drop(door: RecordDoor): void {
  const name = encoder.encode(`dropped/${RANGE.toString(16).padStart(4, '0')}`)
  const hash = hashKey(name, 0, name.length, new KeyHash())
  const ballot = successor(new Version(), 0, new Version())
  door.roll()
  write(door, SPACE.meta, name, hash, ballot, new Uint8Array(4))
  const { segment } = door
  const value = new Uint8Array(4)
  new DataView(value.buffer).setUint32(0, segment, true)
  write(door, SPACE.meta, name, hash, successor(ballot, 0, ballot), value)
  door.drop(RANGE, segment)
}

t.test('a range that is dropped is gone, and what comes later counts', async (t) => {
  const disk = new MemoryFileSystem()
  let { store, door } = await filled(disk)
  const gone = new Set(keys.ofRange(RANGE))
  const back = Math.min(...gone)
  t.ok(gone.size > 1 && store.stats().coldSegments > 0, `${gone.size} keys`)
  const isAsItShould = async (when: string) => {
    const wrong = [...keys.bytes.keys()].filter((i) => {
      const isThere = !gone.has(i)
      return (
        found(door, i, SPACE.promise) !== isThere || found(door, i, SPACE.user) !== (isThere || i === back)
      )
    })
    t.same(wrong, [], when)
    const listed = new Set<string>()
    for await (const { key } of store.scan()) listed.add(Buffer.from(key).toString())
    t.equal(listed.size, KEYS - gone.size + 1, `${when}: listed`)
  }
  drop(door)
  t.same(
    [...gone].filter((i) => found(door, i, SPACE.user) || found(door, i, SPACE.promise)),
    [],
    'at once',
  )
  // Below the ballot of what is gone.
  const outcome = write(
    door,
    SPACE.user,
    keys.bytes[back]!,
    keys.hashes[back]!,
    Version.of(1, 0, 1),
    new Uint8Array(3),
  )
  t.equal(outcome, APPLY.applied)
  t.ok(door.wasAbsent)
  await isAsItShould('after the drop')
  await store.merge()
  await isAsItShould('after a merge')
  await store.close()
  store = await open(disk)
  door = new RecordDoor(store.engine)
  await store.loaded()
  await isAsItShould('after an open')
  await store.close()
})

t.test('a record that lies on disk is fetched', async (t) => {
  const disk = new MemoryFileSystem()
  const before = await filled(disk)
  await before.store.close()
  const store = await open(disk)
  const door = new RecordDoor(store.engine)
  const [key, hash] = [keys.bytes[7]!, keys.hashes[7]!]
  t.notOk(door.isInMemory(SPACE.user, key, 0, key.length, hash))
  await new Promise<void>((resolve) => door.fetch(SPACE.user, key, hash, resolve))
  t.ok(door.isInMemory(SPACE.user, key, 0, key.length, hash))
  t.ok(door.read(SPACE.user, key, 0, key.length, hash))
  t.equal(Buffer.from(door.value.bytes).toString('hex'), '07'.repeat(8))
  t.equal(door.place, 0, 'it is durable')
  await new Promise<void>((resolve) => door.fetch(SPACE.user, encoder.encode('none'), new KeyHash(), resolve))
  await store.close()
})

t.test('a place is reached when its record is durable', async (t) => {
  const store = await open(new MemoryFileSystem())
  const door = new RecordDoor(store.engine)
  let told = 0
  door.owner = { onReached: () => void (told += 1), mayRelease: () => false, onLeft: () => {} }
  write(door, SPACE.user, keys.bytes[0]!, keys.hashes[0]!, Version.of(1, 0, 1), new Uint8Array(3))
  const { place } = door
  t.ok(place > door.reached(DURABILITY.fsync))
  t.ok(place > door.reached(DURABILITY.os))
  t.ok(place < door.reached(DURABILITY.memory))
  await store.sync()
  t.ok(place <= door.reached(DURABILITY.fsync))
  t.ok(place <= door.reached(DURABILITY.os))
  t.ok(told > 0)
  await store.close()
})

t.test('whoever comes back with a key sees what has happened to it meanwhile', async (t) => {
  const store = await open(new MemoryFileSystem())
  const door = new RecordDoor(store.engine)
  const other = new RecordDoor(store.engine)
  const [key, hash] = [keys.bytes[0]!, keys.hashes[0]!]
  const value = new Uint8Array(3)
  const put = (by: RecordDoor, counter: number) =>
    write(by, SPACE.user, key, hash, Version.of(1, counter, 1), value)
  const seen = () => {
    const isThere = door.glance(SPACE.user, key, 0, key.length, hash)
    t.equal(found(door, 0, SPACE.user), isThere)
    if (isThere) t.same(door.ballot, door.found.ballot)
    return isThere ? door.ballot.counter : null
  }
  t.equal(seen(), null)
  t.equal(put(other, 5), APPLY.applied)
  t.equal(seen(), 5, 'it has come')
  t.equal(put(other, 6), APPLY.applied)
  t.equal(seen(), 6, 'it was overtaken')
  t.equal(put(door, 4), APPLY.stale)
  t.equal(put(door, 6), APPLY.held)
  t.equal(put(door, 7), APPLY.applied)
  t.notOk(door.wasAbsent)
  t.equal(seen(), 7)
  other.forget(SPACE.user, key, 0, key.length, hash)
  t.equal(seen(), 7, 'it was not dropped')
  const drop = (version: number) => {
    other.roll()
    // What begins the segment tells its number.
    write(other, SPACE.meta, keys.bytes[1]!, keys.hashes[1]!, Version.of(version, 0, 1), value)
    other.drop(hash.high >>> 22, other.segment)
  }
  drop(1)
  t.equal(put(other, 8), APPLY.applied)
  other.forget(SPACE.user, key, 0, key.length, hash)
  t.equal(seen(), 8, 'it is newer than what was dropped')
  drop(2)
  other.forget(SPACE.user, key, 0, key.length, hash)
  t.equal(seen(), null, 'it has gone')
  t.equal(put(door, 3), APPLY.applied)
  t.ok(door.wasAbsent)
  t.equal(seen(), 3)
  t.equal(store.stats().keys, 1)
  await store.close()
})
