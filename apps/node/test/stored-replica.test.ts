/**
 * The same calls to a replica's log on a store and to the plainest one there is, with reopens, merges and
 * power cuts between: what either shows is the same. After a cut what is left is a beginning of what was
 * written, and all that was durable.
 */
import {
  afterMark,
  DURABILITY,
  type Durability,
  type Glance,
  type HeldRecord,
  higher,
  isAbove,
  type LayoutValue,
  type Mark,
  type Outline,
  type Standing,
  type Table,
  type TableForm,
  type Value,
  Version,
  ZERO,
} from '@minivault/cluster'
import { MemoryLog } from '@minivault/cluster/testing'
import { Store } from '@minivault/storage'
import { MemoryFileSystem, seededRandom } from '@minivault/wal/testing'
import fc from 'fast-check'
import t from 'tap'
import { LAYOUTS_KEY, MemberKey } from '../src/cluster/member-key.ts'
import type { MemberValue } from '../src/cluster/member-value.ts'
import { StoredReplica } from '../src/cluster/stored/stored-replica.ts'

const KEYS = [LAYOUTS_KEY, ...['a', 'b', 'c', 'dd', 'eee'].map(keyOf)]
const LEVELS = [DURABILITY.memory, DURABILITY.os, DURABILITY.fsync] as const
/** Of one place, so that they meet. */
const LEAF = { partition: 7, leaf: 3 }

type Step =
  | {
      readonly do: 'hold'
      readonly key: number
      readonly rise: number
      readonly what: 'value' | 'expiring' | 'tombstone' | 'absence'
      readonly bytes: number
      readonly level: Durability
    }
  | { readonly do: 'pledge'; readonly key: number; readonly rise: number }
  | { readonly do: 'release' | 'drop'; readonly key: number }
  | { readonly do: 'note'; readonly kind: Mark['kind']; readonly number: number }
  | { readonly do: 'tick' | 'sync' | 'merge' | 'reopen' }
  | { readonly do: 'cut'; readonly seed: number }

const key = fc.nat(KEYS.length - 1)
const rise = fc.integer({ min: 1, max: 5 })
const step: fc.Arbitrary<Step> = fc.oneof(
  {
    weight: 8,
    arbitrary: fc.record({
      do: fc.constant('hold' as const),
      key,
      rise,
      what: fc.constantFrom('value', 'value', 'expiring', 'tombstone', 'absence'),
      bytes: fc.nat(600),
      level: fc.constantFrom(...LEVELS),
    }),
  },
  { weight: 3, arbitrary: fc.record({ do: fc.constant('pledge' as const), key, rise }) },
  { weight: 3, arbitrary: fc.record({ do: fc.constantFrom('release' as const, 'drop' as const), key }) },
  {
    weight: 2,
    arbitrary: fc.record({
      do: fc.constant('note' as const),
      kind: fc.constantFrom('membership', 'promise', 'fence', 'floor', 'life'),
      number: fc.integer({ min: 1, max: 50 }),
    }),
  },
  {
    weight: 5,
    arbitrary: fc.record({
      do: fc.constantFrom<'tick' | 'sync' | 'merge' | 'reopen'>('tick', 'sync', 'merge', 'reopen'),
    }),
  },
  { weight: 2, arbitrary: fc.record({ do: fc.constant('cut' as const), seed: fc.nat(1e6) }) },
)

const none = () => []

/** A table is its epoch. */
const tables: TableForm = {
  encode: ({ epoch }) => Uint8Array.of(epoch),
  decode: ([epoch]): Table => ({ epoch: epoch!, home: '', members: [], replicasOf: none, votersOf: none }),
}

function keyOf(text: string): MemberKey {
  const bytes = Buffer.from(text)
  return MemberKey.hashed(bytes, 0, bytes.length)
}

function at(wallMs: number): Version {
  return wallMs === 0 ? ZERO : Version.of(wallMs, 0, 1)
}

function markOf(kind: Mark['kind'], number: number): Mark {
  const ballot = at(number)
  if (kind === 'membership') return { kind, partition: LEAF.partition, membership: 1 }
  if (kind === 'promise') return { kind, partition: LEAF.partition, ballot }
  if (kind === 'fence') return { kind, ...LEAF, ballot }
  if (kind === 'floor') return { kind, ...LEAF, upTo: ballot, expiredBeforeMs: 51 - number }
  return { kind: 'life', member: 2, life: number }
}

function madeValue(isLayout: boolean, bytes: number, seed: number): Value {
  if (isLayout) {
    const value: LayoutValue = { bytes: 0, table: tables.decode(Uint8Array.of(seed % 256)) }
    return value
  }
  const data = new Uint8Array(bytes).fill(seed)
  const value: MemberValue = { bytes, data, codec: 0, rawBytes: bytes, type: bytes % 2 === 0 ? 0 : 1 }
  return value
}

