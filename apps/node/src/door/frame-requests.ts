/**
 * From a request of the frame form to the operation it asks for. What cannot be asked so is an error, with
 * words that say why.
 */
import { CODEC, cloneBytes, hashKey } from '@minivault/codec'
import {
  type BatchOperation,
  CONSISTENCY,
  DURABILITY_OF_SERVER,
  decodeBatch,
  decodeScanRequest,
  ERROR,
  type ErrorNumber,
  FRAME_FLAG,
  FRAME_OPCODE,
  type FrameRequest,
  isJsonText,
  readI64,
  ScanRequest,
} from '@minivault/protocol'
import { DURABILITY, type Durability, VALUE_TYPE } from '@minivault/storage'
import { type BatchItem, KIND, type Kind, type Operation, type ScanQuery } from '../key-value.ts'
import { takeValue } from './handed-value.ts'

const DELTA_BYTES = 8
const NOTHING = new Uint8Array(0)

const KINDS = new Int8Array(256).fill(-1)
KINDS[FRAME_OPCODE.get] = KIND.get
KINDS[FRAME_OPCODE.set] = KIND.set
KINDS[FRAME_OPCODE.delete] = KIND.delete
KINDS[FRAME_OPCODE.scan] = KIND.scan
KINDS[FRAME_OPCODE.batch] = KIND.batch
KINDS[FRAME_OPCODE.touch] = KIND.touch
KINDS[FRAME_OPCODE.increment] = KIND.increment

/** The kind of operation that an opcode stands for, a create being a set here; -1: none. */
export function kindOf(opcode: number): Kind | -1 {
  return KINDS[opcode] as Kind | -1
}

/** The page that a SCAN's reply is to be. */
export interface WantedPage {
  query: ScanQuery
  bytesMax: number
}

export class FrameRequests {
  /** Of the error returned last, where its own sentence does not say enough. */
  words: string | null = null
  readonly #operation: Operation
  readonly #durability: Durability
  readonly #scan = new ScanRequest()

  /** @param durability what a request that names no level gets */
  constructor(operation: Operation, durability: Durability) {
    this.#operation = operation
    this.#durability = durability
  }

  /** Fills the operation, all but `scan`. */
  fill(request: FrameRequest, kind: Kind, bytes: Uint8Array): ErrorNumber {
    const { durability, consistency, flags, keyStart, keyEnd } = request
    const operation = this.#operation
    this.words = null
    if (durability > DURABILITY.fsync && durability !== DURABILITY_OF_SERVER)
      return this.#bad(`there is no durability ${durability}`)
    if (consistency > CONSISTENCY.quorum) return this.#bad(`there is no consistency ${consistency}`)
    const level = durability === DURABILITY_OF_SERVER ? this.#durability : (durability as Durability)
    operation.begin(kind, bytes, keyStart, keyEnd, level)
    operation.requestId.copy(request.requestId)
    operation.attempt = request.attempt
    operation.consistency = consistency
    operation.deadlineMs = request.deadlineMs
    if (kind === KIND.scan) return ERROR.NONE
    if (kind === KIND.batch) return this.#batch(request, bytes)
    if (keyEnd === keyStart) return ERROR.KEY_MISSING
    hashKey(bytes, keyStart, keyEnd, operation.hash)
    if (kind === KIND.get) {
      return flags === 0 ? ERROR.NONE : this.#part(request)
    }
    if ((flags & FRAME_FLAG.ifVersion) !== 0) {
      if (request.expectedVersion.isZero())
        return this.#bad('ifVersion takes a version that is not zero; ifAbsent says that there is none')
      operation.expectedVersion.copy(request.expectedVersion)
    }
    operation.ttlMs = request.ttlMs
    if (kind === KIND.set) return this.#value(request, bytes)
    return kind === KIND.increment ? this.#delta(request, bytes) : ERROR.NONE
  }

