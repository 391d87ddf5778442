/*
 * The closed table of error codes: one map for both wires.
 *
 * A code has a name (HTTP bodies, logs, clients), a number (u16 in reply frames), an HTTP status, an outcome
 * (what the second frame form says about the effect) and whether the same request may be sent again. Numbers
 * are part of the wire: they are never reused, new ones are added at the end. The documented opcodes carry
 * none of this: every error there is 0xFF with length 0.
 */

/** What became of a request. `in_doubt`: it may have taken effect, or may yet. */
export const OUTCOME = { ok: 0, no: 1, failed: 2, inDoubt: 3 } as const
export type Outcome = (typeof OUTCOME)[keyof typeof OUTCOME]

/** Error numbers as they stand in reply frames; 0 is "no error". */
export const ERROR = {
  NONE: 0,
  KEY_NOT_FOUND: 1,
  KEY_EXISTS: 2,
  VERSION_MISMATCH: 3,
  KEY_LENGTH: 4,
  VALUE_TOO_LARGE: 5,
  BAD_REQUEST: 6,
  BAD_JSON: 7,
  MISSING_VALUE: 8,
  BAD_COMPRESSION: 9,
  METHOD_NOT_ALLOWED: 10,
  UNSUPPORTED: 11,
  UNAUTHORIZED: 12,
  RATE_LIMITED: 13,
  READ_ONLY: 14,
  DISK_FULL: 15,
  NO_QUORUM: 16,
  TIMEOUT: 17,
  IN_DOUBT: 18,
  SUPERSEDED: 19,
  CLOCK_TOO_FAR: 20,
  CORRUPT: 21,
  OVERLOADED: 22,
  SHUTTING_DOWN: 23,
  INTERNAL: 24,
  FRAME_TOO_LARGE: 25,
  PROTOCOL_VERSION: 26,
  KEY_MISSING: 27,
  NOT_FOUND: 28,
  NOT_A_NUMBER: 29,
  RANGE_NOT_SATISFIABLE: 30,
  ORIGIN_REFUSED: 31,
  TLS_REQUIRED: 32,
  PEER_REFUSED: 33,
  LAYOUT_CHANGING: 34,
  LAYOUT_NOT_NEXT: 35,
} as const

export type ErrorName = Exclude<keyof typeof ERROR, 'NONE'>
export type ErrorNumber = (typeof ERROR)[keyof typeof ERROR]

export interface ErrorKind {
  readonly name: ErrorName
  /** u16 of the reply frame */
  readonly number: number
  readonly httpStatus: number
  /** the same request, with the same request id, may be sent again */
  readonly retryable: boolean
  readonly outcome: Outcome
  /** one line, without a full stop; a reply may carry a more telling one */
  readonly message: string
}

type Row = readonly [httpStatus: number, retryable: boolean, outcome: Outcome, message: string]

