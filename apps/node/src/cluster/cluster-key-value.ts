/**
 * The `KeyValue` of a member of a cluster: any key, whoever holds it. An operation becomes a request to the
 * core, which answers when enough replicas have; what one node does in one step (look, decide, write) is a
 * change that the core applies in a round.
 *
 *   Operation ─ change, key ─ SameKeyOrder ─ warm ─ core.ask ┄┄ answer(row) → Answer → complete(token)
 *
 * What concerns several keys at once is not offered: a batch is refused, a scan is somebody else's.
 */
import { type Answer as CoreAnswer, type HeldRecord, OUTCOME, REASON, type Request } from '@minivault/cluster'
import { CODEC, CodecError, cloneBytes, decompress, type KeyHash } from '@minivault/codec'
import { ERROR, type ErrorNumber, ProtocolError } from '@minivault/protocol'
import { BLOB_ABOVE_BYTES, type Foresight, type StagedValue, type StreamDoor } from '@minivault/storage'
import { copyRequest } from '../door/incoming-value.ts'
import { Answer, type Complete, type KeyValue, KIND, Operation, type ScanQuery } from '../key-value.ts'
import { REPLY_SLOTS } from '../limits.ts'
import { wholeOf } from '../local/described-reads.ts'
import { ScanPages } from '../local/scan-pages.ts'
import { errorOf } from '../local/storage-errors.ts'
import { AskedOperation } from './asked-operation.ts'
import { changeOf } from './change-of.ts'
import { failAs } from './core-errors.ts'
import { LargeValue } from './large/large-value.ts'
import type { ValueFiles } from './large/value-files.ts'
import { MemberKey } from './member-key.ts'
import type { MemberValue } from './member-value.ts'
import { SameKeyOrder } from './same-key-order.ts'
import { ValuePacker } from './value-packer.ts'

/** Where values with a file of their own are. */
export interface LargeParts {
  readonly files: Pick<ValueFiles, 'staged'>
  readonly streams: Pick<StreamDoor, 'openBlob' | 'discard'>
  /** A durable file with these bytes, which stay as they are until then. */
  readonly stage: (hash: KeyHash, bytes: Uint8Array) => Promise<StagedValue>
}

export interface ClusterKeyValueParts {
  readonly complete: Complete
  /** `NodeCore`: answers come to `ClusterKeyValue.answer`, under the token that was given. */
  readonly core: { ask(token: number, request: Request): void }
  /** What stands under a key is brought into memory before the core is asked for it. */
  readonly isWarm: (key: MemberKey) => boolean
  readonly warm: (key: MemberKey, then: () => void) => void
  /** Why nothing that this request asks for can come about now, in words; null: it may. */
  readonly refusal: (request: Request) => string | null
  /** Fills a page of a scan. How to go on; null: that was all. */
  readonly scan: (query: ScanQuery) => Promise<string | null>
  readonly large: LargeParts
  /** As in `KeyValue`. */
  readonly foresee: (keys: Foresight) => void
  /** Milliseconds that only rise. */
  readonly now: () => number
  readonly wallMs: () => number
}

export class ClusterKeyValue implements KeyValue {
  readonly isCluster = true
  readonly #parts: ClusterKeyValueParts
  readonly #packer: ValuePacker
  readonly #answer = new Answer()
  readonly #scans: ScanPages
  readonly #order = new SameKeyOrder<AskedOperation>((asked) => this.#begin(asked))
  /** Those that the core knows, by its token; and which of these are free. */
  readonly #asked: (AskedOperation | null)[] = []
  readonly #free: number[] = []

  constructor(parts: ClusterKeyValueParts) {
    this.#parts = parts
    this.#packer = new ValuePacker(parts.large.files)
    this.#scans = new ScanPages(parts.complete, this.#answer, parts.scan)
  }

  /** Operations whose answer is owed. */
  get underWay(): number {
    return this.#asked.length - this.#free.length
  }

  submit(operation: Operation, token: number): void {
    const { kind } = operation
    if (kind === KIND.scan) return this.#scans.submit(operation, token)
    if (kind === KIND.batch) {
      const words = 'a cluster takes no batches: several keys do not change in one moment'
      return this.#fail(token, ERROR.UNSUPPORTED, words)
    }
    if (isToBeStaged(operation)) {
      void this.#stage(operation, token)
      return
    }
    let asked: AskedOperation
    try {
      asked = this.#askedBy(operation, token)
    } catch (error) {
      this.#discard(operation)
      return this.#fail(token, errorNumberOf(error), (error as Error).message)
    }
    this.#order.enter(asked)
  }

  foresee(keys: Foresight): void {
    this.#parts.foresee(keys)
  }

  #askedBy(operation: Operation, token: number): AskedOperation {
    const { now, wallMs } = this.#parts
    const { key: bytes, keyStart, keyEnd, hash } = operation
    const change = changeOf(operation, this.#packer, wallMs)
    const key = MemberKey.of(bytes, keyStart, keyEnd, hash)
    const place = SameKeyOrder.place((token / REPLY_SLOTS) | 0, hash.low)
    return new AskedOperation(operation, key, change, token, place, now())
  }

