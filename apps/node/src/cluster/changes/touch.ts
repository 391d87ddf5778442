/** The same value with another expiry. */

import type { Version } from '@minivault/clock'
import { type Effect, type HeldRecord, isEqual } from '@minivault/cluster'
import { ERROR } from '@minivault/protocol'
import type { Answer } from '../../key-value.ts'
import type { KeyChange } from './key-change.ts'
import { versionThere } from './version-there.ts'

export class Touch implements KeyChange {
  readonly isConditional = true
  readonly #expiresAtMs: number
  readonly #wanted: Version | null

  /** @param wanted the version that must be there; null: any */
  constructor(expiresAtMs: number, wanted: Version | null) {
    this.#expiresAtMs = expiresAtMs
    this.#wanted = wanted
  }

  apply({ value, version }: HeldRecord): Effect | null {
    if (value === null || value === undefined) return null
    if (this.#wanted !== null && !isEqual(version, this.#wanted)) return null
    return { value, expiresAtMs: this.#expiresAtMs, sum: null }
  }

  tell(answer: Answer, { version }: HeldRecord): void {
    answer.ok().version.copy(version)
  }

  refuse(answer: Answer, current: HeldRecord): void {
    answer.fail(current.value === null ? ERROR.KEY_NOT_FOUND : ERROR.VERSION_MISMATCH)
    answer.version.copy(versionThere(current))
  }
}
