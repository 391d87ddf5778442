/**
 * One thing that is not as it should be. Findings of one rule in one file (and, for functions, under one
 * name) are what an exception refers to: sizes by their measured number, everything else by how often it
 * occurs.
 */
export interface Finding {
  readonly rule: Rule
  /** Path from the root of the repository, with forward slashes. */
  readonly path: string
  /** Line, from 1; 0 when the whole file is meant. */
  readonly line: number
  readonly message: string
  /** Measured size for a size rule, else 1. */
  readonly amount: number
  /** The function's name for `function-length`, else ''. */
  readonly name: string
}

export const RULES = [
  'layer',
  'door',
  'dependency',
  'edge',
  'banned-call',
  'file-length',
  'function-length',
  'line-length',
  'name',
  'index-file',
  'opening-comment',
  'dead-file',
] as const

export type Rule = (typeof RULES)[number]

/** Rules whose amount is a size: several findings count as the largest one, not as their sum. */
export const SIZE_RULES: readonly Rule[] = ['file-length', 'function-length', 'line-length']

export function finding(
  rule: Rule,
  path: string,
  line: number,
  message: string,
  amount = 1,
  name = '',
): Finding {
  return { rule, path, line, message, amount, name }
}
