/** What a scan asks the other members, and what they answer, as bytes: docs/PEERS.md, "Lists". */
import { VERSION_BYTES, Version } from '@minivault/clock'
import { ByteReader } from './byte-reader.ts'
import { ByteWriter } from './byte-writer.ts'

/** A range of keys, from some place on. */
export interface ListQuestion {
  readonly kind: 'which'
  /** Told apart from all that the asker asks. */
  readonly number: number
  readonly prefix: Uint8Array
  readonly from: Uint8Array | null
  readonly fromExclusive: boolean
  readonly to: Uint8Array | null
  readonly toInclusive: boolean
  readonly reverse: boolean
  /** Of a scan; empty: from the beginning. */
  readonly cursor: string
  /** At most 65,535. */
  readonly entriesMax: number
}

export interface ListEntry {
  readonly key: Uint8Array
  /** 24 hex digits. */
  readonly version: string
}

export interface KeyList {
  readonly kind: 'these'
  /** Of the question. */
  readonly number: number
  /** Of the layout that the answerer goes by. */
  readonly epoch: number
  /** It votes in all partitions that it holds. */
  readonly votes: boolean
  /** Nothing follows the last entry. */
  readonly isEnd: boolean
  /** In the order that was asked for. */
  readonly entries: readonly ListEntry[]
}

export type ListMessage = ListQuestion | KeyList

const KIND = { which: 1, these: 2 } as const
const FLAG = { reverse: 1, fromExclusive: 2, toInclusive: 4, hasFrom: 8, hasTo: 16 } as const
const LIST_FLAG = { votes: 1, isEnd: 2 } as const
const COMMON_BYTES = 16
const WHICH_BYTES = 28
const THESE_BYTES = 20
const LIST_ENTRY_BYTES = VERSION_BYTES + 2
/** Of one list; longer ones grow. */
const ONE_BYTES = 1024
const NOTHING = new Uint8Array()

/** Its own memory. */
export function encodeList(message: ListMessage): Uint8Array {
  const out = new ByteWriter(ONE_BYTES)
  if (message.kind === 'which') putQuestion(out, message)
  else putList(out, message)
  out.setU32(4, out.at)
  return out.bytes.slice(0, out.at)
}

function putQuestion(out: ByteWriter, question: ListQuestion): void {
  const { prefix, from, to, reverse, fromExclusive, toInclusive, number, entriesMax } = question
  const cursor = Buffer.from(question.cursor, 'latin1')
  const [start, end] = [from ?? NOTHING, to ?? NOTHING]
  let flags = (reverse ? FLAG.reverse : 0) | (fromExclusive ? FLAG.fromExclusive : 0)
  flags |= toInclusive ? FLAG.toInclusive : 0
  flags |= (from === null ? 0 : FLAG.hasFrom) | (to === null ? 0 : FLAG.hasTo)
  out.room(WHICH_BYTES + prefix.length + start.length + end.length + cursor.length)
  putCommon(out, KIND.which, flags, entriesMax, number)
  out.putU16(prefix.length)
  out.putU16(start.length)
  out.putU16(end.length)
  out.putU16(0)
  out.putU32(cursor.length)
  for (const part of [prefix, start, end, cursor]) out.putBytes(part)
}

function putList(out: ByteWriter, { number, epoch, votes, isEnd, entries }: KeyList): void {
  const flags = (votes ? LIST_FLAG.votes : 0) | (isEnd ? LIST_FLAG.isEnd : 0)
  out.room(THESE_BYTES)
  putCommon(out, KIND.these, flags, entries.length, number)
  out.putU32(epoch)
  for (const { key, version } of entries) {
    out.room(LIST_ENTRY_BYTES + key.length)
    out.putVersion(Version.parse(version))
    out.putU16(key.length)
    out.putBytes(key)
  }
}

function putCommon(out: ByteWriter, kind: number, flags: number, count: number, number: number): void {
  out.putU8(kind)
  out.putU8(flags)
  out.putU16(count)
  out.putU32(0)
  out.putU64(number)
}

/** Of bytes[start, end), which are copied; null: they are none. */
export function readList(bytes: Uint8Array, start: number, end: number): ListMessage | null {
  const from = new ByteReader()
  from.open(bytes, start, end)
  if (!from.has(COMMON_BYTES)) return null
  const kind = from.takeU8()
  const flags = from.takeU8()
  const count = from.takeU16()
  const length = from.takeU32()
  const number = from.takeU64()
  if (from.isBad || length !== end - start) return null
  if (kind === KIND.which) return readQuestion(from, flags, count, number)
  return kind === KIND.these ? readKeys(from, flags, count, number) : null
}

function readQuestion(
  reader: ByteReader,
  flags: number,
  entriesMax: number,
  number: number,
): ListQuestion | null {
  if (!reader.has(WHICH_BYTES - COMMON_BYTES)) return null
  const [prefixBytes, fromBytes, toBytes] = [reader.takeU16(), reader.takeU16(), reader.takeU16()]
  reader.at += 2
  const cursorBytes = reader.takeU32()
  if (reader.end - reader.at !== prefixBytes + fromBytes + toBytes + cursorBytes) return null
  const [prefix, from, to] = [prefixBytes, fromBytes, toBytes].map((length) => take(reader, length)) as [
    Uint8Array,
    Uint8Array,
    Uint8Array,
  ]
  const has = (flag: number) => (flags & flag) !== 0
  return {
    kind: 'which',
    number,
    prefix,
    from: has(FLAG.hasFrom) ? from : null,
    fromExclusive: has(FLAG.fromExclusive),
    to: has(FLAG.hasTo) ? to : null,
    toInclusive: has(FLAG.toInclusive),
    reverse: has(FLAG.reverse),
    cursor: Buffer.from(take(reader, cursorBytes)).toString('latin1'),
    entriesMax,
  }
}

function readKeys(from: ByteReader, flags: number, count: number, number: number): KeyList | null {
  if (!from.has(THESE_BYTES - COMMON_BYTES)) return null
  const epoch = from.takeU32()
  const entries: ListEntry[] = []
  if (!from.has(count * LIST_ENTRY_BYTES)) return null
  while (entries.length < count && from.has(LIST_ENTRY_BYTES)) {
    const version = from.takeVersion().toString()
    const length = from.takeU16()
    if (!from.has(length)) return null
    entries.push({ key: take(from, length), version })
  }
  if (from.isBad || from.at !== from.end) return null
  const votes = (flags & LIST_FLAG.votes) !== 0
  return { kind: 'these', number, epoch, votes, isEnd: (flags & LIST_FLAG.isEnd) !== 0, entries }
}

/** They are there. */
function take(from: ByteReader, length: number): Uint8Array {
  const copy = new Uint8Array(from.bytes.subarray(from.at, from.at + length))
  from.at += length
  return copy
}