function written(value: Value | null | undefined): string {
  if (value === null || value === undefined) return String(value)
  if ('table' in value) return `table ${(value as LayoutValue).table.epoch}`
  const { data, codec, rawBytes, type } = value as MemberValue
  return `${Buffer.from(data).toString('hex')} ${codec} ${rawBytes} ${type}`
}

function order({ record, promised }: Glance): string {
  return `${record?.ballot ?? 'nothing'} ${promised}`
}

function shown({ record, promised }: Standing): string {
  if (record === null) return `nothing, promised ${promised}`
  const { ballot, version, request, value, expiresAtMs } = record
  return `${ballot} ${version} ${request} ${expiresAtMs} ${written(value)}, promised ${promised}`
}

function folded(marks: Iterable<Mark>): string {
  const last = new Map<string, Mark>()
  for (const mark of marks) {
    const before = last.get(mark.kind)
    last.set(mark.kind, before === undefined ? mark : afterMark(before, mark))
  }
  return JSON.stringify([...last].sort())
}

class Run {
  #disk = new MemoryFileSystem()
  #store!: Store
  #stored!: StoredReplica
  #model = new MemoryLog()
  /** By entry of the model: its position in the store; 0: it has none of its own. */
  #positions: number[] = []
  /** By key: what was released lies at or below; and since the last drop. */
  readonly #released = KEYS.map(() => 0)
  #floors = KEYS.map(() => 0)
  #opened = 0
  cuts = 0

  async all(steps: readonly Step[]): Promise<void> {
    await this.#open()
    for (const one of steps) {
      await this.#do(one)
      this.#compare(`after ${JSON.stringify(one)}`)
    }
    await this.#store.close()
  }

