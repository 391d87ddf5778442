/**
 * Gets that want less than the whole value: only what is known of it, or a range of its bytes. Of a value
 * in a file of its own, no more than what is wanted is read.
 */
import { Version } from '@minivault/clock'
import { ERROR } from '@minivault/protocol'
import type { Found, StorageError, ValueStream } from '@minivault/storage'
import type { Operation } from '../key-value.ts'
import type { Asked } from './answers.ts'
import { failBy, keyOf, type Replica } from './replica.ts'

const NO_REQUEST = new Version()
const NO_KEY = new Uint8Array(0)

interface Wanted {
  readonly asked: Asked
  readonly key: Uint8Array
  readonly start: number
  /** Behind the last byte; more than there are: all. */
  readonly end: number
  readonly noValue: boolean
  readonly wantsStream: boolean
}

/** Whether a get is not for the whole value. */
export function isDescribed(operation: Operation): boolean {
  return operation.noValue || operation.rangeBytes !== 0 || operation.rangeStart !== 0
}

export class DescribedReads {
  readonly #replica: Replica

  constructor(replica: Replica) {
    this.#replica = replica
  }

  submit(operation: Operation, token: number): void {
    const { engine } = this.#replica.store
    const { rangeStart, rangeBytes, noValue, wantsStream } = operation
    const end = rangeBytes === 0 ? Number.MAX_SAFE_INTEGER : rangeStart + rangeBytes
    const asked = { token, request: NO_REQUEST }
    // The key is for what of the value is read from its file.
    const key = noValue ? NO_KEY : keyOf(operation)
    const wanted = { asked, key, start: rangeStart, end, noValue, wantsStream }
    const { deferred } = this.#replica
    const row = deferred.takeRow()
    let isAnswered = true
    try {
      isAnswered = engine.describe(operation.key, operation.keyStart, operation.keyEnd, operation.hash, row)
    } finally {
      if (isAnswered) deferred.drop(row)
    }
    if (isAnswered) this.#found(wanted, engine.found)
    else deferred.await(row, (found, error) => this.#onRead(wanted, found, error))
  }

  #onRead(wanted: Wanted, found: Found | null, error: StorageError | null): void {
    if (found === null) failBy(this.#replica, wanted.asked, error)
    else this.#found(wanted, found)
  }

  #found(wanted: Wanted, found: Found): void {
    const { answers } = this.#replica
    if (!found.exists) return answers.fail(wanted.asked, ERROR.KEY_NOT_FOUND, null)
    const { blob } = found
    if (blob !== null && !wanted.noValue) {
      this.#open(wanted)
      return
    }
    const answer = answers.answer.ok()
    answer.version.copy(found.version)
    answer.valueType = found.valueType
    answer.expiresAtMs = found.expiresAtMs
    answer.size = blob?.size ?? found.valueEnd - found.valueStart
    answer.valueOffset = Math.min(wanted.start, answer.size)
    if (!wanted.noValue) {
      answer.value = found.value
      answer.valueStart = found.valueStart + answer.valueOffset
      answer.valueEnd = found.valueStart + Math.min(wanted.end, answer.size)
    }
    answers.give(wanted.asked)
  }

  /** The value is in a file: what a stream of it says is what is answered. */
  async #open({ asked, key, start, end, wantsStream }: Wanted): Promise<void> {
    const { answers, store } = this.#replica
    try {
      const stream = await store.getStream(key, { start, end })
      if (stream === undefined) return answers.fail(asked, ERROR.KEY_NOT_FOUND, null)
      const value = wantsStream ? null : await wholeOf(stream)
      const answer = answers.answer.ok()
      answer.version.copy(Version.parse(stream.version))
      answer.valueType = stream.type
      answer.expiresAtMs = stream.expiresAtMs
      answer.size = stream.size
      answer.valueOffset = stream.start
      if (value === null) answer.stream = stream
      else {
        answer.value = value
        answer.valueEnd = value.length
      }
      answers.give(asked)
    } catch (error) {
      failBy(this.#replica, asked, error)
    }
  }
}

/** All that a stream gives. */
export async function wholeOf(stream: ValueStream): Promise<Uint8Array> {
  const pieces: Uint8Array[] = []
  for await (const piece of stream) pieces.push(piece)
  return pieces.length === 1 ? pieces[0]! : Buffer.concat(pieces)
}
