/**
 * `pnpm bench storage`: @minivault/storage beside lmdb, classic-level, better-sqlite3 and a Map, row by row.
 * A row whose contestants did not end with the same content makes the run invalid.
 */
import { readFileSync } from 'node:fs'
import { join } from 'node:path'
import { machineFacts, ROOT } from '../machine.ts'
import type { RowResult } from './figures.ts'
import { invalid } from './measures.ts'
import { requireSqlite } from './native.ts'
import { markdownCosts, rowLine, runHeader, type StorageFacts, tableHeader } from './report.ts'
import { HELP, readStorageOptions } from './storage-options.ts'
import { writeResults } from './write-results.ts'

export async function runStorage(words: string[]): Promise<void> {
  const options = readStorageOptions(words)
  if (options === null) {
    process.stdout.write(HELP)
    return
  }
  await requireSqlite()
  const facts = storageFacts()
  process.stdout.write(runHeader(facts, options.sizes))
  process.stdout.write(tableHeader())
  const results: RowResult[] = []
  for (const row of options.rows) {
    for (const result of await row.run(options.sizes)) {
      compareHashes(result)
      results.push(result)
      process.stdout.write(rowLine(result))
    }
  }
  process.stdout.write(`\n${markdownCosts(results)}`)
  if (options.complete) process.stdout.write(writeResults(facts, options.sizes, results))
}

export function compareHashes({ row, figures }: RowResult): void {
  const hashes = new Set(figures.map(({ resultHash }) => resultHash ?? '').filter((hash) => hash !== ''))
  if (hashes.size > 1) throw invalid(`row ${row}: the contestants do not hold the same values in the end`)
}

export function storageFacts(): StorageFacts {
  const packages = join(ROOT, 'benchmarks', 'node_modules')
  const versionOf = (name: string): string =>
    JSON.parse(readFileSync(join(packages, name, 'package.json'), 'utf8')).version
  return {
    ...machineFacts(),
    lmdb: versionOf('lmdb'),
    classicLevel: versionOf('classic-level'),
    betterSqlite3: versionOf('better-sqlite3'),
  }
}
