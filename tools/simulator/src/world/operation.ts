/** What a client asked for and what came of it, as the judges see it. */
import type { Version } from '@minivault/clock'
import type { Change, Effect, HeldRecord, Level, Value } from '@minivault/cluster'
import { isEqual, ZERO } from '@minivault/cluster'
import type { Kind } from '../plan/plan.ts'

/** `doubt`: it may have taken effect, or may yet. `failed`: each of its attempts was answered so. */
export type Ending = 'doubt' | 'ok' | 'no' | 'failed'

export interface OperationStart {
  readonly id: number
  readonly key: number
  readonly kind: Kind
  readonly level: Level
  readonly client: number
  /** Who was asked first, where that matters. */
  readonly member?: number
  readonly callMs: number
  /** Of a compare; null where it is enough that there is anything. */
  readonly expected: Version | null
  /** A read after the last fault. */
  readonly isFinal: boolean
  /** Wall time from which on what it wrote is gone; 0: never. */
  readonly expiresAtMs: number
}

export class Operation {
  readonly start: OperationStart
  ending: Ending = 'doubt'
  returnMs = Number.POSITIVE_INFINITY
  /** Of a read and of a `no`: what was there. Of a write: what it made. */
  version: Version = ZERO
  /** The same; of an increment its sum. Null: nothing, or a tombstone. */
  value: number | null = null
  /** The newest attempt, and how many were answered `failed`. */
  attempt = 0
  failedCount = 0
  rounds = 0

  constructor(start: OperationStart) {
    this.start = start
  }

  get isRead(): boolean {
    return this.start.kind === 'get'
  }

  get isConditional(): boolean {
    const { kind } = this.start
    return kind !== 'get' && kind !== 'put' && kind !== 'delete'
  }

  /** What it writes, of those that write something of their own. No two operations write the same. */
  get written(): number {
    return this.start.id * 1000
  }
}

/** What is stored: so that whoever reads it can be asked where it got it from. */
export interface StoredValue extends Value {
  readonly number: number
}

/** A version that was made: chosen or not. */
export interface Written {
  readonly version: Version
  readonly operation: Operation
  readonly value: number | null
  /** Of a conditional write: the version it was decided on, where that is known. */
  readonly predecessor: Version | null
}

export type NoteWritten = (written: Written, current: HeldRecord) => void

/** The operation as a change; called for every try, it notes what would be written on top of what. */
export class OperationChange implements Change {
  readonly isConditional: boolean
  readonly #operation: Operation
  readonly #note: NoteWritten

  constructor(operation: Operation, note: NoteWritten) {
    this.isConditional = operation.isConditional
    this.#operation = operation
    this.#note = note
  }

  apply(current: HeldRecord, ballot: Version): Effect | null {
    const number = newValue(this.#operation, numberOf(current), current.version)
    if (number === undefined) return null
    const predecessor = this.isConditional ? current.version : null
    this.#note({ version: ballot, operation: this.#operation, value: number, predecessor }, current)
    const value: StoredValue | null = number === null ? null : { bytes: 8, number }
    const sum = this.#operation.start.kind === 'increment' ? BigInt(number ?? 0) : null
    return { value, expiresAtMs: value === null ? 0 : this.#operation.start.expiresAtMs, sum }
  }
}

/** Undefined: its condition does not hold. */
export function newValue(
  operation: Operation,
  value: number | null,
  version: Version,
): number | null | undefined {
  const { kind, expected } = operation.start
  switch (kind) {
    case 'put':
      return operation.written
    case 'delete':
      return null
    case 'create':
      return value === null ? operation.written : undefined
    case 'increment':
      return (value ?? 0) + 1
    case 'cas':
    case 'deleteIf': {
      if (value === null || (expected !== null && !isEqual(version, expected))) return undefined
      return kind === 'cas' ? operation.written : null
    }
    default:
      throw new Error(`a ${kind} writes nothing`)
  }
}

export function numberOf({ value }: HeldRecord): number | null {
  return value === null || value === undefined ? null : (value as StoredValue).number
}
