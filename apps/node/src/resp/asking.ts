/**
 * The `KeyValue` port for the commands that are not hot: one object for the whole node. It asks with an
 * operation of its own, and copies keys and values out of the answers, which are valid only while they are
 * told: at once where the port answers inside `submit`, as it mostly does, else as a promise.
 *
 * Each question has a token of a block of tokens; blocks are added when all are taken and given back never:
 * what is asked at once is bounded by the connections, each of which runs one such command at a time.
 */
import { Version } from '@minivault/clock'
import { cloneBytes, hashKey } from '@minivault/codec'
import { type ErrorName, errorKind, OUTCOME, ProtocolError } from '@minivault/protocol'
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
import { KEY_PAGE_BYTES, REPLY_SLOTS } from '../limits.ts'
import type { Receiver, Receivers } from '../receivers.ts'
import type { Asking, FoundKey, FoundValue, KeyPage, ScanWish, SetOptions, Told } from './command.ts'
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
type Take<T> = (answer: Answer, held: HeldValues | null) => T

const NO_BYTES = new Uint8Array(0)

export class PortAsking implements Asking {
  readonly isCluster: boolean
  readonly held: HeldBytes
  readonly positions: ScanPositions
  readonly #parts: PortAskingParts
  readonly #operation = new Operation()
  readonly #blocks: TokenBlock[] = []

  constructor(parts: PortAskingParts) {
    this.#parts = parts
    this.isCluster = parts.keyValue.isCluster
    this.held = parts.held
    this.positions = new ScanPositions(parts.now())
  }

  get(key: Uint8Array, held: HeldValues): Told<FoundValue | null> {
    return this.#value(this.#begin(KIND.get, key), held)
  }

  getRange(key: Uint8Array, start: number, end: number, held: HeldValues): Told<FoundValue | null> {
    const operation = this.#begin(KIND.get, key)
    operation.rangeStart = start
    operation.rangeBytes = end - start
    return this.#value(operation, held)
  }

  #value(operation: Operation, held: HeldValues): Told<FoundValue | null> {
    operation.wantsStream = true
    const found = this.#ask(foundValue, held)
    return found instanceof Promise ? found.then(wholeOf) : wholeOf(found)
  }

  find(key: Uint8Array): Told<FoundKey | null> {
    this.#begin(KIND.get, key).noValue = true
    return this.#ask(foundKey)
  }

  set(key: Uint8Array, value: Uint8Array, options: SetOptions = {}): Told<boolean> {
    const { ttlMs = 0, expectedVersion, ifAbsent = false, type = VALUE_TYPE.raw } = options
    const operation = this.#begin(ifAbsent ? KIND.create : KIND.set, key)
    operation.setValue(value, 0, value.length, type)
    operation.ttlMs = ttlMs
    if (expectedVersion !== undefined) operation.expectedVersion.copy(expectedVersion)
    return this.#ask(isOk)
  }

  delete(key: Uint8Array, expectedVersion?: Version): Told<boolean> {
    const operation = this.#begin(KIND.delete, key)
    if (expectedVersion !== undefined) operation.expectedVersion.copy(expectedVersion)
    return this.#ask(isRemoved)
  }

  drop(key: Uint8Array): Told<boolean> {
    this.#begin(KIND.delete, key).wantsExists = false
    return this.#ask(isOk)
  }

  touch(key: Uint8Array, ttlMs: number, expectedVersion?: Version): Told<boolean> {
    const operation = this.#begin(KIND.touch, key)
    operation.ttlMs = ttlMs
    if (expectedVersion !== undefined) operation.expectedVersion.copy(expectedVersion)
    return this.#ask(isOk)
  }

  batch(items: readonly BatchItem[], conditions: readonly BatchCondition[] = []): Told<boolean> {
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
  #ask<T>(take: Take<T>, held: HeldValues | null = null): Told<T> {
    const question = new Question(take, held)
    this.#parts.keyValue.submit(this.#operation, this.#block().add(question))
    return question.told()
  }

  #block(): TokenBlock {
    for (const block of this.#blocks) if (!block.isFull) return block
    const block = new TokenBlock(this.#parts.receivers)
    this.#blocks.push(block)
    return block
  }
}

