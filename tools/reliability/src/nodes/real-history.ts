/**
 * What clients of real members did and saw, for the judges of the simulator. Who wrote a version is known
 * from the answer of the write, or else by its value, for no two operations write the same. Counters carry
 * no such value: there the sum is the place in the order.
 */
import { LEVEL, Version } from '@minivault/cluster'
import {
  judgeKey,
  type KeyHistory,
  type Kind,
  Operation,
  type Violation,
  type Written,
} from '@minivault/simulator'

/** Values are the number of who wrote them, times this. */
const WRITTEN_STEP = 1000
/** One key in so many is a counter, and only that. */
const COUNTER_EVERY = 4

export function isCounter(key: number): boolean {
  return key % COUNTER_EVERY === COUNTER_EVERY - 1
}

/** The version that stands for a sum. */
export function versionOfSum(sum: number): Version {
  return sum === 0 ? new Version() : new Version(0, sum, 1)
}

export interface Begun {
  readonly key: number
  readonly kind: Kind
  readonly client: number
  /** Of a compare; null where it is enough that there is anything. */
  readonly expected?: Version | null
  /** A read after the last fault. */
  readonly isFinal?: boolean
}

export interface Judged {
  readonly operations: number
  readonly doubts: number
  readonly violations: readonly Violation[]
  readonly undecided: number
}

export class RealHistory {
  readonly operations: Operation[] = []

  begin({ key, kind, client, expected = null, isFinal = false }: Begun): Operation {
    const operation = new Operation({
      id: this.operations.length + 1,
      key,
      kind,
      level: LEVEL.quorum,
      client,
      callMs: performance.now(),
      expected,
      isFinal,
      expiresAtMs: 0,
    })
    this.operations.push(operation)
    return operation
  }

  judged(searchesAll: boolean): Judged {
    const violations: Violation[] = []
    let undecided = 0
    for (const key of new Set(this.operations.map(({ start }) => start.key))) {
      const operations = this.operations.filter(({ start }) => start.key === key)
      const verdict = judgeKey(keyHistory(key, operations), searchesAll)
      violations.push(...verdict.violations)
      undecided += verdict.undecided
    }
    const doubts = this.operations.filter(({ ending, isRead }) => ending === 'doubt' && !isRead).length
    return { operations: this.operations.length, doubts, violations, undecided }
  }
}

function keyHistory(key: number, operations: readonly Operation[]): KeyHistory {
  const written = new Map<string, Written>()
  const add = (operation: Operation, version: Version, value: number | null) => {
    // A sum says what it was made of, whoever made that.
    const predecessor = isCounter(key) ? versionOfSum(value! - 1) : operation.start.expected
    written.set(version.toString(), { version, operation, value, predecessor })
  }
  for (const operation of operations) {
    if (!operation.isRead && operation.ending === 'ok') add(operation, operation.version, operation.value)
  }
  if (isCounter(key)) addDoubtfulSums(operations, written, add)
  else addDoubtfulValues(operations, written, add)
  return {
    key,
    operations: operations.filter((operation) => isTold(operation, written)),
    writtenOf: (version) => written.get(version.toString()),
    hidesAbsences: true,
  }
}

type Add = (operation: Operation, version: Version, value: number | null) => void

/** What somebody read though nobody was told that it was written. */
function addDoubtfulValues(operations: readonly Operation[], written: Map<string, Written>, add: Add): void {
  const writers = new Map<number, Operation>()
  for (const one of operations) if (!one.isRead) writers.set(one.written, one)
  for (const { isRead, ending, version, value } of operations) {
    if (!isRead || ending !== 'ok' || value === null || written.has(version.toString())) continue
    const writer = value % WRITTEN_STEP === 0 ? writers.get(value) : undefined
    if (writer !== undefined) add(writer, version, value)
  }
}

/** Sums that nobody was told of, and that have to be there: each by the earliest that may have made it. */
function addDoubtfulSums(operations: readonly Operation[], written: Map<string, Written>, add: Add): void {
  const highest = Math.max(0, ...operations.map(({ value }) => value ?? 0))
  const doubtful = operations.filter(({ isRead, ending }) => !isRead && ending === 'doubt')
  for (let sum = 1; sum <= highest; sum++) {
    if (written.has(versionOfSum(sum).toString())) continue
    const maker = doubtful.shift()
    if (maker !== undefined) add(maker, versionOfSum(sum), sum)
  }
}

/**
 * A refusal tells a version and no value. Where nobody else has seen that version, and some write is in
 * doubt, nothing can be said about it.
 */
function isTold(operation: Operation, written: Map<string, Written>): boolean {
  if (operation.ending !== 'no' || operation.version.isZero()) return true
  const shown = written.get(operation.version.toString())
  if (shown === undefined) return false
  operation.value = shown.value
  return true
}
