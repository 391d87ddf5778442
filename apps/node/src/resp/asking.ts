/**
 * The `KeyValue` port as promises, for the commands that are not hot: one object for the whole node. It asks
 * with an operation of its own, and copies keys and values out of the answers, which are valid only while
 * they are told.
 *
 * Each question has a token of a block of tokens; blocks are added when all are taken and given back never:
 * what is asked at once is bounded by the connections, each of which runs one such command at a time.
 */
import { Version } from '@minivault/clock'
import { cloneBytes, hashKey } from '@minivault/codec'
import { ERROR, type ErrorName, errorKind, OUTCOME, ProtocolError } from '@minivault/protocol'
import { type Durability, VALUE_TYPE, type ValueStream } from '@minivault/storage'
import type { HeldBytes } from '../door/held-bytes.ts'
import {
  type Answer,
  type BatchCondition,
  type BatchItem,
  type KeyValue,
  KIND,
  type Kind,
  Operation,
  type ScanQuery,
} from '../key-value.ts'
import { ASKED_AT_ONCE_MAX, KEY_PAGE_BYTES, REPLY_SLOTS } from '../limits.ts'
import type { Receiver, Receivers } from '../receivers.ts'
import type { Asking, FoundKey, FoundMany, FoundValue, KeyPage, ScanWish, SetOptions } from './command.ts'
import type { HeldValues } from './held-values.ts'
import { ScanPositions } from './scan-positions.ts'

export interface PortAskingParts {
  readonly keyValue: KeyValue
  readonly receivers: Receivers
  readonly durability: Durability
  readonly held: HeldBytes
  readonly now: () => number
}

/** What is told of an answer. Called while the answer is valid. */
type Take<T> = (answer: Answer) => T

interface Question {
  readonly take: Take<unknown>
  readonly resolve: (told: unknown) => void
  readonly reject: (error: Error) => void
}

const NO_BYTES = new Uint8Array(0)

export class PortAsking implements Asking {
  readonly held: HeldBytes
  readonly positions: ScanPositions
  readonly #parts: PortAskingParts
  readonly #operation = new Operation()
  readonly #blocks: TokenBlock[] = []
  #unanswered = 0

  constructor(parts: PortAskingParts) {
    this.#parts = parts
    this.held = parts.held
    this.positions = new ScanPositions(parts.now())
  }

  get(key: Uint8Array, held: HeldValues): Promise<FoundValue | null> {
    return this.getRange(key, 0, Number.MAX_SAFE_INTEGER, held)
  }

  async getRange(key: Uint8Array, start: number, end: number, held: HeldValues): Promise<FoundValue | null> {
    const operation = this.#begin(KIND.get, key)
    operation.rangeStart = start
    operation.rangeBytes = end - start
    operation.wantsStream = true
    const found = await this.#ask((answer) => foundValue(answer, held))
    if (found === null || found.stream === null) return found
    return { ...found, value: await wholeOf(found.stream) }
  }

  getMany(keys: readonly Uint8Array[], held: HeldValues): Promise<FoundMany<FoundValue>> {
    return this.#many(keys, (key) => this.get(key, held))
  }

  findMany(keys: readonly Uint8Array[]): Promise<FoundMany<FoundKey>> {
    return this.#many(keys, (key) => this.find(key))
  }

  async #many<T>(keys: readonly Uint8Array[], ask: (key: Uint8Array) => Promise<T | null>) {
    const found: (T | null)[] = []
    let isOneMoment = keys.length <= ASKED_AT_ONCE_MAX
    for (let start = 0; start < keys.length; start += ASKED_AT_ONCE_MAX) {
      const unanswered = this.#unanswered
      const asked = keys.slice(start, start + ASKED_AT_ONCE_MAX).map(ask)
      if (this.#unanswered !== unanswered) isOneMoment = false
      found.push(...(await Promise.all(asked)))
    }
    return { found, isOneMoment }
  }

  find(key: Uint8Array): Promise<FoundKey | null> {
    this.#begin(KIND.get, key).noValue = true
    return this.#ask(foundKey)
  }

  set(key: Uint8Array, value: Uint8Array, options: SetOptions = {}): Promise<boolean> {
    const { ttlMs = 0, expectedVersion, ifAbsent = false, type = VALUE_TYPE.raw } = options
    const operation = this.#begin(ifAbsent ? KIND.create : KIND.set, key)
    operation.setValue(value, 0, value.length, type)
    operation.ttlMs = ttlMs
    if (expectedVersion !== undefined) operation.expectedVersion.copy(expectedVersion)
    return this.#ask(isOk)
  }

  delete(key: Uint8Array, expectedVersion?: Version): Promise<boolean> {
    const operation = this.#begin(KIND.delete, key)
    if (expectedVersion !== undefined) operation.expectedVersion.copy(expectedVersion)
    return this.#ask((answer) => isOk(answer) && answer.exists)
  }

