/** Reading flags, checked: a wrong one is a usage error that names it. */
import { parseArgs } from 'node:util'
import { BenchmarkError } from './benchmark-error.ts'

export const TEXT = { type: 'string' } as const
export const FLAG = { type: 'boolean' } as const

type Options = Record<string, typeof TEXT | typeof FLAG>

type Values<Known extends Options> = {
  [Name in keyof Known]?: Known[Name] extends typeof TEXT ? string : boolean
}

export function parseFlags<const Known extends Options>(
  words: readonly string[],
  options: Known,
): Values<Known> {
  try {
    const args = words.filter((word) => word !== '--')
    return parseArgs({ args, options }).values as Values<Known>
  } catch (error) {
    const message = `${(error as Error).message.split('. ')[0]} (see --help)`
    throw new BenchmarkError('BENCH_USAGE', message, { cause: error })
  }
}

/** Whole unless `min` is below 1. */
export function number(name: string, text: string | undefined, min = 1): number | undefined {
  if (text === undefined) return undefined
  const value = Number(text)
  const whole = min < 1 || Number.isInteger(value)
  if (text === '' || !Number.isFinite(value) || value < min || !whole) {
    throw new BenchmarkError('BENCH_USAGE', `--${name} ${text}: a number of at least ${min} is needed`)
  }
  return value
}

export function numbers(name: string, text: string | undefined): number[] | undefined {
  return text?.split(',').map((part) => number(name, part)!)
}

export function choice<T extends string>(
  name: string,
  text: string | undefined,
  known: readonly T[],
): T | undefined {
  if (text === undefined || known.includes(text as T)) return text as T | undefined
  throw new BenchmarkError('BENCH_USAGE', `--${name} ${text}: the choices are ${known.join(', ')}`)
}
