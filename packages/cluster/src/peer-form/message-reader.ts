/**
 * Messages read back from what a peer has sent. They are made as the core makes its own, their properties in
 * the same order, so that compiled code meets one shape for each.
 */

import { VERSION_BYTES, type Version } from '@minivault/clock'
import type { Life } from '../marks.ts'
import { CAUSE, type Cause, MESSAGE, type Message, VERDICT, type Verdict } from '../messages.ts'
import { DURABILITY, type Durability } from '../ports.ts'
import { ZERO } from '../record.ts'
import type { PeerForms } from './forms.ts'
import { MESSAGE_BYTES_MAX } from './limits.ts'
import { PartReader } from './part-reader.ts'
import { COMMON_BYTES, FLAG } from './part-writer.ts'
import { readRare } from './rare-reader.ts'

/** What `readMessages` answers where the bytes are none. */
export const MALFORMED = -1

/**
 * Reads the messages in bytes[start, end) and hands them over one by one, each with its own memory.
 *
 * @returns how many; MALFORMED: those before the bad one were handed over, nothing of what follows it was
 */
export function readMessages(
  bytes: Uint8Array,
  start: number,
  end: number,
  forms: PeerForms,
  onMessage: (message: Message) => void,
): number {
  return new MessageReader(forms).readAll(bytes, start, end, onMessage)
}

const KIND_MAX = MESSAGE.copied
const COUNTED = FLAG.votes | FLAG.isHeld
/** Of each kind: the flags that it may have, and whether lives may follow. */
const FLAGS = new Uint8Array(KIND_MAX + 1)
FLAGS[MESSAGE.offered] = FLAG.votes
FLAGS[MESSAGE.promised] = COUNTED | FLAG.isForgetful
FLAGS[MESSAGE.read] = FLAG.wantsValue
FLAGS[MESSAGE.state] = COUNTED
FLAGS[MESSAGE.fenced] = FLAG.hasDigest
FLAGS[MESSAGE.hello] = FLAG.votes
const HAS_LIVES = new Uint8Array(KIND_MAX + 1)
for (const kind of [MESSAGE.offered, MESSAGE.promised, MESSAGE.state]) HAS_LIVES[kind] = 1
for (const kind of [MESSAGE.introduced, MESSAGE.fenced, MESSAGE.hello]) HAS_LIVES[kind] = 1

/** Keeps what messages have in common from one to the next, so it is to be kept, too. */
export class MessageReader {
  /** Where the message that was read ends. */
  #next = 0
  readonly #in: PartReader
  /** Of the message before. */
  #time = ZERO

  constructor(forms: PeerForms) {
    this.#in = new PartReader(forms)
  }

  /** `readMessages`. It may be called again by `onMessage`. */
  readAll(bytes: Uint8Array, start: number, end: number, onMessage: (message: Message) => void): number {
    let count = 0
    for (let at = start; at < end; ) {
      const message = this.#readOne(bytes, at, end)
      if (message === null) return MALFORMED
      at = this.#next
      onMessage(message)
      count += 1
    }
    return count
  }

  #readOne(bytes: Uint8Array, at: number, end: number): Message | null {
    const from = this.#in
    from.open(bytes, at, end)
    if (!from.has(COMMON_BYTES)) return null
    const kind = from.takeU8()
    const flags = from.takeU8()
    const count = from.takeU16()
    const length = from.takeU32()
    if (length < COMMON_BYTES || length > MESSAGE_BYTES_MAX || length > end - at) return null
    if (kind === 0 || kind > KIND_MAX || (flags & ~FLAGS[kind]!) !== 0) return null
    if (count > 0 && HAS_LIVES[kind] === 0) return null
    from.end = at + length
    this.#next = from.end
    const exchange = from.takeU64()
    const epoch = from.takeU32()
    const time = from.takeVersionLike(this.#time)
    this.#time = time
    const lives = from.takeLives(count)
    if (from.isBad) return null
    const message = this.#readKind(kind, flags, exchange, epoch, time, lives)
    return from.isWhole ? message : null
  }

