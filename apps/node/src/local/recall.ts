/**
 * A retry of which the ledger knows nothing, perhaps because of a restart: the key's newest record answers if
 * it is this request's, as soon as it may be spoken of. Else the request may have been carried out or not.
 */
import { Version } from '@minivault/clock'
import { hashKey, KeyHash } from '@minivault/codec'
import { ERROR } from '@minivault/protocol'
import { storedDecimal } from '@minivault/storage'
import { type BatchItem, KIND, type Operation } from '../key-value.ts'
import type { Asked } from './answers.ts'
import { isOf, type Replica, whenShown } from './replica.ts'

export class Recall {
  readonly #replica: Replica
  readonly #hash = new KeyHash()

  constructor(replica: Replica) {
    this.#replica = replica
  }

  submit(operation: Operation, asked: Asked): void {
    try {
      if (operation.batch === null) this.#one(operation, asked)
      else this.#batch(operation, operation.batch, asked)
    } catch (error) {
      // Not a failure without effect, after which it would be carried out.
      this.#inDoubt(asked, error as Error)
    }
  }

  #one(operation: Operation, asked: Asked): void {
    const { store, answers } = this.#replica
    const { kind, durability } = operation
    const found = store.locate(operation.key, operation.keyStart, operation.keyEnd, operation.hash)
    if (!isOf(found, asked.request)) return answers.fail(asked, ERROR.IN_DOUBT, null)
    const version = new Version().copy(found.version)
    const sum = kind === KIND.increment ? storedDecimal(store.engine) : 0n
    whenShown(this.#replica, durability, (error) => {
      if (error !== null) return this.#inDoubt(asked, error)
      const answer = answers.answer.ok()
      answer.version.copy(version)
      answer.exists = kind === KIND.delete
      answer.sum = sum
      answers.give(asked)
    })
  }

  /** One record of it proves that all were written; but each version must be known. */
  #batch({ durability }: Operation, items: readonly BatchItem[], asked: Asked): void {
    const { answers } = this.#replica
    const versions: string[] = []
    let proof: BatchItem | null = null
    // Of several operations on one key only the last was written; the others were told the request's id.
    const last = new Map(items.map((item) => [nameOf(item), item]))
    for (const item of items) {
      const found = this.#locate(item)
      const isOurs = isOf(found, asked.request)
      // A delete of a key without a record wrote none.
      if (!isOurs && (item.value !== null || !found.ballot.isZero())) {
        return answers.fail(asked, ERROR.IN_DOUBT, null)
      }
      if (isOurs) proof = item
      const isWritten = isOurs && last.get(nameOf(item)) === item
      versions.push((isWritten ? found.version : asked.request).toString())
    }
    if (proof === null) return answers.fail(asked, ERROR.IN_DOUBT, null)
    this.#locate(proof)
    whenShown(this.#replica, durability, (error) => {
      if (error !== null) return this.#inDoubt(asked, error)
      const answer = answers.answer.ok()
      answer.version.copy(Version.parse(versions.at(-1)!))
      answer.versions = versions
      answers.give(asked)
    })
  }

  #locate({ key }: BatchItem) {
    hashKey(key, 0, key.length, this.#hash)
    return this.#replica.store.locate(key, 0, key.length, this.#hash)
  }

  #inDoubt(asked: Asked, error: Error): void {
    this.#replica.answers.fail(asked, ERROR.IN_DOUBT, error.message)
  }
}

function nameOf({ key }: BatchItem): string {
  return Buffer.from(key).toString('latin1')
}
