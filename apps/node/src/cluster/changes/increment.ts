/** Adds to the decimal number there, or to zero where there is none. */
import type { Effect, HeldRecord } from '@minivault/cluster'
import { CODEC, decompress } from '@minivault/codec'
import { ERROR } from '@minivault/protocol'
import { addDecimal, DECIMAL_BYTES_MAX, readDecimal, VALUE_TYPE } from '@minivault/storage'
import type { Answer } from '../../key-value.ts'
import type { MemberValue } from '../member-value.ts'
import type { KeyChange } from './key-change.ts'
import { versionThere } from './version-there.ts'

const NO_NUMBER = new Uint8Array(0)

export class Increment implements KeyChange {
  readonly isConditional = true
  readonly #delta: bigint
  /** Where it makes the key. */
  readonly #expiresAtMs: number

  constructor(delta: bigint, expiresAtMs: number) {
    this.#delta = delta
    this.#expiresAtMs = expiresAtMs
  }

  apply(current: HeldRecord): Effect | null {
    const there = current.value as MemberValue | null
    let sum: bigint
    try {
      sum = this.#sum(there)
    } catch {
      return null
    }
    const data = Buffer.from(String(sum))
    const bytes = data.length
    const type = there?.type ?? VALUE_TYPE.raw
    const value: MemberValue = { bytes, data, codec: CODEC.none, rawBytes: bytes, type }
    return { value, expiresAtMs: there === null ? this.#expiresAtMs : current.expiresAtMs, sum }
  }

  /** Throws STORAGE_NOT_A_NUMBER. */
  #sum(there: MemberValue | null): bigint {
    return addDecimal(there === null ? 0n : decimalOf(there), this.#delta)
  }

  tell(answer: Answer, { version, sum, value }: HeldRecord): void {
    if (sum === null && !value) {
      answer.fail(ERROR.IN_DOUBT, 'it took effect; what it came to is no longer known')
      return
    }
    answer.ok().version.copy(version)
    answer.sum = sum ?? decimalOf(value as MemberValue)
  }

  refuse(answer: Answer, current: HeldRecord): void {
    let words: string | null = null
    try {
      this.#sum(current.value as MemberValue | null)
    } catch (error) {
      words = (error as Error).message
    }
    answer.fail(ERROR.NOT_A_NUMBER, words)
    answer.version.copy(versionThere(current))
  }
}

/** A long value is no number, whatever its bytes are. */
function decimalOf({ codec, data, rawBytes }: MemberValue): bigint {
  return readDecimal(rawBytes <= DECIMAL_BYTES_MAX ? decompress(codec, data, rawBytes) : NO_NUMBER)
}
