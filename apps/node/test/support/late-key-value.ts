/** A port that begins operations later than they are submitted, but in their order. */
import { Version } from '@minivault/clock'
import type { KeyValue, Operation } from '../../src/key-value.ts'

export class LateKeyValue implements KeyValue {
  readonly isCluster = false
  readonly #inner: KeyValue
  readonly #queue: (() => void)[] = []
  #goesOn: boolean

  /** @param goesOn one operation a turn; else all when `go` is called */
  constructor(inner: KeyValue, goesOn: boolean) {
    this.#inner = inner
    this.#goesOn = goesOn
  }

  static readonly around = (inner: KeyValue): KeyValue => new LateKeyValue(inner, true)

  get waiting(): number {
    return this.#queue.length
  }

  submit(operation: Operation, token: number): void {
    const copy = Object.assign(Object.create(Object.getPrototypeOf(operation)), operation)
    copy.key = Buffer.from(operation.key.subarray(operation.keyStart, operation.keyEnd))
    copy.keyStart = 0
    copy.keyEnd = copy.key.length
    copy.value = Buffer.from(operation.value.subarray(operation.valueStart, operation.valueEnd))
    copy.valueStart = 0
    copy.valueEnd = copy.value.length
    copy.hash = Object.assign(Object.create(Object.getPrototypeOf(operation.hash)), operation.hash)
    copy.requestId = new Version().copy(operation.requestId)
    copy.expectedVersion = new Version().copy(operation.expectedVersion)
    this.#queue.push(() => this.#inner.submit(copy, token))
    if (this.#goesOn) setImmediate(() => this.#queue.shift()!())
  }

  go(): void {
    this.#goesOn = true
    for (const begin of this.#queue.splice(0)) begin()
  }

  foresee(): void {}
}
