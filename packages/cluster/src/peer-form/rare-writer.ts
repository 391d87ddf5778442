/** Messages that are no part of an operation: comparing, beginning anew, the end of tombstones, layouts. */
import { VERSION_BYTES } from '@minivault/clock'
import { encodeMark } from '../mark-format.ts'
import type { Life } from '../marks.ts'
import {
  type Copied,
  type Entries,
  type Fetched,
  type Introduced,
  type Leaves,
  MESSAGE,
  type Message,
  type Roots,
} from '../messages.ts'
import type { Key } from '../ports.ts'
import { FLAG, type PartWriter } from './part-writer.ts'

const NO_LIVES: readonly Life[] = []

export function writeRare(out: PartWriter, message: Message): void {
  const lives = 'lives' in message ? message.lives : NO_LIVES
  out.putCommon(message, flagsOf(message), lives)
  switch (message.kind) {
    case MESSAGE.roots:
      return putRoots(out, message)
    case MESSAGE.rootsDiffer:
      return putPartitions(out, message.partitions)
    case MESSAGE.leaves:
      return putLeaves(out, message)
    case MESSAGE.entries:
      return putEntries(out, message)
    case MESSAGE.copied:
      putEntries(out, message)
      return putRecords(out, message.records)
    case MESSAGE.fetch:
      return putKeys(out, message.keys)
    case MESSAGE.fetched:
      return putFetched(out, message)
    case MESSAGE.introduce:
      out.room(8)
      out.putU64(message.life)
      return putPartitions(out, message.partitions)
    case MESSAGE.introduced:
      return putIntroduced(out, message)
    case MESSAGE.fence:
    case MESSAGE.release:
      return out.putFloor(message)
    case MESSAGE.fenced:
      return message.digest === null ? undefined : putWords(out, message.digest)
    case MESSAGE.released:
      out.room(3)
      out.putU16(message.partition)
      return out.putU8(message.leaf)
    case MESSAGE.layout: {
      const { value } = encodeMark({ kind: 'layout', state: message.state }, out.forms.tables)
      out.room(value.length)
      return out.putBytes(value)
    }
  }
}

function flagsOf(message: Message): number {
  if (message.kind === MESSAGE.hello) return message.votes ? FLAG.votes : 0
  return message.kind === MESSAGE.fenced && message.digest !== null ? FLAG.hasDigest : 0
}

function putPartitions(out: PartWriter, partitions: readonly number[]): void {
  out.room(2 + partitions.length * 2)
  out.putCount(partitions.length)
  for (const partition of partitions) out.putU16(partition)
}

function putWords(out: PartWriter, words: Int32Array): void {
  out.room(words.length * 4)
  for (const word of words) out.putU32(word)
}

function putRoots(out: PartWriter, { partitions, roots }: Roots): void {
  out.room(2 + partitions.length * 10)
  out.putCount(partitions.length)
  for (const [index, partition] of partitions.entries()) {
    out.putU16(partition)
    out.putU32(roots[index * 2]!)
    out.putU32(roots[index * 2 + 1]!)
  }
}

function putLeaves(out: PartWriter, { partition, from, digests, floors, wantsRecords }: Leaves): void {
  out.room(8)
  out.putU16(partition)
  out.putU16(from)
  out.putCount(floors.length)
  out.putU16(wantsRecords ? 1 : 0)
  putWords(out, digests)
  out.putFloors(floors)
}

function putEntries(out: PartWriter, { next, leaves, entries, floors }: Entries | Copied): void {
  out.room(8 + leaves.length)
  out.putU16(next)
  out.putCount(leaves.length)
  out.putCount(floors.length)
  out.putCount(entries.length)
  for (const leaf of leaves) out.putU8(leaf)
  out.putFloors(floors)
  for (const { key, ballot } of entries) {
    out.room(VERSION_BYTES)
    out.putVersion(ballot)
    out.putKey(key)
  }
}

function putKeys(out: PartWriter, keys: readonly Key[]): void {
  out.room(2)
  out.putCount(keys.length)
  for (const key of keys) out.putKey(key)
}

function putFetched(out: PartWriter, { answered, records }: Fetched): void {
  out.room(2)
  out.putCount(answered)
  putRecords(out, records)
}

function putRecords(out: PartWriter, records: Fetched['records']): void {
  out.room(2)
  out.putCount(records.length)
  for (const { key, record } of records) {
    out.putKey(key)
    out.putRecord(record)
  }
}

function putIntroduced(out: PartWriter, { votes, promised, floors }: Introduced): void {
  out.room(4 + votes.length * (1 + VERSION_BYTES))
  out.putCount(votes.length)
  out.putCount(floors.length)
  for (const [index, isVoting] of votes.entries()) {
    out.putU8(isVoting ? 1 : 0)
    out.putVersion(promised[index]!)
  }
  out.putFloors(floors)
}
