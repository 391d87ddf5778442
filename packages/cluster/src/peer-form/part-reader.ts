/** The parts of which messages are made, read back. Null, or `isBad`: it is not one. */
import type { Version } from '@minivault/clock'
import type { Floor, Life } from '../marks.ts'
import type { Evidence } from '../messages.ts'
import type { Key } from '../ports.ts'
import type { HeldRecord, Value } from '../record.ts'
import { ByteReader } from './byte-reader.ts'
import type { PeerForms } from './forms.ts'
import { FLOOR_BYTES, LIFE_BYTES, PROOF_BYTES, RECORD_BYTES, SUM_BYTES, WHAT } from './part-writer.ts'

const NO_LIVES: readonly Life[] = []
const NO_EVIDENCE: readonly Evidence[] = []
const LEAF_MAX = 0xff

export class PartReader extends ByteReader {
  readonly forms: PeerForms
  #lives = NO_LIVES

  constructor(forms: PeerForms) {
    super()
    this.forms = forms
  }

  /** Read to the end, and good. */
  get isWhole(): boolean {
    return !this.isBad && this.at === this.end
  }

  /** Those of one sender seldom change: where they are as they were, they are the same array. */
  takeLives(count: number): readonly Life[] {
    if (count === 0 || !this.has(count * LIFE_BYTES)) return NO_LIVES
    if (this.#isAsBefore(count)) return this.#lives
    const lives: Life[] = []
    for (let index = 0; index < count; index++) {
      const member = this.takeU32()
      const life = this.takeU64()
      lives.push({ member, life })
    }
    this.#lives = lives
    return lives
  }

  #isAsBefore(count: number): boolean {
    const lives = this.#lives
    if (lives.length !== count) return false
    const { at } = this
    for (let index = 0; index < count; index++) {
      const { member, life } = lives[index]!
      if (this.takeU32() === member && this.takeU64() === life) continue
      this.at = at
      return false
    }
    return true
  }

  takeKey(): Key | null {
    if (!this.has(2)) return null
    const length = this.takeU16()
    if (!this.has(length)) return null
    const start = this.at
    this.at = start + length
    return this.forms.keys.make(this.bytes, start, this.at)
  }

  /** @param likely to be its ballot */
  takeRecord(likely: Version): HeldRecord | null {
    if (!this.has(RECORD_BYTES)) return null
    const ballot = this.takeVersionLike(likely)
    const version = this.takeVersionLike(ballot)
    const request = this.takeVersionLike(version)
    const expiresAtMs = this.takeU48()
    const what = this.takeU8()
    const hasSum = this.takeBoolean()
    const valueBytes = this.takeU32()
    const sum = hasSum ? this.takeSum() : null
    const value = this.#takeValue(what, valueBytes)
    return this.isBad ? null : { ballot, version, request, value, expiresAtMs, sum }
  }

  #takeValue(what: number, bytes: number): Value | null | undefined {
    if (what !== WHAT.value) {
      if (what > WHAT.value || bytes > 0) this.isBad = true
      return what === WHAT.tombstone ? null : undefined
    }
    if (!this.has(bytes)) return null
    const start = this.at
    this.at = start + bytes
    const value = this.forms.values.read(this.bytes, start, this.at)
    if (value === null) this.isBad = true
    return value
  }

  takeSum(): bigint | null {
    return this.has(SUM_BYTES) ? this.takeI64() : null
  }

  takeEvidence(count: number): readonly Evidence[] {
    if (count === 0 || !this.has(count * PROOF_BYTES)) return NO_EVIDENCE
    const evidence: Evidence[] = []
    while (evidence.length < count && this.has(PROOF_BYTES)) {
      const ballot = this.takeVersion()
      const version = this.takeVersionLike(ballot)
      const sum = this.takeBoolean() ? this.takeSum() : null
      evidence.push({ ballot, version, sum })
    }
    return evidence
  }

  takeFloors(count: number): readonly Floor[] {
    const floors: Floor[] = []
    if (!this.has(count * FLOOR_BYTES)) return floors
    for (let index = 0; index < count; index++) floors.push(this.takeFloor())
    return floors
  }

  /** It is there. */
  takeFloor(): Floor {
    const partition = this.takeU16()
    const leaf = this.takeU16() & LEAF_MAX
    const upTo = this.takeVersion()
    const expiredBeforeMs = this.takeU64()
    return { partition, leaf, upTo, expiredBeforeMs }
  }

  takePartitions(): readonly number[] {
    const partitions: number[] = []
    const count = this.has(2) ? this.takeU16() : 0
    if (!this.has(count * 2)) return partitions
    for (let index = 0; index < count; index++) partitions.push(this.takeU16())
    return partitions
  }

  /** They are there. */
  takeWords(count: number): Int32Array {
    const words = new Int32Array(count)
    for (let index = 0; index < count; index++) words[index] = this.takeI32()
    return words
  }
}
