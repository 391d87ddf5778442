/**
 * The rule `dead-file`: every file is reached from a door of its package (the exports of package.json), from
 * an app's main.ts, from a bin, or from a test. A file whose path stands in a string (a worker, a program a
 * test starts) is reached by that.
 */
import { type Finding, finding } from './finding.ts'
import type { PackageFolder } from './package-folder.ts'
import type { SourceFile } from './source-file.ts'

export function checkDeadFiles(folder: PackageFolder): Finding[] {
  const byPath = new Map(folder.files.map((file) => [file.path, file]))
  const reached = new Set<string>()
  const open = folder.files.filter((file) => isEntry(folder, file)).map((file) => file.path)
  while (open.length > 0) {
    const path = open.pop() as string
    const file = byPath.get(path)
    if (file === undefined || reached.has(path)) continue
    reached.add(path)
    open.push(...reachedFrom(file, folder))
  }
  return folder.files
    .filter((file) => !reached.has(file.path))
    .map((file) => finding('dead-file', file.path, 0, 'is reached from no door, main.ts or test: delete it'))
}

function isEntry(folder: PackageFolder, file: SourceFile): boolean {
  const inside = file.path.slice(folder.path.length + 1)
  if (/^(bin|bench|scripts)\//.test(inside) || /\.test\.ts$/.test(inside)) return true
  if (inside === 'src/main.ts' || !/^(src|test)\//.test(inside)) return true
  return JSON.stringify(folder.manifest.exports ?? {}).includes(`"./${inside}"`)
}

function reachedFrom(file: SourceFile, folder: PackageFolder): string[] {
  const targets = file.imports
    .filter((entry) => entry.module.startsWith('.'))
    .map((entry) => new URL(entry.module, `file:///${file.path}`).pathname.slice(1))
  for (const other of folder.files) {
    const name = other.path.split('/').at(-1) as string
    for (const text of file.strings) if (text === name || text.endsWith(`/${name}`)) targets.push(other.path)
  }
  return targets
}
