/**
 * From a command line and an environment to one checked text for each flag. The command line wins over the
 * environment, the environment over the default. Everything that is wrong is a `UsageError` of one line that
 * names the flag or variable and the way out. The parser of yargs splits the words, without the rest of
 * yargs, which a start would wait for and which nobody sees; `-port` is rewritten to `--port` before, since
 * it would read five letters.
 */
import { Parser } from 'yargs/helpers'
import { environmentName, type Flag, type Flags } from './flag.ts'
import { UsageError } from './usage-error.ts'

export interface Texts<Name extends string> {
  /** What was given, or the default; empty: neither. */
  text(name: Name): string
  isOnCommandLine(name: Name): boolean
}

export interface TextsOptions<Name extends string> {
  /** What help is asked of. */
  readonly program: string
  readonly flags: Flags<Name>
  /** The command line without program and script. */
  readonly words: readonly string[]
  readonly environment: Readonly<Record<string, string | undefined>>
}

/** Throws UsageError. */
export function readTexts<Name extends string>(options: TextsOptions<Name>): Texts<Name> {
  const { flags, environment } = options
  const given = parseWords(options)
  const texts = new Map<string, string>()
  for (const [name, flag] of Object.entries<Flag>(flags)) {
    const variable = environmentName(name)
    const text = given.get(name) ?? environment[variable]
    if (text === undefined || (text === '' && !given.has(name))) continue
    check(flag, name, text, given.has(name) ? `-${name}` : variable)
    texts.set(name, text)
  }
  return {
    text: (name) => texts.get(name) ?? `${flags[name].fallback ?? ''}`,
    isOnCommandLine: (name) => given.has(name),
  }
}

/** Flags as given, each once, each with its value. */
function parseWords({ program, flags, words }: TextsOptions<string>): Map<string, string> {
  const given = new Map<string, string>()
  const spelled = words.map(withTwoDashes)
  checkNames(spelled, flags, program)
  const parsed = Parser(spelled, {
    string: Object.keys(flags),
    array: Object.keys(flags),
    configuration: { 'camel-case-expansion': false, 'boolean-negation': false, 'dot-notation': false },
  }) as Record<string, unknown>
  const stray = (parsed['_'] as unknown[])[0]
  if (stray !== undefined) throw new UsageError(`${stray} is not a flag: see ${program} --help`)
  for (const [name, value] of Object.entries(parsed)) {
    if (name === '_') continue
    const values = value as string[] | undefined
    if (values === undefined) continue
    if (values.length === 0) throw new UsageError(`-${name} needs a value: ${flags[name]!.help}`)
    if (values.length > 1)
      throw new UsageError(`-${name} is given one value, not ${values.length} (${values.join(' ')})`)
    given.set(name, values[0]!)
  }
  return given
}

/**
 * `-port` and `-port=1` → `--port …`, for names of the table and unknown ones alike: nothing here has one
 * letter.
 */
function withTwoDashes(word: string): string {
  return /^-[a-z][a-z-]+(=|$)/i.test(word) ? `-${word}` : word
}

/** Before yargs sees them: it stumbles over names such as `constructor`, and forgets a second `-data`. */
function checkNames(words: readonly string[], flags: Flags, program: string): void {
  const seen = new Set<string>()
  for (const word of words) {
    const name = /^--([^=]+)/.exec(word)?.[1]
    if (name === undefined) continue
    if (!Object.hasOwn(flags, name)) {
      throw new UsageError(`-${name} is not a flag${nearest(name, flags)}: see ${program} --help`)
    }
    if (seen.has(name)) throw new UsageError(`-${name} is given twice: leave one out`)
    seen.add(name)
  }
}

function nearest(name: string, flags: Flags): string {
  const close = Object.keys(flags).find(
    (flag) => flag.startsWith(name) || name.startsWith(flag) || sameLetters(flag, name),
  )
  return close ? ` (did you mean -${close}?)` : ''
}

function sameLetters(a: string, b: string): boolean {
  const sorted = (text: string) => [...text.replaceAll('-', '')].sort().join('')
  return sorted(a) === sorted(b)
}

function notYet(what: string): UsageError {
  return new UsageError(`${what}: not in this version`)
}

function check(flag: Flag, name: string, text: string, shown: string): void {
  if (flag.later === '*') throw notYet(shown)
  if (flag.later?.includes(text)) throw notYet(`${shown} ${text}`)
  if (text === '' && name !== 'auth') throw new UsageError(`${shown} needs a value: ${flag.help}`)
  if (flag.kind === 'integer') {
    const number = Number(text)
    if (!/^\d+$/.test(text) || number < flag.min! || number > flag.max!) {
      throw new UsageError(`${shown} takes a whole number from ${flag.min} to ${flag.max}, not "${text}"`)
    }
  }
  if (flag.kind === 'choice' && !flag.choices!.includes(text)) {
    throw new UsageError(`${shown} takes ${flag.choices!.join(', ')}, not "${text}"`)
  }
  if (flag.kind === 'list' && text.split(',').some((part) => !flag.choices!.includes(part))) {
    throw new UsageError(
      `${shown} takes a comma-separated list of ${flag.choices!.join(', ')}, not "${text}"`,
    )
  }
}
