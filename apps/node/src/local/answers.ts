/**
 * How an operation ends: its answer goes to who asked, is remembered under its request, and is told to the
 * retries that came while it was still under way.
 */
import { Version } from '@minivault/clock'
import { ERROR, type ErrorNumber, OUTCOME } from '@minivault/protocol'
import { Answer, type Complete, KIND, type Operation } from '../key-value.ts'
import { BatchVersions } from './batch-versions.ts'
import type { RequestLedger } from './request-ledger.ts'

/** Who asked, off the hot path: in memory of its own. */
export interface Asked {
  readonly token: number
  /** Zero: none. */
  readonly request: Version
}

export function askedBy(operation: Operation, token: number): Asked {
  return { token, request: new Version().copy(operation.requestId) }
}

export class Answers {
  /** Reused: fill it, then `give`. */
  readonly answer = new Answer()
  readonly ledger: RequestLedger
  readonly #complete: Complete
  readonly #batches = new BatchVersions()
  /** Tokens of retries, by their request. */
  readonly #followers = new Map<string, number[]>()

  constructor(complete: Complete, ledger: RequestLedger) {
    this.#complete = complete
    this.ledger = ledger
  }

  /** The answer is the operation's, for good. */
  give({ token, request }: Asked): void {
    const { answer } = this
    if (!request.isZero()) {
      if (answer.versions !== null) this.#batches.add(request, answer.versions)
      this.ledger.record(request, answer)
    }
    this.#complete(token, answer)
    this.tell(request)
  }

  /** The same to the retries that wait for it; after the answer was completed. */
  tell(request: Version): void {
    if (this.#followers.size === 0) return
    const name = request.toString()
    const tokens = this.#followers.get(name)
    if (tokens === undefined) return
    this.#followers.delete(name)
    for (const token of tokens) this.#complete(token, this.answer)
  }

  /** Nothing was done. */
  fail(asked: Asked, error: ErrorNumber, message: string | null): void {
    this.answer.fail(error, message)
    this.give(asked)
  }

  /** The record was on its way to the disk when that failed: a restart may find it, or not. */
  doubt(asked: Asked, error: ErrorNumber, message: string): void {
    this.answer.fail(error === ERROR.DISK_FULL ? error : ERROR.IN_DOUBT, message)
    this.answer.outcome = OUTCOME.inDoubt
    this.give(asked)
  }

  /** A retry of what is still under way: it gets the same answer. */
  follow(request: Version, token: number): void {
    const name = request.toString()
    const tokens = this.#followers.get(name)
    if (tokens === undefined) this.#followers.set(name, [token])
    else tokens.push(token)
  }

  /** A retry of what was answered: the same again. */
  repeat(operation: Operation, token: number, entry: number): void {
    const { answer, ledger } = this
    const error = ledger.error(entry) as ErrorNumber
    if (error === ERROR.NONE) answer.ok()
    else answer.fail(error)
    ledger.version(entry, answer.version)
    answer.exists = ledger.existed(entry)
    if (operation.kind === KIND.increment) answer.sum = ledger.sum(entry)
    if (operation.kind === KIND.batch && error === ERROR.NONE) {
      answer.versions = this.#batches.of(operation.requestId)
      if (answer.versions === null) answer.fail(ERROR.IN_DOUBT, 'the versions are no longer known')
    }
    this.#complete(token, answer)
  }
}