  #readKind(
    kind: number,
    flags: number,
    exchange: number,
    epoch: number,
    time: Version,
    lives: readonly Life[],
  ): Message | null {
    switch (kind) {
      case MESSAGE.offer:
        return this.#offer(exchange, epoch, time)
      case MESSAGE.offered:
        return this.#offered(flags, exchange, epoch, time, lives)
      case MESSAGE.prepare:
        return this.#prepare(exchange, epoch, time)
      case MESSAGE.promised:
        return this.#promised(flags, exchange, epoch, time, lives)
      case MESSAGE.read:
        return this.#read(flags, exchange, epoch, time)
      case MESSAGE.state:
        return this.#state(flags, exchange, epoch, time, lives)
      default:
        return readRare(this.#in, kind, flags, { exchange, epoch, time }, lives)
    }
  }

  #offer(exchange: number, epoch: number, time: Version): Message | null {
    const from = this.#in
    if (!from.has(2)) return null
    const durability = from.takeU8() as Durability
    const cause = from.takeU8() as Cause
    if (durability > DURABILITY.fsync || cause > CAUSE.repair) return null
    const key = from.takeKey()
    const record = key === null ? null : from.takeRecord(time)
    if (key === null || record === null) return null
    return { kind: MESSAGE.offer, exchange, epoch, time, key, record, durability, cause }
  }

  #offered(
    flags: number,
    exchange: number,
    epoch: number,
    time: Version,
    lives: readonly Life[],
  ): Message | null {
    const from = this.#in
    if (!from.has(1 + VERSION_BYTES)) return null
    const verdict = from.takeU8() as Verdict
    const above = from.takeVersionLike(ZERO)
    if (verdict > VERDICT.staleLayout) return null
    const votes = (flags & FLAG.votes) !== 0
    return { kind: MESSAGE.offered, exchange, epoch, time, votes, lives, verdict, above }
  }

  #prepare(exchange: number, epoch: number, time: Version): Message | null {
    const from = this.#in
    if (!from.has(4 + 2 * VERSION_BYTES)) return null
    const attempt = from.takeU32()
    const ballot = from.takeVersion()
    const request = from.takeVersionLike(ballot)
    const key = from.takeKey()
    if (key === null) return null
    return { kind: MESSAGE.prepare, exchange, epoch, time, key, ballot, request, attempt }
  }

  #promised(
    flags: number,
    exchange: number,
    epoch: number,
    time: Version,
    lives: readonly Life[],
  ): Message | null {
    const from = this.#in
    if (!from.has(4 + VERSION_BYTES)) return null
    const verdict = from.takeU8() as Verdict
    from.at += 1
    const count = from.takeU16()
    const above = from.takeVersionLike(ZERO)
    const evidence = from.takeEvidence(count)
    const record = from.takeRecord(time)
    if (record === null || verdict > VERDICT.staleLayout) return null
    const votes = (flags & FLAG.votes) !== 0
    const isForgetful = (flags & FLAG.isForgetful) !== 0
    const isHeld = (flags & FLAG.isHeld) !== 0
    return {
      kind: MESSAGE.promised,
      exchange,
      epoch,
      time,
      votes,
      lives,
      verdict,
      above,
      record,
      evidence,
      isForgetful,
      isHeld,
    }
  }

  #read(flags: number, exchange: number, epoch: number, time: Version): Message | null {
    const key = this.#in.takeKey()
    if (key === null) return null
    const wantsValue = (flags & FLAG.wantsValue) !== 0
    return { kind: MESSAGE.read, exchange, epoch, time, key, wantsValue }
  }

  #state(
    flags: number,
    exchange: number,
    epoch: number,
    time: Version,
    lives: readonly Life[],
  ): Message | null {
    const record = this.#in.takeRecord(time)
    if (record === null) return null
    const votes = (flags & FLAG.votes) !== 0
    const isHeld = (flags & FLAG.isHeld) !== 0
    return { kind: MESSAGE.state, exchange, epoch, time, votes, lives, record, isHeld }
  }
}
