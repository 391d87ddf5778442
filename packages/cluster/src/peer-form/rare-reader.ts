/** Messages that are no part of an operation. Null: it is none; what was cut `PartReader` remembers. */
import { VERSION_BYTES, type Version } from '@minivault/clock'
import { decodeMark } from '../mark-format.ts'
import type { Life } from '../marks.ts'
import { type Entries, type Entry, MESSAGE, type Message } from '../messages.ts'
import type { Key } from '../ports.ts'
import type { HeldRecord } from '../record.ts'
import { ZERO } from '../record.ts'
import { LEAVES } from '../trees.ts'
import type { PartReader } from './part-reader.ts'
import { FLAG, FLOOR_BYTES, RECORD_BYTES } from './part-writer.ts'

const WORDS = 2
const DIGEST_BYTES = 4 * WORDS
const ALL_DIGESTS = (LEAVES + 1) * WORDS
const ENTRY_BYTES = VERSION_BYTES + 2

type Head = Pick<Message, 'exchange' | 'epoch' | 'time'>

export function readRare(
  from: PartReader,
  kind: number,
  flags: number,
  head: Head,
  lives: readonly Life[],
): Message | null {
  switch (kind) {
    case MESSAGE.roots:
      return readRoots(from, head)
    case MESSAGE.rootsDiffer:
      return { kind, ...head, partitions: from.takePartitions() }
    case MESSAGE.leaves:
      return readLeaves(from, head)
    case MESSAGE.entries:
      return readEntries(from, head)
    case MESSAGE.copied:
      return readCopied(from, head)
    case MESSAGE.fetch:
      return readFetch(from, head)
    case MESSAGE.fetched:
      return readFetched(from, head)
    case MESSAGE.introduce: {
      const life = from.has(8) ? from.takeU64() : 0
      return { kind, ...head, life, partitions: from.takePartitions() }
    }
    case MESSAGE.introduced:
      return readIntroduced(from, head, lives)
    case MESSAGE.fence:
    case MESSAGE.release:
      return from.has(FLOOR_BYTES) ? { kind, ...head, ...from.takeFloor() } : null
    case MESSAGE.fenced:
      return readFenced(from, flags, head, lives)
    case MESSAGE.released:
      return from.has(3) ? { kind, ...head, partition: from.takeU16(), leaf: from.takeU8() } : null
    case MESSAGE.hello:
      return { kind, ...head, lives, votes: (flags & FLAG.votes) !== 0 }
    case MESSAGE.learn:
    case MESSAGE.ready:
      return { kind, ...head }
    case MESSAGE.layout:
      return readLayout(from, head)
    default:
      return null
  }
}

function readRoots(from: PartReader, head: Head): Message | null {
  const count = from.has(2) ? from.takeU16() : 0
  if (!from.has(count * (2 + DIGEST_BYTES))) return null
  const partitions: number[] = []
  const roots = new Int32Array(count * WORDS)
  for (let index = 0; index < count; index++) {
    partitions.push(from.takeU16())
    roots[index * WORDS] = from.takeI32()
    roots[index * WORDS + 1] = from.takeI32()
  }
  return { kind: MESSAGE.roots, ...head, partitions, roots }
}

function readLeaves(reader: PartReader, head: Head): Message | null {
  if (!reader.has(8 + ALL_DIGESTS * 4)) return null
  const partition = reader.takeU16()
  const from = reader.takeU16()
  const count = reader.takeU16()
  // Other bits than the first say nothing yet.
  const wantsRecords = (reader.takeU16() & 1) !== 0
  const digests = reader.takeWords(ALL_DIGESTS)
  const floors = reader.takeFloors(count)
  if (from > LEAVES) return null
  return { kind: MESSAGE.leaves, ...head, partition, digests, from, floors, wantsRecords }
}

function readEntries(from: PartReader, head: Head): Entries | null {
  if (!from.has(8)) return null
  const next = from.takeU16()
  const leavesCount = from.takeU16()
  const floorsCount = from.takeU16()
  const count = from.takeU16()
  if (next > LEAVES || !from.has(leavesCount)) return null
  const leaves: number[] = []
  for (let index = 0; index < leavesCount; index++) leaves.push(from.takeU8())
  const floors = from.takeFloors(floorsCount)
  const entries: Entry[] = []
  if (!from.has(count * ENTRY_BYTES)) return null
  while (entries.length < count && from.has(VERSION_BYTES)) {
    const ballot = from.takeVersion()
    const key = from.takeKey()
    if (key === null) return null
    entries.push({ key, ballot })
  }
  return { kind: MESSAGE.entries, ...head, leaves, entries, next, floors }
}

function readCopied(from: PartReader, head: Head): Message | null {
  const entries = readEntries(from, head)
  const records = entries === null ? null : readRecords(from)
  if (entries === null || records === null) return null
  return { ...entries, kind: MESSAGE.copied, records }
}

function readFetch(from: PartReader, head: Head): Message | null {
  const count = from.has(2) ? from.takeU16() : 0
  const keys: Key[] = []
  if (!from.has(count * 2)) return null
  while (keys.length < count) {
    const key = from.takeKey()
    if (key === null) return null
    keys.push(key)
  }
  return { kind: MESSAGE.fetch, ...head, keys }
}

function readFetched(from: PartReader, head: Head): Message | null {
  if (!from.has(2)) return null
  const answered = from.takeU16()
  const records = readRecords(from)
  return records === null ? null : { kind: MESSAGE.fetched, ...head, records, answered }
}

function readRecords(from: PartReader): { key: Key; record: HeldRecord }[] | null {
  const count = from.has(2) ? from.takeU16() : 0
  if (!from.has(count * (2 + RECORD_BYTES))) return null
  const records: { key: Key; record: HeldRecord }[] = []
  while (records.length < count) {
    const key = from.takeKey()
    const record = key === null ? null : from.takeRecord(ZERO)
    if (key === null || record === null) return null
    records.push({ key, record })
  }
  return records
}

function readIntroduced(from: PartReader, head: Head, lives: readonly Life[]): Message | null {
  if (!from.has(4)) return null
  const count = from.takeU16()
  const floorsCount = from.takeU16()
  if (!from.has(count * (1 + VERSION_BYTES))) return null
  const votes: boolean[] = []
  const promised: Version[] = []
  for (let index = 0; index < count; index++) {
    votes.push(from.takeBoolean())
    promised.push(from.takeVersion())
  }
  const floors = from.takeFloors(floorsCount)
  return { kind: MESSAGE.introduced, ...head, lives, votes, promised, floors }
}

function readFenced(from: PartReader, flags: number, head: Head, lives: readonly Life[]): Message | null {
  if ((flags & FLAG.hasDigest) === 0) return { kind: MESSAGE.fenced, ...head, lives, digest: null }
  if (!from.has(DIGEST_BYTES)) return null
  return { kind: MESSAGE.fenced, ...head, lives, digest: from.takeWords(WORDS) }
}

function readLayout(from: PartReader, head: Head): Message | null {
  const value = from.bytes.subarray(from.at, from.end)
  from.at = from.end
  try {
    const mark = decodeMark({ key: 'layout', value }, from.forms.tables)
    return mark?.kind === 'layout' ? { kind: MESSAGE.layout, ...head, state: mark.state } : null
  } catch {
    return null
  }
}
