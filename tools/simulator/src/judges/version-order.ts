/**
 * Judge V: the versions that anybody saw, in their order, are one history in which every answer is right. One
 * pass: each operation with an effect has one, called before it was first seen; each conditional write stands
 * immediately behind the version it was decided on; each read and each `no` shows what stands there; and the
 * order agrees with real time. Such a pass is a witness of strict linearizability (judge S).
 */
import { isBelow, isEqual, LEVEL, type Version, ZERO } from '@minivault/cluster'
import { SKEW_MAX_MS } from '../plan/plan.ts'
import { WALL_MS } from '../world/member.ts'
import { newValue, type Operation, type Written } from '../world/operation.ts'
import { Gaps } from './gaps.ts'
import { isHiddenAbsence, isWitness, type KeyHistory, nameOf } from './key-history.ts'

/** A version that took effect, for it was seen. */
export interface Seen {
  readonly written: Written
  /** When it was, first. */
  firstMs: number
}

export interface VersionOrder {
  /** Empty: it is a witness. */
  readonly why: string
  /** In the order of versions. */
  readonly seen: readonly Seen[]
}

export function judgeVersionOrder(history: KeyHistory): VersionOrder {
  const versions = new Map<string, Seen>()
  const unknown = see(history, versions)
  const seen = [...versions.values()].sort((a, b) => (isBelow(a.written.version, b.written.version) ? -1 : 1))
  return { why: unknown ?? oneEffectEach(history, seen) ?? new Walk(history).along(seen) ?? '', seen }
}

/** Gathers what answers show, and what conditional writes among it were decided on. */
function see(history: KeyHistory, versions: Map<string, Seen>): string | null {
  const add = (version: Version, atMs: number): string | null => {
    if (version.isZero()) return null
    const text = version.toString()
    const before = versions.get(text)
    if (before !== undefined && before.firstMs <= atMs) return null
    const written = before?.written ?? history.writtenOf(version)
    if (written === undefined) return `${text} was seen and never written`
    if (before === undefined) versions.set(text, { written, firstMs: atMs })
    else before.firstMs = atMs
    return written.predecessor === null ? null : add(written.predecessor, atMs)
  }
  for (const operation of history.operations) {
    const why = isWitness(operation) ? add(operation.version, operation.returnMs) : null
    if (why !== null) return `${nameOf(operation)}: ${why}`
  }
  return null
}

function oneEffectEach(history: KeyHistory, seen: readonly Seen[]): string | null {
  const owners = new Map<Operation, Seen>()
  for (const one of seen) {
    const { operation, version } = one.written
    const name = nameOf(operation)
    if (owners.has(operation)) return `${name} took effect twice, at ${version} again`
    if (operation.ending === 'no' || operation.ending === 'failed') {
      return `${name} was answered "${operation.ending}" and took effect as ${version}`
    }
    if (operation.start.callMs > one.firstMs) return `${name} was seen before it was called`
    owners.set(operation, one)
  }
  for (const operation of history.operations) {
    if (operation.isRead || operation.ending !== 'ok' || operation.start.level !== LEVEL.quorum) continue
    const own = owners.get(operation)
    if (own === undefined || !isEqual(own.written.version, operation.version)) {
      return `${nameOf(operation)} was acknowledged with the version of another`
    }
  }
  return null
}

class Walk {
  /** Reads and refusals, by the version that they show. */
  readonly #looks = new Map<string, Operation[]>()
  /** Those that found nothing, and were not told more. */
  readonly #absences: Operation[] = []
  readonly #gaps: Gaps | null
  /** Of all so far: nothing that follows may have returned before. */
  #lastCallMs = Number.NEGATIVE_INFINITY
  #version: Version = ZERO
  #value: number | null = null
  #expiresAtMs = 0

  constructor(history: KeyHistory) {
    this.#gaps = history.hidesAbsences === true ? new Gaps() : null
    for (const operation of history.operations) {
      if (!isWitness(operation) || !(operation.isRead || operation.ending === 'no')) continue
      if (isHiddenAbsence(history, operation)) {
        this.#absences.push(operation)
        continue
      }
      const text = operation.version.toString()
      const others = this.#looks.get(text)
      if (others === undefined) this.#looks.set(text, [operation])
      else others.push(operation)
    }
  }

  along(seen: readonly Seen[]): string | null {
    const why = this.#look()
    if (why !== null) return why
    for (const { written } of seen) {
      const wrong = this.#step(written) ?? this.#look()
      if (wrong !== null) return wrong
    }
    const misfit = this.#gaps?.misfit(this.#absences) ?? null
    return misfit === null ? null : `${nameOf(misfit)} found nothing, and there was something all the time`
  }

  #step({ operation, version, value, predecessor }: Written): string | null {
    const name = nameOf(operation)
    const isWitnessed = isWitness(operation)
    const late = this.#passes(operation, isWitnessed ? operation.returnMs : Number.POSITIVE_INFINITY)
    if (late !== null) return late
    if (predecessor !== null && !isEqual(predecessor, this.#version)) {
      return `${name} was decided on ${predecessor}, but ${this.#version} came between`
    }
    if (operation.isConditional) {
      const isRight = this.#standing(operation).some(
        (standing) => newValue(operation, standing, this.#version) === value,
      )
      if (!isRight) return `${name} made ${value} of ${this.#value}`
    }
    if (operation.start.kind === 'increment' && isWitnessed && operation.value !== value) {
      return `${name} made ${value}, and was answered ${operation.value}`
    }
    this.#version = version
    this.#value = value
    this.#expiresAtMs = value === null ? 0 : operation.start.expiresAtMs
    return null
  }

  #look(): string | null {
    if (this.#value === null) this.#gaps?.open()
    for (const operation of this.#looks.get(this.#version.toString()) ?? []) {
      const late = this.#passes(operation, operation.returnMs)
      if (late !== null) return late
      if (!this.#standing(operation).includes(operation.value)) {
        return `${nameOf(operation)} shows ${operation.value} where ${this.#value} stands`
      }
      const isRefusal = operation.ending === 'no'
      if (isRefusal && newValue(operation, operation.value, this.#version) !== undefined) {
        return `${nameOf(operation)} was refused where its condition holds`
      }
    }
    return null
  }

  /** What may have stood there for it: what expires does so by the clock of whoever looks. */
  #standing({ start, returnMs }: Operation): (number | null)[] {
    if (this.#expiresAtMs === 0) return [this.#value]
    const leftMs = this.#expiresAtMs - WALL_MS
    const standing: (number | null)[] = []
    if (start.callMs - SKEW_MAX_MS <= leftMs) standing.push(this.#value)
    if (returnMs + SKEW_MAX_MS >= leftMs) standing.push(null)
    return standing
  }

  #passes(operation: Operation, returnMs: number): string | null {
    if (returnMs < this.#lastCallMs) {
      return `${nameOf(operation)} had ended at ${returnMs}, before what stands in front of it began`
    }
    this.#lastCallMs = Math.max(this.#lastCallMs, operation.start.callMs)
    this.#gaps?.passes(operation.start.callMs, returnMs)
    return null
  }
}
