/**
 * Operations whose answer the store still owes, in columns: the store is given the row as its token, and the
 * row knows the caller's token and what the answer will say. Rows are reused; the columns double when all are
 * taken.
 */
import type { Version } from '@minivault/clock'

const NONE = -1
const WANTS_STREAM = 2

export class Pending {
  #tokens = new Int32Array(1024)
  #words = new Int32Array(1024 * 7)
  #free = freeList(0, 1024)
  #freeHead = 0

  /**
   * Takes a row for this token, remembering the version the answer will carry and the request it belongs to.
   */
  take(token: number, version: Version, request: Version, exists: boolean): number {
    const row = this.takeRow()
    this.#tokens[row] = token
    this.setVersion(row, version)
    const base = row * 7
    this.#words[base + 3] = request.high
    this.#words[base + 4] = request.middle
    this.#words[base + 5] = request.low
    this.#words[base + 6] = exists ? 1 : 0
    return row
  }

  /** A row of which nothing is remembered here. */
  takeRow(): number {
    if (this.#freeHead === NONE) this.#grow()
    const row = this.#freeHead
    this.#freeHead = this.#free[row]!
    return row
  }

  /** The row is a read that takes a large value as a stream. */
  wantStream(row: number): void {
    this.#words[row * 7 + 6] = WANTS_STREAM
  }

  wantsStream(row: number): boolean {
    return this.#words[row * 7 + 6] === WANTS_STREAM
  }

  token(row: number): number {
    return this.#tokens[row]!
  }

  setVersion(row: number, version: Version): void {
    const base = row * 7
    this.#words[base] = version.high
    this.#words[base + 1] = version.middle
    this.#words[base + 2] = version.low
  }

  version(row: number, into: Version): Version {
    return into.set(this.#words[row * 7]!, this.#words[row * 7 + 1]!, this.#words[row * 7 + 2]!)
  }

  request(row: number, into: Version): Version {
    return into.set(this.#words[row * 7 + 3]!, this.#words[row * 7 + 4]!, this.#words[row * 7 + 5]!)
  }

  exists(row: number): boolean {
    return this.#words[row * 7 + 6] === 1
  }

  give(row: number): void {
    this.#free[row] = this.#freeHead
    this.#freeHead = row
  }

  #grow(): void {
    const size = this.#tokens.length
    this.#tokens = grown(this.#tokens)
    this.#words = grown(this.#words)
    const free = grown(this.#free)
    free.set(freeList(size, size), size)
    this.#free = free
    this.#freeHead = size
  }
}

function grown(column: Int32Array<ArrayBuffer>): Int32Array<ArrayBuffer> {
  const larger = new Int32Array(column.length * 2)
  larger.set(column)
  return larger
}

/** Rows [first, first + length), each naming the next free one. */
function freeList(first: number, length: number): Int32Array<ArrayBuffer> {
  const list = new Int32Array(length)
  for (let index = 0; index < length; index++) list[index] = index + 1 < length ? first + index + 1 : NONE
  return list
}
