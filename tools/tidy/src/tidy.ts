/** All rules over a whole repository. */
import { checkCalls } from './calls.ts'
import { checkDeadFiles } from './dead-files.ts'
import { applyExceptions, type Exception } from './exceptions.ts'
import type { Finding } from './finding.ts'
import { checkForm } from './form.ts'
import { checkImports } from './imports.ts'
import { readPackages, readScripts } from './package-folder.ts'

export interface TidyReport {
  readonly complaints: readonly string[]
  readonly fileCount: number
}

export function tidy(root: string, exceptions: readonly Exception[]): TidyReport {
  const findings: Finding[] = []
  const packages = readPackages(root)
  for (const folder of packages) {
    findings.push(...checkImports(folder), ...checkCalls(folder), ...checkDeadFiles(folder))
  }
  const files = [...packages.flatMap((folder) => folder.files), ...readScripts(root)]
  for (const file of files) findings.push(...checkForm(file))
  return { complaints: applyExceptions(findings, exceptions), fileCount: files.length }
}
