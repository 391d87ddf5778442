/**
 * What a store may hold after a fault: the state after some *prefix* of the operations that were asked for,
 * and that prefix reaches at least to the last one acknowledged at a level that survives the fault. The log
 * is one sequence, so a later operation never survives an earlier one, and a batch is one operation: half of
 * it is no prefix.
 */

export interface Cell {
  value: string
  /** 0: never. */
  expiresAtMs: number
  /** As the store told it; empty where it was not told. */
  version: string
}

export type Change = readonly [key: string, cell: Cell | undefined]

export interface Asked {
  readonly changes: readonly Change[]
  /** The level at which it was acknowledged: 0 memory, 1 os, 2 fsync; -1: not yet. */
  acknowledged: number
}

export class History {
  /** What there is if all that was asked for took place. */
  readonly cells = new Map<string, Cell>()
  /** Every key that was ever asked for: one that comes back from the dead is looked for by its name. */
  readonly names = new Set<string>()
  #base = new Map<string, Cell>()
  #asked: Asked[] = []

  ask(...changes: Change[]): Asked {
    const asked = { changes, acknowledged: -1 }
    this.#asked.push(asked)
    for (const [key] of changes) this.names.add(key)
    apply(this.cells, changes)
    return asked
  }

  /** All of it is durable. */
  settle(): void {
    this.#base = new Map(this.cells)
    this.#asked = []
  }

  live(key: string, nowMs: number): Cell | undefined {
    const cell = this.cells.get(key)
    return cell && isLive(cell, nowMs) ? cell : undefined
  }

  /**
   * After a fault that acknowledgements at `level` survive: takes what the store holds for the truth from now
   * on, durable. Returns what is wrong with it, or null.
   */
  recover(held: ReadonlyMap<string, Cell>, level: number, nowMs: number): string | null {
    const from = this.#asked.findLastIndex(({ acknowledged }) => acknowledged >= level) + 1
    const state = new Map(this.#base)
    for (const { changes } of this.#asked.slice(0, from)) apply(state, changes)
    let problem = difference(state, held, nowMs)
    const first = problem
    for (const { changes } of this.#asked.slice(from)) {
      if (problem === null) break
      apply(state, changes)
      problem = difference(state, held, nowMs)
    }
    this.cells.clear()
    for (const [key, cell] of held) this.cells.set(key, cell)
    this.settle()
    return problem === null ? null : first
  }
}

function apply(state: Map<string, Cell>, changes: readonly Change[]): void {
  for (const [key, cell] of changes) {
    if (cell === undefined) state.delete(key)
    else state.set(key, cell)
  }
}

export function isLive({ expiresAtMs }: Cell, nowMs: number): boolean {
  return expiresAtMs === 0 || nowMs < expiresAtMs
}

/** In words, or null when a reader sees no difference. */
export function difference(
  wanted: ReadonlyMap<string, Cell>,
  held: ReadonlyMap<string, Cell>,
  nowMs: number,
): string | null {
  for (const [key, cell] of wanted) {
    if (!isLive(cell, nowMs)) continue
    const found = held.get(key)
    if (found === undefined) return `${key} is missing`
    if (found.value !== cell.value) return `${key} holds another value`
    if (found.expiresAtMs !== cell.expiresAtMs) return `${key} expires at another time`
    if (cell.version !== '' && found.version !== cell.version) return `${key} has another version`
  }
  for (const key of held.keys()) {
    const cell = wanted.get(key)
    if (cell === undefined || !isLive(cell, nowMs)) return `${key} is there, and must not be`
  }
  return null
}
