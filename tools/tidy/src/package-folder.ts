/**
 * One package of the workspace: its folder, its manifest, its TypeScript files and what kind each is. Folders
 * without a package.json are not packages; `dist`, `node_modules` and vectors are not looked into.
 */
import { existsSync, readdirSync, readFileSync } from 'node:fs'
import { join } from 'node:path'
import { readSourceFile, type SourceFile } from './source-file.ts'

export interface Manifest {
  readonly name: string
  readonly bin?: string | Record<string, string>
  readonly exports?: unknown
  readonly dependencies?: Record<string, string>
  readonly optionalDependencies?: Record<string, string>
  readonly peerDependencies?: Record<string, string>
}

export interface PackageFolder {
  /** From the root, such as `packages/wal`. */
  readonly path: string
  readonly kind: 'library' | 'app' | 'tool'
  readonly manifest: Manifest
  readonly files: readonly SourceFile[]
}

const GROUPS = [
  { folder: 'packages', kind: 'library' },
  { folder: 'apps', kind: 'app' },
  { folder: 'tools', kind: 'tool' },
] as const

const SKIPPED = new Set(['node_modules', 'dist', '.tap', '.turbo', 'vectors', 'fixtures'])

export function readPackages(root: string): PackageFolder[] {
  const packages: PackageFolder[] = []
  for (const { folder, kind } of GROUPS) {
    for (const name of namesIn(join(root, folder)))
      packages.push(...readPackage(root, `${folder}/${name}`, kind))
  }
  packages.push(...readPackage(root, 'benchmarks', 'tool'))
  return packages
}

/** The scripts beside the packages; not a package, but written by the same rules. */
export function readScripts(root: string): SourceFile[] {
  return filesBelow(root, 'scripts')
}

function readPackage(root: string, path: string, kind: PackageFolder['kind']): PackageFolder[] {
  const manifestPath = join(root, path, 'package.json')
  if (!existsSync(manifestPath)) return []
  const manifest = JSON.parse(readFileSync(manifestPath, 'utf8')) as Manifest
  return [{ path, kind, manifest, files: filesBelow(root, path) }]
}

function filesBelow(root: string, path: string): SourceFile[] {
  const files: SourceFile[] = []
  for (const entry of entriesIn(join(root, path))) {
    const child = `${path}/${entry.name}`
    if (entry.isDirectory() && !SKIPPED.has(entry.name)) files.push(...filesBelow(root, child))
    else if (entry.isFile() && /\.(ts|mts|mjs|js)$/.test(entry.name)) files.push(readSourceFile(root, child))
  }
  return files
}

function namesIn(directory: string): string[] {
  return entriesIn(directory).map((entry) => entry.name)
}

function entriesIn(directory: string) {
  if (!existsSync(directory)) return []
  return readdirSync(directory, { withFileTypes: true }).sort((a, b) => (a.name < b.name ? -1 : 1))
}