  #part({ flags, chunkOffset, totalBytes }: FrameRequest): ErrorNumber {
    const operation = this.#operation
    operation.noValue = (flags & FRAME_FLAG.noValue) !== 0
    if ((flags & FRAME_FLAG.range) === 0) return ERROR.NONE
    operation.rangeStart = chunkOffset
    operation.rangeBytes = totalBytes
    return ERROR.NONE
  }

  #value({ flags, codec, valueStart, valueEnd }: FrameRequest, bytes: Uint8Array): ErrorNumber {
    const operation = this.#operation
    if ((flags & FRAME_FLAG.ifAbsent) !== 0) {
      if ((flags & FRAME_FLAG.ifVersion) !== 0) return this.#bad('ifAbsent and ifVersion exclude each other')
      operation.kind = KIND.create
    }
    const type = (flags & FRAME_FLAG.json) === 0 ? VALUE_TYPE.raw : VALUE_TYPE.json
    return takeValue(operation, bytes, valueStart, valueEnd, codec, CODEC.lz4, type)
  }

  #delta({ valueStart, valueEnd }: FrameRequest, bytes: Uint8Array): ErrorNumber {
    if (valueEnd - valueStart !== DELTA_BYTES)
      return this.#bad(`what is to be added has ${DELTA_BYTES} bytes, not ${valueEnd - valueStart}`)
    this.#operation.delta = readI64(bytes, valueStart)
    return ERROR.NONE
  }

  #batch({ codec, keyStart, keyEnd, valueStart, valueEnd }: FrameRequest, bytes: Uint8Array): ErrorNumber {
    if (keyEnd !== keyStart) return this.#bad('a batch has no key of its own')
    if (codec !== CODEC.none) return this.#bad('the operations of a batch are not compressed')
    const items: BatchItem[] = []
    let isJson = true
    const decoded = decodeBatch(bytes, valueStart, valueEnd, (item) => {
      isJson &&= !item.isJson || isJsonText(bytes, item.valueStart, item.valueEnd)
      items.push(itemOf(item, bytes))
    })
    if (decoded < 0) {
      this.words = 'an operation of the batch is malformed'
      return -decoded as ErrorNumber
    }
    this.#operation.batch = items
    return isJson ? ERROR.NONE : ERROR.BAD_JSON
  }

  /** What a SCAN asks for; the error is BAD_REQUEST where it is null. */
  page(request: FrameRequest, bytes: Uint8Array): WantedPage | null {
    const scan = this.#scan
    const { flags } = request
    if (decodeScanRequest(bytes, request.valueStart, request.valueEnd, scan) < 0) {
      this.words = 'what is asked of the scan is malformed'
      return null
    }
    const span = (start: number, end: number) => (start === end ? null : cloneBytes(bytes, start, end))
    const query: ScanQuery = {
      prefix: cloneBytes(bytes, request.keyStart, request.keyEnd),
      from: span(scan.fromStart, scan.fromEnd),
      fromExclusive: scan.fromExclusive,
      to: span(scan.toStart, scan.toEnd),
      toInclusive: scan.toInclusive,
      reverse: (flags & FRAME_FLAG.reverse) !== 0,
      keysOnly: (flags & FRAME_FLAG.noValue) !== 0,
      cursor: Buffer.from(span(scan.cursorStart, scan.cursorEnd) ?? NOTHING).toString('latin1'),
      entriesMax: scan.entriesMax,
      mayBegin: () => true,
      isWanted: () => true,
      take: () => false,
    }
    return { query, bytesMax: scan.bytesMax }
  }

  #bad(words: string): ErrorNumber {
    this.words = words
    return ERROR.BAD_REQUEST
  }
}

function itemOf(item: BatchOperation, bytes: Uint8Array): BatchItem {
  const isSet = item.opcode === FRAME_OPCODE.set
  return {
    key: cloneBytes(bytes, item.keyStart, item.keyEnd),
    value: isSet ? cloneBytes(bytes, item.valueStart, item.valueEnd) : null,
    valueType: item.isJson ? VALUE_TYPE.json : VALUE_TYPE.raw,
    ttlMs: item.ttlMs,
  }
}

/** Why they are refused. */
export function flagWords(opcode: number, flags: number): string {
  return `the flags 0x${flags.toString(16)} do not all belong to opcode 0x${opcode.toString(16)}`
}
