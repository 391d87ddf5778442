/**
 * The ratchet: what is known not to be as it should be, in exceptions.json. An exception covers one rule in
 * one file (one function) up to a number. The number may only shrink: an exception that is not needed, or
 * that allows more than there is, is itself an error.
 */
import { existsSync, readFileSync } from 'node:fs'
import { type Finding, RULES, type Rule, SIZE_RULES } from './finding.ts'

export interface Exception {
  readonly rule: Rule
  readonly path: string
  /** The function's name for `function-length`. */
  readonly name?: string
  /** The size, or how many findings there are. */
  readonly amount: number
  readonly why: string
}

export function readExceptions(path: string): Exception[] {
  if (!existsSync(path)) return []
  return JSON.parse(readFileSync(path, 'utf8')) as Exception[]
}

/** Returns what is left to complain about, in words. */
export function applyExceptions(findings: readonly Finding[], exceptions: readonly Exception[]): string[] {
  const complaints: string[] = []
  const groups = new Map<string, Finding[]>()
  for (const found of findings) {
    const key = keyOf(found.rule, found.path, found.name)
    groups.set(key, [...(groups.get(key) ?? []), found])
  }
  for (const exception of exceptions) {
    const key = keyOf(exception.rule, exception.path, exception.name ?? '')
    const amount = amountOf(exception.rule, groups.get(key) ?? [])
    const where = exception.name ? `${exception.path} (${exception.name})` : exception.path
    const what = `exceptions.json: ${exception.rule} in ${where}`
    if (!RULES.includes(exception.rule)) complaints.push(`${what}: there is no such rule`)
    if (!exception.why) complaints.push(`${what}: says no why`)
    if (amount === 0) complaints.push(`${what} is not needed any more: remove it`)
    else if (amount < exception.amount)
      complaints.push(`${what} allows ${exception.amount}: lower it to ${amount}`)
    if (amount <= exception.amount) groups.delete(key)
  }
  for (const found of findings) {
    if (!groups.has(keyOf(found.rule, found.path, found.name))) continue
    complaints.push(
      `${found.path}${found.line === 0 ? '' : `:${found.line}`} ${found.message} [${found.rule}]`,
    )
  }
  return complaints
}

function amountOf(rule: Rule, findings: readonly Finding[]): number {
  if (SIZE_RULES.includes(rule)) return Math.max(0, ...findings.map((found) => found.amount))
  return findings.length
}

function keyOf(rule: string, path: string, name: string): string {
  return `${rule}\n${path}\n${name}`
}
