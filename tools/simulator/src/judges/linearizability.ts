/**
 * Judge S where there is no witness: is there any order of the operations, whatever their versions say, that
 * agrees with real time and in which every answer is right? The search of Wing, Gong and Lowe: take an
 * operation that nothing had ended before, go on, and remember where one has been. What is in doubt and was
 * never seen is left out; what was seen has to stand before whoever saw it first.
 */
import type { Operation } from '../world/operation.ts'
import { isWitness, type KeyHistory } from './key-history.ts'
import type { Seen } from './version-order.ts'

const STEPS_MAX = 200_000

export type Linearizability = 'yes' | 'no' | 'undecided'

/** An operation in the search: versions are replaced by who wrote them. */
interface Step {
  readonly operation: Operation
  readonly callMs: number
  readonly returnMs: number
  /** Of what it shows, or made: the number of the operation that wrote it; 0 is nobody. */
  readonly shows: number
  readonly value: number | null
  /** It may be left out: a delete in doubt, of which nobody is told that it was this one. */
  readonly isOptional: boolean
  /** Of a compare: who wrote what it expects; `NEVER_THERE` where that version never took effect. */
  readonly expects: number
}

/** Of nothing, and of what nobody is known for. */
const NOBODY = 0
/** A read of one replica shows versions, too, whose writer took effect under another one. */
const NEVER_THERE = -1

interface State {
  readonly writer: number
  readonly value: number | null
}

export function judgeLinearizability(history: KeyHistory, seen: readonly Seen[]): Linearizability {
  return new Search(stepsOf(history, seen)).run()
}

function stepsOf(history: KeyHistory, seen: readonly Seen[]): Step[] {
  const firstSeen = new Map<Operation, Seen>()
  for (const one of seen) if (!firstSeen.has(one.written.operation)) firstSeen.set(one.written.operation, one)
  const versions = new Set(seen.map(({ written }) => written.version.toString()))
  const steps: Step[] = []
  for (const operation of history.operations) {
    const { callMs, expected } = operation.start
    const writerOf = (version: Operation['version']) =>
      history.writtenOf(version)?.operation.start.id ?? NOBODY
    const wasThere = expected === null || versions.has(expected.toString())
    const expects = expected === null ? NOBODY : wasThere ? writerOf(expected) : NEVER_THERE
    if (isWitness(operation)) {
      const { returnMs, value, version } = operation
      const shows = writerOf(version)
      steps.push({ operation, callMs, returnMs, shows, value, expects, isOptional: false })
      continue
    }
    const own = operation.isRead ? undefined : firstSeen.get(operation)
    const isOptional = own === undefined && history.hidesAbsences === true && mayBeHidden(operation)
    if (own === undefined && !isOptional) continue
    const returnMs = own?.firstMs ?? Number.POSITIVE_INFINITY
    const value = own?.written.value ?? null
    steps.push({ operation, callMs, returnMs, shows: operation.start.id, value, expects, isOptional })
  }
  return steps.sort((a, b) => a.callMs - b.callMs || a.operation.start.id - b.operation.start.id)
}

/** A delete that may have taken effect, though no version of it was ever told. */
export function mayBeHidden({ ending, start }: Operation): boolean {
  return ending === 'doubt' && (start.kind === 'delete' || start.kind === 'deleteIf')
}

class Search {
  readonly #steps: readonly Step[]
  readonly #isDone: Uint8Array
  readonly #visited = new Set<string>()
  /** By writer: how many still have to see what it wrote. */
  readonly #lookers = new Map<number, number>()
  #count = 0

  constructor(steps: readonly Step[]) {
    this.#steps = steps
    this.#isDone = new Uint8Array(steps.length)
    for (const step of steps) this.#look(step, 1)
  }

  run(): Linearizability {
    const wanted = this.#steps.filter(({ isOptional }) => !isOptional).length
    const found = this.#from({ writer: NOBODY, value: null }, wanted)
    if (this.#count > STEPS_MAX) return 'undecided'
    return found ? 'yes' : 'no'
  }

  #from(state: State, left: number): boolean {
    if (left === 0) return true
    this.#count += 1
    if (this.#count > STEPS_MAX) return false
    const place = `${state.writer}:${this.#isDone.join('')}`
    if (this.#visited.has(place)) return false
    this.#visited.add(place)
    const firstReturnMs = this.#firstReturnMs()
    for (const [index, step] of this.#steps.entries()) {
      if (this.#isDone[index] === 1) continue
      if (step.callMs > firstReturnMs) break
      const next = after(state, step)
      if (next === null) continue
      // Nobody writes twice: what is overwritten can be seen no more.
      if (next !== state && state.writer !== NOBODY && this.#lookers.get(state.writer)! > 0) continue
      this.#isDone[index] = 1
      this.#look(step, -1)
      if (this.#from(next, step.isOptional ? left : left - 1)) return true
      this.#look(step, 1)
      this.#isDone[index] = 0
      // What changes nothing may as well come now: no order without it here is better.
      if (next === state && !step.isOptional) return false
    }
    return false
  }

  #look({ operation, shows }: Step, count: number): void {
    if (!operation.isRead && operation.ending !== 'no') return
    this.#lookers.set(shows, (this.#lookers.get(shows) ?? 0) + count)
  }

  #firstReturnMs(): number {
    let first = Number.POSITIVE_INFINITY
    for (const [index, { returnMs }] of this.#steps.entries()) {
      if (this.#isDone[index] === 0 && returnMs < first) first = returnMs
    }
    return first
  }
}

/** Null: it cannot have been answered so here. */
function after(state: State, { operation, shows, value, expects }: Step): State | null {
  const { kind, id } = operation.start
  // A tombstone that nobody's operation is known for and nothing at all look the same.
  const isShown = value === state.value && (shows === state.writer || (shows === 0 && value === null))
  if (operation.isRead) return isShown ? state : null
  const isMet = isConditionMet(operation, state, expects)
  if (operation.ending === 'no') return !isMet && isShown ? state : null
  if (!isMet) return null
  if (kind === 'increment') {
    const sum = (state.value ?? 0) + 1
    return sum === value ? { writer: id, value: sum } : null
  }
  const isGone = kind === 'delete' || kind === 'deleteIf'
  return { writer: id, value: isGone ? null : operation.written }
}

function isConditionMet({ start }: Operation, state: State, expects: number): boolean {
  if (start.kind === 'create') return state.value === null
  if (start.kind === 'deleteIf' && start.expected === null) return state.value !== null
  if (start.expected === null) return true
  return state.value !== null && state.writer === expects
}