  /** A large value that came in one piece has its file before the core hears of it. */
  async #stage(operation: Operation, token: number): Promise<void> {
    const copy = new Operation()
    copyRequest(operation, copy)
    const bytes = cloneBytes(operation.value, operation.valueStart, operation.valueEnd)
    copy.setValue(bytes, 0, 0, operation.valueType)
    try {
      copy.staged = await this.#parts.large.stage(copy.hash, bytes)
    } catch (error) {
      return this.#fail(token, errorNumberOf(error), (error as Error).message)
    }
    this.submit(copy, token)
  }

  #discard(operation: Operation): void {
    if (operation.staged !== null) this.#parts.large.streams.discard(operation.staged)
    operation.staged = null
  }

  #begin(asked: AskedOperation): void {
    if (this.#parts.isWarm(asked.key)) this.#ask(asked)
    else this.#parts.warm(asked.key, () => this.#ask(asked))
  }

  #ask(asked: AskedOperation): void {
    const { core, now, refusal } = this.#parts
    asked.deadlineMs -= now() - asked.sinceMs
    if (asked.deadlineMs <= 0) return this.#give(asked, ERROR.TIMEOUT, null)
    const words = refusal(asked)
    if (words !== null) {
      const mayBeDone = asked.change !== null && asked.attempt > 0
      return this.#give(asked, mayBeDone ? ERROR.IN_DOUBT : ERROR.NO_QUORUM, words)
    }
    const row = this.#free.pop() ?? this.#asked.length
    this.#asked[row] = asked
    asked.row = row
    core.ask(row, asked)
  }

  /** Without the core: nothing was sent. */
  #give(asked: AskedOperation, error: ErrorNumber, message: string | null): void {
    this.#fail(asked.token, error, message)
    this.#order.leave(asked)
  }

  #fail(token: number, error: ErrorNumber, message: string | null): void {
    this.#parts.complete(token, this.#answer.fail(error, message))
  }

  /** `Env.answer` of the core. */
  answer(row: number, { outcome, reason, record }: CoreAnswer): void {
    const asked = this.#asked[row]!
    this.#asked[row] = null
    this.#free.push(row)
    const answer = this.#answer
    const { change } = asked
    const { value } = record ?? NO_VALUE
    if (change === null && value instanceof LargeValue && !asked.noValue && isAnswered(outcome)) {
      void this.#tellLarge(asked, record!, value)
      return
    }
    if (outcome === OUTCOME.failed || outcome === OUTCOME.inDoubt) failAs(answer, outcome, reason)
    else if (change === null) this.#tellValue(asked, record!)
    else if (outcome === OUTCOME.ok) change.tell(answer, record!)
    else change.refuse(answer, record!)
    this.#parts.complete(asked.token, answer)
    this.#order.leave(asked)
  }

  /** The core has gone: it answers nothing that is under way. */
  abandon(): void {
    for (const asked of [...this.#asked]) {
      if (asked !== null) this.answer(asked.row, asked.change === null ? READ_ABANDONED : WRITE_ABANDONED)
    }
  }

  async #tellLarge(asked: AskedOperation, record: HeldRecord, { blob, type }: LargeValue): Promise<void> {
    const { rangeStart, rangeBytes, wantsStream } = asked
    const end = rangeBytes === 0 ? blob.size : rangeStart + rangeBytes
    const answer = this.#answer
    try {
      const stream = this.#parts.large.streams.openBlob(blob, { start: rangeStart, end })
      const { start, size } = stream
      const value = wantsStream ? null : await wholeOf(stream)
      answer.ok().version.copy(record.version)
      answer.valueType = type
      answer.expiresAtMs = record.expiresAtMs
      answer.size = size
      answer.valueOffset = start
      if (value === null) answer.stream = stream
      else {
        answer.value = value
        answer.valueEnd = value.length
      }
    } catch (error) {
      answer.fail(errorNumberOf(error), (error as Error).message)
    }
    this.#parts.complete(asked.token, answer)
    this.#order.leave(asked)
  }

  #tellValue({ noValue, rangeStart, rangeBytes }: AskedOperation, record: HeldRecord): void {
    const value = record.value as MemberValue | null
    const answer = this.#answer
    if (value === null) {
      answer.fail(ERROR.KEY_NOT_FOUND)
      return
    }
    const { codec, data, rawBytes, type } = value
    answer.ok().version.copy(record.version)
    answer.valueType = type
    answer.expiresAtMs = record.expiresAtMs
    if (noValue || rangeBytes !== 0 || rangeStart !== 0) {
      answer.size = rawBytes
      answer.valueOffset = Math.min(rangeStart, rawBytes)
    }
    if (noValue) return
    try {
      answer.value = codec === CODEC.none ? data : decompress(codec, data, rawBytes)
    } catch (error) {
      answer.fail(ERROR.CORRUPT, (error as Error).message)
      return
    }
    answer.valueStart = answer.valueOffset
    answer.valueEnd = rangeBytes === 0 ? rawBytes : Math.min(rangeStart + rangeBytes, rawBytes)
    answer.valueEnd = Math.max(answer.valueStart, answer.valueEnd)
  }
}

const NO_VALUE = { value: null }

const { notServing } = REASON
const READ_ABANDONED: CoreAnswer = { outcome: OUTCOME.failed, reason: notServing, record: null, rounds: 0 }
/** The others may have it. */
const WRITE_ABANDONED: CoreAnswer = { ...READ_ABANDONED, outcome: OUTCOME.inDoubt }

/** Whether there is what was asked for. */
function isAnswered(outcome: CoreAnswer['outcome']): boolean {
  return outcome === OUTCOME.ok
}

function isToBeStaged({ staged, codec, valueStart, valueEnd }: Operation): boolean {
  return staged === null && codec === CODEC.none && valueEnd - valueStart > BLOB_ABOVE_BYTES
}

function errorNumberOf(error: unknown): ErrorNumber {
  if (error instanceof ProtocolError) return ERROR[error.code]
  return error instanceof CodecError ? ERROR.BAD_COMPRESSION : errorOf(error)
}
