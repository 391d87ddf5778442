/**
 * What the flood of writers puts where: value = f(key, operation), so that what is found says which operation
 * it is of. Shared by the process that writes and the one that checks.
 */

export const WRITERS = 8
const KEYS_A_WRITER = 40
/** Operations of one writer that are on their way together; fewer than its keys, so no two share a key. */
export const PIPELINE = 16
const DELETE_EVERY = 7

export interface FloodSettings {
  directory: string
  durability: 'memory' | 'os' | 'fsync'
  /** The next operation of each writer. */
  next: number[]
  /** The planted fault: every sync is only acknowledged. */
  isLying: boolean
}

export function keyOf(writer: number, operation: number): string {
  return `writer ${writer} key ${operation % KEYS_A_WRITER}`
}

export function isDelete(operation: number): boolean {
  return operation % DELETE_EVERY === 0
}

export function valueOfOperation(writer: number, operation: number): string {
  return `${keyOf(writer, operation)} operation ${operation} ${'x'.repeat((operation * 37) % 600)}`
}

/** Two keys that a writer only ever sets in one batch, to the same operation. */
export function pairOf(writer: number): readonly [string, string] {
  return [`writer ${writer} left`, `writer ${writer} right`]
}

export function pairValue(operation: number): string {
  return `operation ${operation}`
}

/** What one key may hold: the last acknowledged operation, or any sent after it. */
interface Key {
  acknowledged: number
  sent: number
}

export class FloodBook {
  readonly #keys: Key[][] = Array.from({ length: WRITERS }, () =>
    Array.from({ length: KEYS_A_WRITER }, () => ({ acknowledged: 0, sent: 0 })),
  )
  /** The batch acknowledged last, of each writer. */
  readonly #pairs: number[] = new Array(WRITERS).fill(0)
  readonly next: number[] = new Array(WRITERS).fill(1)
  acknowledged = 0

  sent(writer: number, operation: number): void {
    this.#of(writer, operation).sent = operation
    this.next[writer] = Math.max(this.next[writer]!, operation + 1)
  }

  answered(writer: number, operation: number): void {
    this.#of(writer, operation).acknowledged = operation
    this.acknowledged += 1
  }

  batched(writer: number, operation: number): void {
    this.#pairs[writer] = operation
    this.acknowledged += 1
  }

  /** Reads every key back. `lost`: keys behind their last acknowledged operation; `invented`: never sent. */
  async check(get: (key: string) => Promise<Uint8Array | undefined>) {
    const lost: string[] = []
    const invented: string[] = []
    for (const [writer, keys] of this.#keys.entries()) {
      for (const [index, key] of keys.entries()) {
        const name = keyOf(writer, index)
        const held = await get(name)
        const text = held === undefined ? null : Buffer.from(held).toString()
        const found =
          text === null ? lastDelete(key, index) : Number(/ operation (\d+) /.exec(text)?.[1] ?? -1)
        if (text !== null && (text !== valueOfOperation(writer, found) || found > key.sent)) {
          invented.push(`${name} holds ${text.slice(0, 60)}`)
        }
        if (found < key.acknowledged) lost.push(`${name} is at ${found}, acknowledged ${key.acknowledged}`)
        key.acknowledged = key.sent = found
      }
    }
    for (const [writer, acknowledged] of this.#pairs.entries()) {
      const both = await Promise.all(pairOf(writer).map(get))
      const [left, right] = both.map((held) => {
        const text = held === undefined ? '' : Buffer.from(held).toString()
        return Number(/^operation (\d+)$/.exec(text)?.[1] ?? 0)
      })
      if (left !== right) lost.push(`writer ${writer} has half a batch: ${left} and ${right}`)
      if (left! < acknowledged)
        lost.push(`writer ${writer}: batch ${acknowledged}, acknowledged, is at ${left}`)
      if (left! >= this.next[writer]!) invented.push(`writer ${writer} has batch ${left}, never sent`)
      this.#pairs[writer] = left!
    }
    return { lost, invented }
  }

  #of(writer: number, operation: number): Key {
    return this.#keys[writer]![operation % KEYS_A_WRITER]!
  }
}

/** The newest delete that may explain an absent key; 0: that it was never written. */
function lastDelete({ sent, acknowledged }: Key, index: number): number {
  for (let operation = sent; operation >= Math.max(1, acknowledged); operation--) {
    if (isDelete(operation) && operation % KEYS_A_WRITER === index) return operation
  }
  return 0
}
