/**
 * What was to be reached, and what was. `must` is the line that decides; `stretch` is what was hoped for,
 * where anything was.
 */
import type { Spread } from '../spread.ts'
import { ratio } from './quantities.ts'
import { type Column, markdownTable } from './table.ts'

export interface JudgedTarget {
  readonly what: string
  readonly must: string
  readonly stretch: string
  readonly reached: string
  readonly verdict: 'stretch' | 'must' | 'missed' | 'not measured'
  /** A figure to read it with: the floor in the same rounds, or another generator's. */
  readonly beside: string
}

/** A ratio is to be at most (or at least) this. */
export interface RatioLines {
  readonly must: number
  readonly stretch?: number | undefined
  readonly sign?: '≤' | '≥'
}

/** `reached`: null or undefined where nothing was measured. */
export function judgeRatio(
  what: string,
  { must, stretch, sign = '≤' }: RatioLines,
  reached: Spread | null | undefined,
  beside: Spread | null | undefined,
): JudgedTarget {
  const meets = (line: number | undefined) => {
    if (!reached || line === undefined) return undefined
    return sign === '≥' ? reached.median >= line : reached.median <= line
  }
  return {
    what,
    must: `${sign} ${must}×`,
    stretch: stretch === undefined ? '' : `${sign} ${stretch}×`,
    reached: reached ? ratio(reached) : '',
    verdict: verdict(meets(must), meets(stretch)),
    beside: beside ? beside.median.toFixed(2) : '',
  }
}

export function verdict(
  meetsMust: boolean | null | undefined,
  meetsStretch?: boolean | null,
): JudgedTarget['verdict'] {
  if (meetsMust === undefined || meetsMust === null) return 'not measured'
  if (meetsStretch) return 'stretch'
  return meetsMust ? 'must' : 'missed'
}

/**
 * Targets that were not measured are in it only where everything was to be. A column that is empty in every
 * row is left out.
 */
export function targetTable(
  judged: readonly JudgedTarget[],
  isComplete: boolean,
  titles: { readonly what: string; readonly beside: string },
): string {
  const rows = judged.filter((one) => isComplete || one.verdict !== 'not measured')
  if (rows.length === 0) return ''
  const columns: readonly Column<JudgedTarget>[] = [
    { title: titles.what, width: 60, cell: ({ what }) => what },
    { title: 'must', width: 9, cell: ({ must }) => must },
    { title: 'stretch', width: 7, cell: ({ stretch }) => stretch },
    { title: 'reached (range)', width: 17, cell: ({ reached }) => reached },
    { title: 'verdict', width: 12, cell: ({ verdict: word }) => (word === 'missed' ? '**missed**' : word) },
    { title: titles.beside, width: 17, cell: ({ beside }) => beside },
  ]
  const shown = columns.filter(({ cell }) => rows.some((row) => cell(row) !== ''))
  return markdownTable(shown, rows, 1)
}