/** As many questions as a receiver has tokens. */
class TokenBlock implements Receiver {
  readonly #firstToken: number
  readonly #questions: (Question<unknown> | null)[] = new Array(REPLY_SLOTS).fill(null)
  readonly #free = Array.from({ length: REPLY_SLOTS }, (_, slot) => slot)

  constructor(receivers: Receivers) {
    this.#firstToken = receivers.add(this)
  }

  get isFull(): boolean {
    return this.#free.length === 0
  }

  add(question: Question<unknown>): number {
    const slot = this.#free.pop()!
    this.#questions[slot] = question
    return this.#firstToken + slot
  }

  complete(slot: number, answer: Answer): void {
    const question = this.#questions[slot]!
    this.#questions[slot] = null
    this.#free.push(slot)
    question.complete(answer)
  }
}

/** Most are answered before anybody waits: a promise is made for the others only. */
class Question<T> {
  readonly #take: Take<T>
  readonly #held: HeldValues | null
  #isAnswered = false
  #said: T | null = null
  #failure: Error | null = null
  #wake: (() => void) | null = null

  constructor(take: Take<T>, held: HeldValues | null) {
    this.#take = take
    this.#held = held
  }

  told(): Told<T> {
    if (this.#isAnswered) return this.#tell()
    return new Promise<void>((resolve) => {
      this.#wake = resolve
    }).then(() => this.#tell())
  }

  #tell(): T {
    if (this.#failure !== null) throw this.#failure
    return this.#said as T
  }

  complete(answer: Answer): void {
    const { outcome, error, message } = answer
    this.#isAnswered = true
    if (outcome === OUTCOME.failed || outcome === OUTCOME.inDoubt) {
      this.#failure = new ProtocolError(errorKind(error).name as ErrorName, message ?? undefined)
    } else {
      try {
        this.#said = this.#take(answer, this.#held)
      } catch (failure) {
        answer.stream?.cancel()
        this.#failure = failure as Error
      }
    }
    this.#wake?.()
  }
}

function isOk({ outcome }: Answer): boolean {
  return outcome === OUTCOME.ok
}

function isRemoved(answer: Answer): boolean {
  return isOk(answer) && answer.exists
}

function foundKey(answer: Answer): FoundKey | null {
  if (!isOk(answer)) return null
  const { version, valueType: type, size, expiresAtMs } = answer
  return { version: new Version().copy(version), type, size, expiresAtMs }
}

type FoundBytes = FoundValue & { readonly stream: ValueStream | null }

function foundValue(answer: Answer, held: HeldValues | null): FoundBytes | null {
  if (!isOk(answer)) return null
  const { stream, value, valueStart, valueEnd, valueType: type, expiresAtMs } = answer
  const version = new Version().copy(answer.version)
  const bytes = stream === null ? valueEnd - valueStart : stream.end - stream.start
  held?.take(bytes)
  // Said of all of it only where a range is given.
  const size = Math.max(answer.size, bytes)
  const copy = stream === null ? cloneBytes(value, valueStart, valueEnd) : NO_BYTES
  return { version, type, size, expiresAtMs, stream, value: copy }
}

function wholeOf(found: FoundBytes | null): Told<FoundValue | null> {
  return found === null || found.stream === null ? found : streamed(found, found.stream)
}

async function streamed(found: FoundValue, stream: ValueStream): Promise<FoundValue> {
  const pieces: Uint8Array[] = []
  for await (const piece of stream) pieces.push(piece)
  return { ...found, value: pieces.length === 1 ? pieces[0]! : Buffer.concat(pieces) }
}