const ROWS: Readonly<Record<ErrorName, Row>> = {
  KEY_NOT_FOUND: [404, false, OUTCOME.no, 'there is no such key'],
  KEY_EXISTS: [409, false, OUTCOME.no, 'the key exists already'],
  VERSION_MISMATCH: [412, false, OUTCOME.no, 'the key holds another version'],
  KEY_LENGTH: [414, false, OUTCOME.failed, 'a key has at most 65535 bytes'],
  VALUE_TOO_LARGE: [413, false, OUTCOME.failed, 'a value has at most 100 MiB'],
  BAD_REQUEST: [400, false, OUTCOME.failed, 'the request is malformed'],
  BAD_JSON: [400, false, OUTCOME.failed, 'the body is not valid JSON'],
  MISSING_VALUE: [400, false, OUTCOME.failed, 'the body must be a JSON object with a member "value"'],
  BAD_COMPRESSION: [400, false, OUTCOME.failed, 'the value cannot be decompressed'],
  METHOD_NOT_ALLOWED: [405, false, OUTCOME.failed, 'the method is not allowed here'],
  UNSUPPORTED: [501, false, OUTCOME.failed, 'this is not supported in this version'],
  UNAUTHORIZED: [401, false, OUTCOME.failed, 'the authentication key is missing or wrong'],
  RATE_LIMITED: [429, true, OUTCOME.failed, 'too many requests'],
  READ_ONLY: [503, true, OUTCOME.failed, 'the store is read-only after a disk error'],
  DISK_FULL: [507, true, OUTCOME.failed, 'the disk is full'],
  NO_QUORUM: [503, true, OUTCOME.failed, 'too few replicas can be reached'],
  TIMEOUT: [504, true, OUTCOME.failed, 'the deadline passed before the request was carried out'],
  IN_DOUBT: [504, true, OUTCOME.inDoubt, 'the write may or may not have taken effect'],
  SUPERSEDED: [409, false, OUTCOME.failed, 'a later attempt of this request is under way'],
  CLOCK_TOO_FAR: [503, true, OUTCOME.failed, "the request id is too far ahead of the server's clock"],
  CORRUPT: [500, false, OUTCOME.failed, 'the stored record is damaged'],
  OVERLOADED: [503, true, OUTCOME.failed, 'the server is overloaded'],
  SHUTTING_DOWN: [503, true, OUTCOME.failed, 'the server is shutting down'],
  INTERNAL: [500, false, OUTCOME.failed, 'internal error'],
  FRAME_TOO_LARGE: [413, false, OUTCOME.failed, 'a frame has at most 256 KiB'],
  PROTOCOL_VERSION: [400, false, OUTCOME.failed, 'no common protocol version'],
  KEY_MISSING: [400, false, OUTCOME.failed, 'a key has at least one byte'],
  NOT_FOUND: [404, false, OUTCOME.failed, 'there is nothing at this address'],
  NOT_A_NUMBER: [
    409,
    false,
    OUTCOME.failed,
    'the value is not a decimal number of 64 bits, or would leave them',
  ],
  RANGE_NOT_SATISFIABLE: [416, false, OUTCOME.failed, 'the range begins behind the end of the value'],
  ORIGIN_REFUSED: [403, false, OUTCOME.failed, 'pages of this origin may not use this server'],
  TLS_REQUIRED: [400, false, OUTCOME.failed, 'this port speaks TLS only'],
  PEER_REFUSED: [403, false, OUTCOME.failed, 'the sender is no member of this cluster'],
  LAYOUT_CHANGING: [409, true, OUTCOME.failed, 'the layout of the cluster is changing already'],
  LAYOUT_NOT_NEXT: [409, false, OUTCOME.failed, 'another layout was decided'],
}

const kinds: (ErrorKind | undefined)[] = []
for (const [name, row] of Object.entries(ROWS) as [ErrorName, Row][]) {
  const [httpStatus, retryable, outcome, message] = row
  kinds[ERROR[name]] = { name, number: ERROR[name], httpStatus, retryable, outcome, message }
}

/** All codes, by number. */
export const ERROR_KINDS: readonly ErrorKind[] = kinds.filter((kind) => kind !== undefined)

/** The row of an error number; a number this version does not know reads as INTERNAL. */
export function errorKind(number: number): ErrorKind {
  return kinds[number] ?? kinds[ERROR.INTERNAL]!
}

export function isErrorName(name: string): name is ErrorName {
  return Object.hasOwn(ROWS, name)
}

/** An error that is to be told to the other side. `code` is its name in the table. */
export class ProtocolError extends Error {
  override readonly name = 'ProtocolError'
  readonly code: ErrorName
  readonly kind: ErrorKind

  constructor(code: ErrorName, message?: string, options?: ErrorOptions) {
    super(message ?? errorKind(ERROR[code]).message, options)
    this.code = code
    this.kind = errorKind(ERROR[code])
  }

  get httpStatus(): number {
    return this.kind.httpStatus
  }

  get retryable(): boolean {
    return this.kind.retryable
  }
}
