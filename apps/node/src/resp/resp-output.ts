/**
 * Answers of the key-value port as replies of the Redis protocol, written where they leave. Nothing is
 * allocated for what is not an error.
 */
import { copyBytes } from '@minivault/codec'
import {
  ERROR,
  type ErrorNumber,
  errorKind,
  OUTCOME,
  RESP_LENGTH_BYTES_MAX,
  type RespVersion,
  writeRespLength,
} from '@minivault/protocol'
import { TOO_MANY_BITS } from '@minivault/storage'
import type { Output } from '../door/output.ts'
import type { PieceReply } from '../door/piece-reply.ts'
import type { Answer } from '../key-value.ts'
import { SHAPE } from './reply-shapes.ts'

const CR = 0x0d
const LF = 0x0a
const DOLLAR = 0x24
const COLON = 0x3a
const MAX_SAFE = BigInt(Number.MAX_SAFE_INTEGER)
const HEAD = Buffer.alloc(RESP_LENGTH_BYTES_MAX)
/** A longer value is handed over in parts. */
const AT_ONCE_BYTES_MAX = 16 * 1024

const OK = line('+OK')
const PONG = line('+PONG')
const ZERO = line(':0')
const ONE = line(':1')
const NULL_2 = line('$-1')
const NULL_3 = line('_')
const LINE_END = line('')

function line(text: string): Uint8Array {
  return new Uint8Array(Buffer.from(`${text}\r\n`))
}

/** Any shape but `prepared`. */
export function writeAnswer(shape: number, answer: Answer, version: RespVersion, output: Output): void {
  if (answer.outcome !== OUTCOME.ok) return writeFailure(shape, answer, version, output)
  switch (shape) {
    case SHAPE.value:
      return writeBulk(answer.value, answer.valueStart, answer.valueEnd, output)
    case SHAPE.ok:
      return append(OK, output)
    case SHAPE.removed:
      return append(answer.exists ? ONE : ZERO, output)
    case SHAPE.pong:
      return append(PONG, output)
    case SHAPE.sum:
      return writeInteger(answer.sum, output)
    default:
      return append(ONE, output)
  }
}

function writeFailure(shape: number, answer: Answer, version: RespVersion, output: Output): void {
  const { error, message } = answer
  const isAbsent = error === ERROR.KEY_NOT_FOUND
  const isThere = error === ERROR.KEY_EXISTS
  if ((isAbsent && shape === SHAPE.value) || (isThere && shape === SHAPE.ok)) {
    append(version === 3 ? NULL_3 : NULL_2, output)
  } else if ((isAbsent && shape === SHAPE.found) || (isThere && shape === SHAPE.isDone)) {
    append(ZERO, output)
  } else {
    append(line(`-${shape === SHAPE.refusal ? message : errorLine(error, message)}`), output)
  }
}

/** What clients are told of an error of the port: in Redis' words where they look at them. */
export function errorLine(error: ErrorNumber, message: string | null = null): string {
  const words = (message ?? errorKind(error).message).replaceAll(/[\r\n]/g, ' ')
  switch (error) {
    case ERROR.UNAUTHORIZED:
      return 'NOAUTH Authentication required.'
    case ERROR.NOT_A_NUMBER:
      return words.endsWith(TOO_MANY_BITS)
        ? 'ERR increment or decrement would overflow'
        : 'ERR value is not an integer or out of range'
    case ERROR.RATE_LIMITED:
      return 'ERR rate limit: too many requests'
    case ERROR.READ_ONLY:
      return `READONLY ${words}`
    case ERROR.NO_QUORUM:
      return `NOQUORUM ${words}`
    case ERROR.IN_DOUBT:
      return `INDOUBT ${words}`
    case ERROR.DISK_FULL:
      return `MISCONF ${words}`
    default:
      return `ERR ${words}`
  }
}

function append(bytes: Uint8Array, output: Output): void {
  const { length } = bytes
  const at = output.reserve(length)
  const target = output.bytes
  for (let index = 0; index < length; index++) target[at + index] = bytes[index]!
}

function writeInteger(integer: bigint, output: Output): void {
  if (integer < 0n || integer > MAX_SAFE) return append(line(`:${integer}`), output)
  const length = writeRespLength(COLON, Number(integer), HEAD, 0)
  output.append(HEAD, 0, length)
}

function writeBulk(value: Uint8Array, start: number, end: number, output: Output): void {
  const length = end - start
  if (length > AT_ONCE_BYTES_MAX) {
    append(line(`$${length}`), output)
    output.append(value, start, end)
    return append(LINE_END, output)
  }
  const headBytes = 3 + digitsOf(length)
  const at = output.reserve(headBytes + length + 2)
  const target = output.bytes
  const next = writeRespLength(DOLLAR, length, target, at)
  copyBytes(value, start, end, target, next)
  target[next + length] = CR
  target[next + length + 1] = LF
}

function digitsOf(length: number): number {
  if (length < 10) return 1
  if (length < 100) return 2
  if (length < 1000) return 3
  return length < 10_000 ? 4 : 5
}

/** One head, the bytes, and the end of the line behind them. */
export class BulkPieces implements PieceReply {
  readonly #bytes: number

  constructor(bytes: number) {
    this.#bytes = bytes
  }

  writeHead(target: Uint8Array, offset: number): number {
    return offset > 0 ? 0 : writeRespLength(DOLLAR, this.#bytes, target, 0)
  }

  writeEnd(output: Output): void {
    append(LINE_END, output)
  }

  /** Once the head is out, only bytes of the value can follow. */
  writeError(error: ErrorNumber, message: string, isBegun: boolean, output: Output): boolean {
    if (isBegun) return false
    append(line(`-${errorLine(error, message)}`), output)
    return true
  }
}
