/**
 * Scans over three stores that hold what they happen to hold: of each key a majority has the newest record,
 * one may lag behind or have more than was chosen. Whoever is asked, every page after the other shows the
 * same.
 */
import {
  type Answer,
  Electorate,
  type HeldRecord,
  type ListMessage,
  OUTCOME,
  REASON,
  type Request,
  readList,
  Version,
} from '@minivault/cluster'
import { fixedPlacement } from '@minivault/cluster/testing'
import { type ScanEntry, Store } from '@minivault/storage'
import { MemoryFileSystem } from '@minivault/wal/testing'
import fc from 'fast-check'
import t from 'tap'
import { TABLES } from '../src/cluster/forms.ts'
import { LargeValue } from '../src/cluster/large/large-value.ts'
import { MemberKey } from '../src/cluster/member-key.ts'
import type { MemberValue } from '../src/cluster/member-value.ts'
import { ClusterScan } from '../src/cluster/scan/cluster-scan.ts'
import { ScanReads } from '../src/cluster/scan/scan-reads.ts'
import { StoredReplica } from '../src/cluster/stored/stored-replica.ts'
import type { ScanQuery } from '../src/key-value.ts'
import { SCAN_PATIENCE_MS } from '../src/limits.ts'
import { systemTime } from '../src/time.ts'

const ALL = new Electorate([0, 1, 2])
const PLACEMENT = fixedPlacement(ALL, 1024, 3)
const NUMBERS = [0, 1, 2]

/** Which of three members hold the record that was chosen; and whether the other one has another one. */
interface Held {
  readonly missingAt: number
  readonly instead: 'nothing' | 'older' | 'newer'
  readonly what: 'value' | 'tombstone'
}

class Member {
  readonly store: Store
  readonly replica: StoredReplica
  readonly scan: ClusterScan
  votes = true
  isSilent = false
  asked = 0

  constructor(store: Store, number: number, members: readonly Member[]) {
    this.store = store
    this.replica = new StoredReplica({ store, tables: TABLES, boot: 'one' })
    this.scan = new ClusterScan({
      store,
      // A test waits for its timers.
      time: { ...systemTime, every: (ms, run) => setInterval(run, ms) },
      random: 0.5,
      ask: (token, request) => setImmediate(() => this.#read(token, request, members)),
      isWarm: () => true,
      warm: (_key, then) => then(),
      circle: () => {
        const others = NUMBERS.filter((other) => other !== number)
        return { self: number, placement: PLACEMENT, votes: this.votes, others }
      },
      send: (to, bytes) => {
        const message = readList(bytes, 0, bytes.length)!
        if (!this.isSilent && !members[to]!.isSilent) members[to]!.#receive(number, message)
      },
    })
  }

  #receive(from: number, message: ListMessage): void {
    if (message.kind === 'which') this.asked += 1
    setImmediate(() => this.scan.onMessage(from, message))
  }

  /** As a quorum would: what two of three hold. */
  #read(token: number, { key }: Request, members: readonly Member[]): void {
    const records = members.map(({ replica }) => replica.read(key).record)
    const chosen = records.find((one, at) => {
      return records.some((other, from) => from !== at && `${other?.ballot}` === `${one?.ballot}`)
    })
    const record = chosen ?? NOTHING
    const answer: Answer = { outcome: OUTCOME.ok, reason: REASON.none, record, rounds: 1 }
    this.scan.reads.answer(token, answer)
  }
}

const ZERO = new Version()
const NOTHING: HeldRecord = {
  ballot: ZERO,
  version: ZERO,
  request: ZERO,
  value: null,
  expiresAtMs: 0,
  sum: null,
}

function recordOf(ms: number, text: string | null): HeldRecord {
  const ballot = Version.of(ms, 0, 7)
  const data = new Uint8Array(Buffer.from(text ?? ''))
  const value: MemberValue = { bytes: data.length, data, codec: 0, rawBytes: data.length, type: 0 }
  const held = text === null ? null : value
  return { ballot, version: ballot, request: ballot, value: held, expiresAtMs: 0, sum: null }
}

async function openMembers(): Promise<Member[]> {
  const members: Member[] = []
  for (const number of NUMBERS) {
    const small = { cacheBytes: 1 << 20, windowBytes: 1 << 16, segmentBytes: 1 << 20, autoMerge: false }
    const store = await Store.open({ directory: '/data', fileSystem: new MemoryFileSystem(), ...small })
    members.push(new Member(store, number, members))
  }
  return members
}

let runs = 0

/** Writes them down below a prefix of their own; what is to be seen: key=value. */
function write(members: readonly Member[], all: readonly Held[]): { prefix: string; expected: string[] } {
  runs += 1
  const prefix = `${runs}/`
  const expected: string[] = []
  for (const [index, { missingAt, instead, what }] of all.entries()) {
    const name = `${prefix}${String(index).padStart(3, '0')}`
    const bytes = Buffer.from(name)
    const key = MemberKey.hashed(bytes, 0, bytes.length)
    const chosen = recordOf(2000, what === 'value' ? `v${index}` : null)
    for (const [number, { replica }] of members.entries()) {
      if (number !== missingAt) replica.hold(key, chosen, 0)
      else if (instead === 'older') replica.hold(key, recordOf(1000, 'older'), 0)
      else if (instead === 'newer') replica.hold(key, recordOf(3000, 'not chosen'), 0)
    }
    if (what === 'value') expected.push(`${name}=v${index}`)
  }
  return { prefix, expected }
}

