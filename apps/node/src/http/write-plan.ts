/**
 * How the condition of a PUT, POST or DELETE is kept: by the store in the step that writes, where it is one
 * version or nothing; any other is judged against what is there first, and the version that was seen becomes
 * the store's condition.
 */
import { Version } from '@minivault/clock'
import { ERROR, type ErrorNumber } from '@minivault/protocol'
import { KIND, type Kind, type Operation } from '../key-value.ts'
import { BadHeader } from './bad-header.ts'
import type { Conditions } from './conditions.ts'

export class WritePlan {
  /** Of the request. */
  readonly kind: Kind
  /** What is there has to be looked at before the write is submitted. */
  readonly isJudged: boolean
  readonly #conditions: Conditions | null
  /** What the store is asked to do, with which version there; zero: whatever is there. */
  #asked: Kind
  readonly #expected = new Version()

  /** @param hasRequest it may come again: then the store alone decides. Throws BadHeader. */
  constructor(kind: Kind, conditions: Conditions | null, hasRequest: boolean) {
    this.kind = this.#asked = kind
    this.#conditions = conditions
    const expected = kind === KIND.create ? null : (conditions?.onlyVersion ?? null)
    if (expected !== null) this.#expected.copy(expected)
    const onlyAbsent = conditions?.onlyAbsent === true && kind !== KIND.delete
    if (onlyAbsent) this.#asked = KIND.create
    this.isJudged = isConditional(kind, conditions) && expected === null && !onlyAbsent
    if (this.isJudged && hasRequest) {
      throw new BadHeader(
        'with Minivault-Request, If-Match takes one version, and If-None-Match of a PUT takes *',
      )
    }
  }

  /** Whether a write can fail because of what is there. */
  get isConditional(): boolean {
    return this.kind === KIND.create || this.#conditions !== null
  }

  /**
   * Against the version that is there; empty: nothing is. NONE: the write may be submitted, and will be
   * refused if something else is there by then.
   */
  judge(version: string): ErrorNumber {
    if (this.kind === KIND.create && version !== '') return ERROR.KEY_EXISTS
    if (this.#conditions?.allowsWrite(version) === false) return ERROR.VERSION_MISMATCH
    if (this.isJudged) {
      this.#expected.clear()
      this.#asked = version === '' && this.kind !== KIND.delete ? KIND.create : this.kind
      if (version !== '') this.#expected.copy(Version.parse(version))
    }
    return ERROR.NONE
  }

  begin(operation: Operation, key: Uint8Array): void {
    operation.begin(this.#asked, key, 0, key.length, operation.durability)
    operation.expectedVersion.copy(this.#expected)
  }

  /** A condition of the store's that was not met: what it is called here. NONE: look again. */
  refusal(error: ErrorNumber): ErrorNumber {
    if (error !== ERROR.VERSION_MISMATCH && error !== ERROR.KEY_EXISTS) return error
    if (this.isJudged) return ERROR.NONE
    return this.kind === KIND.create ? error : ERROR.VERSION_MISMATCH
  }
}

/** What POST makes has no version before: only `If-Match` changes anything. */
function isConditional(kind: Kind, conditions: Conditions | null): boolean {
  return conditions !== null && (kind !== KIND.create || conditions.hasMatch)
}
