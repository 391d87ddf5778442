/**
 * The page that every benchmark writes its part of: docs/BENCHMARKS.md. A part stands between two markers
 * with the benchmark's name, `<!-- wire:begin -->` and `<!-- wire:end -->`; what stands outside of them is
 * written by people and never touched.
 */
import { readFileSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { BenchmarkError } from './benchmark-error.ts'
import { ROOT } from './machine.ts'

const PAGE = join(ROOT, 'docs', 'BENCHMARKS.md')

/** The folder of what runs have found: NDJSON and charts. */
export const RESULTS = join(ROOT, 'benchmarks', 'results')

export function writeBetweenMarkers(name: string, text: string): void {
  writeFileSync(PAGE, placeBetweenMarkers(readFileSync(PAGE, 'utf8'), name, text))
}

export function placeBetweenMarkers(page: string, name: string, text: string): string {
  const beginMarker = `<!-- ${name}:begin -->`
  const endMarker = `<!-- ${name}:end -->`
  const begin = page.indexOf(beginMarker)
  const end = page.indexOf(endMarker)
  if (begin < 0 || end < begin) {
    const message = `docs/BENCHMARKS.md has lost its markers ${beginMarker} and ${endMarker}`
    throw new BenchmarkError('BENCH_MISSING', message)
  }
  return `${page.slice(0, begin + beginMarker.length)}\n${text}\n${page.slice(end)}`
}

/** Lines that stay lines in Markdown. */
export function lines(text: string): string {
  return text.trimEnd().split('\n').join('  \n')
}

/** Parts with an empty line between them; empty ones are left out. */
export function pageOf(parts: readonly string[]): string {
  return parts
    .filter((part) => part !== '')
    .map((part) => part.trimEnd())
    .join('\n\n')
}
