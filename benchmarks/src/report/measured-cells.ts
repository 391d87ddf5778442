/** Cells of a table whose rows are measured cases: one contestant's figure, or one divided by another. */
import { type Measure, type Measured, ratioOf } from '../rounds/summary.ts'
import type { Spread } from '../spread.ts'
import { micros, milliseconds, ratio, thousands } from './quantities.ts'

type Cell<Name extends string> = (result: Measured<Name>) => string

export function cpu<Name extends string>(name: Name): Cell<Name> {
  return (result) => of(result, name, 'serverCpuMicrosPerOp', micros)
}

export function rate<Name extends string>(name: Name): Cell<Name> {
  return (result) => of(result, name, 'opsPerSecond', thousands)
}

/** p50 · p99, or what else is asked for. */
export function times<Name extends string>(
  name: Name,
  measures: readonly Measure[] = ['p50Micros', 'p99Micros'],
): Cell<Name> {
  return (result) => {
    const cells = measures.map((measure) => of(result, name, measure, milliseconds))
    return cells.filter((cell) => cell !== '').join(' · ')
  }
}

export function ratioTo<Name extends string>(measure: Measure, ours: Name, theirs: Name): Cell<Name> {
  return (result) => ratio(ratioOf(result, measure, ours, theirs))
}

function of<Name extends string>(
  result: Measured<Name>,
  name: Name,
  measure: Measure,
  show: (value: Spread) => string,
): string {
  const value = result.summaries[name]?.[measure]
  return value === undefined ? '' : show(value)
}
