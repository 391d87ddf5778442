/** What the measured process tells: CPU in µs, histories for each second of CPU. */
import type { Operation } from './operations.ts'

export interface OperationRound {
  /** Of one operation, in all three members. */
  readonly all: number
  /** Of that the coordinator's, which is one of the three replicas, too. */
  readonly coordinator: number
}

export interface CoreFigures {
  readonly operations: Partial<Record<Operation, OperationRound[]>>
  readonly histories: number[]
}
