/** The parts of which messages are made, as docs/PEERS.md draws them. */
import { VERSION_BYTES } from '@minivault/clock'
import type { Floor, Life } from '../marks.ts'
import type { Evidence, Message } from '../messages.ts'
import type { Key } from '../ports.ts'
import type { HeldRecord } from '../record.ts'
import { ByteWriter } from './byte-writer.ts'
import type { PeerForms } from './forms.ts'
import { COUNT_MAX, KEY_BYTES_MAX } from './limits.ts'

export const COMMON_BYTES = 32
export const LENGTH_AT = 4
export const LIFE_BYTES = 12
export const FLOOR_BYTES = 24
export const RECORD_BYTES = 48
export const SUM_BYTES = 8
export const PROOF_BYTES = 2 * VERSION_BYTES + 1
export const FLAG = { votes: 1, isHeld: 2, isForgetful: 4, wantsValue: 8, hasDigest: 16 } as const
export const WHAT = { tombstone: 0, notAskedFor: 1, value: 2 } as const

export class PartWriter extends ByteWriter {
  /** There was more of something than a message can say. */
  isOver = false
  readonly forms: PeerForms

  constructor(forms: PeerForms) {
    super()
    this.forms = forms
  }

  /** What every message begins with; its length is not known yet. */
  putCommon({ kind, exchange, epoch, time }: Message, flags: number, lives: readonly Life[]): void {
    const { length } = lives
    this.room(COMMON_BYTES + length * LIFE_BYTES)
    this.putU8(kind)
    this.putU8(flags)
    this.putCount(length)
    this.at += 4
    this.putU64(exchange)
    this.putU32(epoch)
    this.putVersion(time)
    for (let index = 0; index < length; index++) {
      this.putU32(lives[index]!.member)
      this.putU64(lives[index]!.life)
    }
  }

  putCount(count: number): void {
    if (count > COUNT_MAX) this.isOver = true
    this.putU16(count)
  }

  putKey(key: Key): void {
    const bytes = this.forms.keys.bytesOf(key)
    const { length } = bytes
    if (length > KEY_BYTES_MAX) this.isOver = true
    this.room(2 + length)
    this.putU16(length)
    this.putBytes(bytes)
  }

  putRecord({ ballot, version, request, value, expiresAtMs, sum }: HeldRecord): void {
    const isHere = value !== null && value !== undefined
    const valueBytes = isHere ? this.forms.values.bytesOf(value) : 0
    this.room(RECORD_BYTES + SUM_BYTES + valueBytes)
    this.putVersion(ballot)
    this.putVersion(version)
    this.putVersion(request)
    this.putU48(expiresAtMs)
    this.putU8(isHere ? WHAT.value : value === null ? WHAT.tombstone : WHAT.notAskedFor)
    this.putU8(sum === null ? 0 : 1)
    this.putU32(valueBytes)
    if (sum !== null) this.putI64(sum)
    if (!isHere) return
    this.forms.values.write(value, this.bytes, this.at)
    this.at += valueBytes
  }

  putEvidence(evidence: readonly Evidence[]): void {
    this.room(evidence.length * (PROOF_BYTES + SUM_BYTES))
    for (const { ballot, version, sum } of evidence) {
      this.putVersion(ballot)
      this.putVersion(version)
      this.putU8(sum === null ? 0 : 1)
      if (sum !== null) this.putI64(sum)
    }
  }

  putFloors(floors: readonly Floor[]): void {
    for (const floor of floors) this.putFloor(floor)
  }

  putFloor({ partition, leaf, upTo, expiredBeforeMs }: Floor): void {
    this.room(FLOOR_BYTES)
    this.putU16(partition)
    this.putU8(leaf)
    this.putU8(0)
    this.putVersion(upTo)
    this.putU64(expiredBeforeMs)
  }
}
