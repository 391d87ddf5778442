/** The part of `--help` that a table of flags tells. */
import type { Flag, Flags } from './flag.ts'

const COLUMN = 22

/** One row a flag, with its default; those that this version does not have are left out. */
export function helpRows(flags: Flags): string {
  const rows: string[] = []
  for (const [name, flag] of Object.entries<Flag>(flags)) {
    if (flag.later === '*') continue
    const shown = flag.fallback === undefined ? `  -${name}` : `  -${name} ${flag.fallback}`
    const gap = shown.length < COLUMN ? ' '.repeat(COLUMN - shown.length) : `\n${' '.repeat(COLUMN)}`
    rows.push(`${shown}${gap}${flag.help}`)
  }
  return rows.join('\n')
}