async function scanned(
  { scan }: Member,
  prefix: string,
  entriesMax: number,
  reverse: boolean,
  keysOnly: boolean,
): Promise<string[]> {
  const all: string[] = []
  for (let cursor: string | null = ''; cursor !== null; ) {
    let count = 0
    const take = ({ key, value }: ScanEntry) => {
      count += 1
      all.push(keysOnly ? Buffer.from(key).toString() : `${Buffer.from(key)}=${Buffer.from(value)}`)
      return true
    }
    const query: ScanQuery = {
      ...{ prefix: Buffer.from(prefix), from: null, fromExclusive: false, to: null, toInclusive: false },
      ...{ reverse, keysOnly, cursor, entriesMax, mayBegin: () => true, isWanted: () => true, take },
    }
    cursor = await scan.page(query)
    if (count > entriesMax || (count < entriesMax && cursor !== null)) throw new Error(`${count} in a page`)
  }
  return all
}

const held: fc.Arbitrary<Held> = fc.record({
  missingAt: fc.integer({ min: -1, max: 2 }),
  instead: fc.constantFrom('nothing', 'older', 'newer'),
  what: fc.constantFrom('value', 'tombstone'),
})

t.test('any member shows what a majority holds, page by page, in both directions', async (t) => {
  const members = await openMembers()
  await fc.assert(
    fc.asyncProperty(
      fc.array(held, { maxLength: 70 }),
      fc.integer({ min: 1, max: 60 }),
      fc.boolean(),
      fc.boolean(),
      async (all, entriesMax, reverse, keysOnly) => {
        const { prefix, expected } = write(members, all)
        const wanted = expected.map((line) => (keysOnly ? line.split('=')[0]! : line))
        if (reverse) wanted.reverse()
        for (const member of members) {
          const shown = await scanned(member, prefix, entriesMax, reverse, keysOnly)
          t.same(shown, wanted)
        }
      },
    ),
    { numRuns: 40 },
  )
  for (const { store } of members) await store.close()
})

t.test('what one list does not reach is not passed over because another one does', async (t) => {
  const members = await openMembers()
  const all = Array.from({ length: 40 }, (_, index): Held => {
    // The asker has five that are deleted; behind the end of its list come five that the other lacks.
    if (index < 5) return { missingAt: 0, instead: 'older', what: 'tombstone' }
    return { missingAt: index >= 16 && index < 21 ? 1 : -1, instead: 'nothing', what: 'value' }
  })
  const { prefix, expected } = write(members, all)
  t.same(await scanned(members[0]!, prefix, 15, false, false), expected)
  for (const { store } of members) await store.close()
})

t.test('about a large value that is read its size is told', async (t) => {
  const large = new LargeValue({ name: '00'.repeat(16), size: 700_000, checksums: '00'.repeat(8) }, 0, true)
  const record = { ...recordOf(2000, ''), value: large }
  const reads: ScanReads = new ScanReads({
    ask: (token) => reads.answer(token, { outcome: OUTCOME.ok, reason: REASON.none, record, rounds: 1 }),
    isWarm: () => false,
    warm: (_key, then) => then(),
  })
  const entry = await reads.read(MemberKey.hashed(Buffer.from('k'), 0, 1), 1000)
  t.match(entry, { leftBytes: 700_000, value: { length: 0 } })
})

t.test('who is silent, or has no vote, is replaced; without a majority there is no page', async (t) => {
  const members = await openMembers()
  const [a, b, c] = members as [Member, Member, Member]
  const all = Array.from({ length: 30 }, (_, index): Held => {
    return { missingAt: index % 3, instead: index % 2 === 0 ? 'older' : 'nothing', what: 'value' }
  })
  const { prefix, expected } = write(members, all)
  b.isSilent = true
  const since = performance.now()
  t.same(await scanned(a, prefix, 100, false, false), expected)
  t.ok(performance.now() - since >= SCAN_PATIENCE_MS - 5)
  b.isSilent = false
  b.votes = false
  const asked = c.asked
  t.same(await scanned(a, prefix, 100, false, false), expected)
  t.equal(c.asked, asked + 1)
  const before = [a.asked, c.asked]
  t.same(await scanned(b, prefix, 100, false, false), expected, 'asked where there is no vote')
  t.same([a.asked, c.asked], [before[0]! + 1, before[1]! + 1], 'of both others')
  c.votes = false
  await t.rejects(scanned(a, prefix, 100, false, false), { code: 'NO_QUORUM' })
  for (const { store } of members) await store.close()
})