  async #do(one: Step): Promise<void> {
    if (one.do === 'hold') this.#hold(one)
    else if (one.do === 'pledge') this.#pledge(one.key, one.rise)
    else if (one.do === 'release') await this.#release(one.key)
    else if (one.do === 'drop') this.#drop(one.key)
    else if (one.do === 'note') {
      const mark = markOf(one.kind, one.number)
      this.#model.note(mark)
      this.#positions.push(this.#stored.note(mark))
    } else if (one.do === 'tick') this.#stored.onTick()
    else if (one.do === 'sync') await this.#store.sync()
    else if (one.do === 'merge') await this.#store.merge()
    else if (one.do === 'reopen') {
      await this.#store.close()
      await this.#open()
    } else if (one.do === 'cut') await this.#cut(one.seed)
  }

  #hold({ key, rise, what, bytes, level }: Extract<Step, { do: 'hold' }>): void {
    const ballot = at(this.#barOf(key) + rise)
    const isNothing = what === 'absence'
    const version = isNothing ? ZERO : rise === 5 ? at(ballot.wallMs - 1) : ballot
    const request = isNothing ? ZERO : rise > 3 ? at(ballot.wallMs + 1) : version
    const isDead = isNothing || what === 'tombstone'
    const value = isDead ? null : madeValue(key === 0, bytes, ballot.wallMs)
    const expiresAtMs = what === 'expiring' ? 1000 : 0
    const record: HeldRecord = { ballot, version, request, value, expiresAtMs, sum: null }
    this.#model.hold(KEYS[key]!, record, level)
    this.#positions.push(this.#stored.hold(KEYS[key]!, record, level))
  }

  #pledge(key: number, rise: number): void {
    // Such a tombstone would be found again at an open: with the promise above it, it counts.
    if (this.#released[key]! > 0 && this.#model.read(KEYS[key]!).record === null) return
    const pledge = { ballot: at(this.#barOf(key) + rise), request: at(rise), attempt: rise }
    this.#model.pledge(KEYS[key]!, pledge)
    this.#positions.push(this.#stored.pledge(KEYS[key]!, pledge))
  }

  #barOf(key: number): number {
    const { record, promised } = this.#model.read(KEYS[key]!)
    return Math.max(record?.ballot.wallMs ?? 0, promised.wallMs, this.#floors[key]!)
  }

  /** As the core does: what is dead, when a floor is durable that stands for it and its promise. */
  async #release(key: number): Promise<void> {
    const { record, promised } = this.#model.read(KEYS[key]!)
    if (record === null || (record.value !== null && record.expiresAtMs === 0)) return
    await this.#store.sync()
    this.#floors[key] = higher(record.ballot, promised).wallMs
    this.#released[key] = Math.max(this.#released[key]!, this.#floors[key]!)
    this.#model.release(KEYS[key]!)
    this.#positions.push(0)
    this.#stored.release(KEYS[key]!)
  }

  #drop(key: number): void {
    // What is decided about layouts may come back with an open.
    if (key === 0) return
    const { partition } = KEYS[key]!
    this.#floors[key] = 0
    this.#model.drop(partition)
    this.#positions.push(0)
    this.#stored.drop(partition)
  }

  async #cut(seed: number): Promise<void> {
    this.cuts += 1
    this.#syncModel()
    const old = this.#store
    this.#disk = this.#disk.moved(seed)
    old.close().catch(() => {})
    // It may have lost a drop.
    this.#floors = [...this.#released]
    const before = this.#model.end
    const durable = this.#model.durableUpTo(DURABILITY.fsync)
    await this.#open(false)
    for (let end = before; end >= durable; end--) {
      this.#model.loseAfter(end)
      this.#positions.length = end
      if (this.#difference() === null) return
    }
    throw new Error(`after a power cut: ${this.#difference()}`)
  }

  /** All that the store has made durable, in the order in which it was written. */
  #syncModel(): void {
    const durable = this.#stored.durableUpTo(DURABILITY.fsync)
    this.#model.sync(this.#positions.findLastIndex((one) => one > 0 && one <= durable) + 1)
  }

  #difference(): string | null {
    for (const [number, key] of KEYS.entries()) {
      this.#releaseAgain(number)
      const read = [shown(this.#model.read(key)), shown(this.#stored.read(key))]
      if (read[0] !== read[1]) return `${key.id} is ${read[1]}, not ${read[0]}`
      const found = [shown(this.#model.find(key)), shown(this.#stored.find(key))]
      if (found[0] !== found[1]) return `${key.id} is found as ${found[1]}, not ${found[0]}`
    }
    const marks = [folded(this.#model.marks()), folded(this.#stored.marks())]
    return marks[0] === marks[1] ? null : `marks are ${marks[1]}, not ${marks[0]}`
  }

  /** As the core does at an open. */
  #releaseAgain(number: number): void {
    const { record } = this.#stored.find(KEYS[number]!)
    const isReleased = record !== null && record.ballot.wallMs <= this.#released[number]!
    if (isReleased && this.#model.find(KEYS[number]!).record === null) this.#stored.release(KEYS[number]!)
  }

  #compare(when: string): void {
    this.#syncModel()
    for (const key of KEYS) {
      const ours = this.#model.read(key)
      const theirs = this.#stored.read(key)
      if (shown(ours) !== shown(theirs)) throw new Error(`${when} ${shown(theirs)}, not ${shown(ours)}`)
      if (shown(this.#model.find(key)) !== shown(this.#stored.find(key))) throw new Error(`${when} find`)
      if (order(this.#model.glance(key)) !== order(this.#stored.glance(key)))
        throw new Error(`${when} glance`)
      if (ours.record !== null && ours.durability !== theirs.durability) throw new Error(`${when} level`)
      const isDurable = ours.position <= this.#model.durableUpTo(DURABILITY.fsync)
      const isSaidToBe = theirs.position <= this.#stored.durableUpTo(DURABILITY.fsync)
      if (ours.record !== null && isDurable && !isSaidToBe) throw new Error(`${when} durable`)
      if (ours.record !== null && !isDurable && isSaidToBe) throw new Error(`${when} not durable`)
      const listed = [...this.#stored.keysIn(key.partition, key.leaf)].filter(({ id }) => id === key.id)
      if (listed.length !== (ours.record === null ? 0 : 1)) throw new Error(`${when} listed ${key.id}`)
      const met = higher(ours.record?.ballot ?? ZERO, ours.promised)
      if (isAbove(met, this.#stored.promisedUpTo(key.partition))) {
        throw new Error(`${when} promised`)
      }
    }
  }

  #compareOutlines(outlines: readonly Outline[]): void {
    for (const { key, ballot, isTombstone, expiresAtMs } of outlines) {
      const { record } = this.#stored.find(key)
      const known = `${record?.ballot} ${record?.value === null} ${record?.expiresAtMs}`
      if (known !== `${ballot} ${isTombstone} ${expiresAtMs}`) throw new Error(`${key.id} outlined otherwise`)
    }
    const held = KEYS.filter((key) => this.#stored.find(key).record !== null)
    if (held.length !== outlines.length) throw new Error(`${outlines.length} outlines of ${held.length}`)
  }

  async #open(isClean = true): Promise<void> {
    this.#opened += 1
    const bits = seededRandom(this.#opened)
    this.#store = await Store.open({
      directory: '/data',
      fileSystem: this.#disk,
      random: (n) => Uint8Array.from({ length: n }, () => Math.floor(bits() * 256)),
      cacheBytes: 1 << 20,
      windowBytes: 8192,
      segmentBytes: 4096,
      autoMerge: false,
    })
    this.#stored = new StoredReplica({ store: this.#store, tables, boot: 'one' })
    this.#compareOutlines([...this.#stored.outlines()])
    if (!isClean) return
    // Positions of the log before say nothing any more.
    this.#model.sync()
    this.#positions.fill(0)
    const difference = this.#difference()
    if (difference !== null) throw new Error(`at the open ${difference}`)
  }
}

t.test('beside a list of entries', async (t) => {
  let cuts = 0
  await fc.assert(
    fc.asyncProperty(fc.array(step, { minLength: 5, maxLength: 50 }), async (steps) => {
      const run = new Run()
      await run.all(steps)
      cuts += run.cuts
    }),
    { numRuns: Number(process.env['STORED_REPLICA_RUNS'] ?? 100) },
  )
  t.ok(cuts > 50, `${cuts} power cuts`)
})