  increment(key: Uint8Array, delta: bigint): Promise<bigint> {
    this.#begin(KIND.increment, key).delta = delta
    return this.#ask((answer) => answer.sum)
  }

  touch(key: Uint8Array, ttlMs: number, expectedVersion?: Version): Promise<boolean> {
    const operation = this.#begin(KIND.touch, key)
    operation.ttlMs = ttlMs
    if (expectedVersion !== undefined) operation.expectedVersion.copy(expectedVersion)
    return this.#ask(isOk)
  }

  batch(items: readonly BatchItem[], conditions: readonly BatchCondition[] = []): Promise<boolean> {
    const operation = this.#begin(KIND.batch, NO_BYTES)
    operation.batch = items
    operation.conditions = conditions
    return this.#ask(isOk)
  }

  async scan({ prefix = NO_BYTES, after, entriesMax, mayBegin }: ScanWish): Promise<KeyPage> {
    const keys: Uint8Array[] = []
    let bytes = 0
    const query: ScanQuery = {
      prefix,
      from: after ?? null,
      fromExclusive: true,
      to: null,
      toInclusive: false,
      reverse: false,
      keysOnly: true,
      cursor: '',
      entriesMax,
      mayBegin,
      isWanted: () => true,
      take: ({ key }) => {
        if (keys.length > 0 && bytes + key.length > KEY_PAGE_BYTES) return false
        bytes += key.length
        keys.push(key)
        return true
      },
    }
    this.#begin(KIND.scan, NO_BYTES).scan = query
    const isLast = await this.#ask(({ cursor }) => cursor === null)
    return { keys, isLast }
  }

  #begin(kind: Kind, key: Uint8Array): Operation {
    const operation = this.#operation
    operation.begin(kind, key, 0, key.length, this.#parts.durability)
    if (kind !== KIND.scan && kind !== KIND.batch) hashKey(key, 0, key.length, operation.hash)
    return operation
  }

  /** Submits what was begun just now. */
  #ask<T>(take: Take<T>): Promise<T> {
    this.#unanswered += 1
    return new Promise<T>((resolve, reject) => {
      const question = { take, resolve: resolve as (told: unknown) => void, reject }
      this.#parts.keyValue.submit(this.#operation, this.#block().add(question))
    })
  }

  #block(): TokenBlock {
    const free = this.#blocks.find((block) => !block.isFull)
    if (free !== undefined) return free
    const block = new TokenBlock(this.#parts.receivers, () => {
      this.#unanswered -= 1
    })
    this.#blocks.push(block)
    return block
  }
}

/** As many questions as a receiver has tokens. */
class TokenBlock implements Receiver {
  readonly #firstToken: number
  readonly #questions: (Question | null)[] = new Array(REPLY_SLOTS).fill(null)
  readonly #free = Array.from({ length: REPLY_SLOTS }, (_, slot) => slot)

  readonly #onAnswer: () => void

  constructor(receivers: Receivers, onAnswer: () => void) {
    this.#onAnswer = onAnswer
    this.#firstToken = receivers.add(this)
  }

  get isFull(): boolean {
    return this.#free.length === 0
  }

  add(question: Question): number {
    const slot = this.#free.pop()!
    this.#questions[slot] = question
    return this.#firstToken + slot
  }

  complete(slot: number, answer: Answer): void {
    const { take, resolve, reject } = this.#questions[slot]!
    this.#questions[slot] = null
    this.#free.push(slot)
    this.#onAnswer()
    const { outcome, error, message } = answer
    if (outcome === OUTCOME.failed || outcome === OUTCOME.inDoubt || error === ERROR.NOT_A_NUMBER) {
      return reject(new ProtocolError(errorKind(error).name as ErrorName, message ?? undefined))
    }
    try {
      resolve(take(answer))
    } catch (failure) {
      answer.stream?.cancel()
      reject(failure as Error)
    }
  }
}

function isOk({ outcome }: Answer): boolean {
  return outcome === OUTCOME.ok
}

function foundKey(answer: Answer): FoundKey | null {
  if (!isOk(answer)) return null
  const { version, valueType: type, size, expiresAtMs } = answer
  return { version: new Version().copy(version), type, size, expiresAtMs }
}

function foundValue(answer: Answer, held: HeldValues): (FoundValue & { stream: ValueStream | null }) | null {
  const found = foundKey(answer)
  if (found === null) return null
  const { stream, value, valueStart, valueEnd } = answer
  held.take(stream === null ? valueEnd - valueStart : stream.end - stream.start)
  return { ...found, stream, value: stream === null ? cloneBytes(value, valueStart, valueEnd) : NO_BYTES }
}

async function wholeOf(stream: ValueStream): Promise<Uint8Array> {
  const pieces: Uint8Array[] = []
  for await (const piece of stream) pieces.push(piece)
  return pieces.length === 1 ? pieces[0]! : Buffer.concat(pieces)
}
