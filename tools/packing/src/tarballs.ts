/**
 * The packages as the registry would get them: every workspace package that is not private, packed by pnpm
 * (npm would leave `workspace:*` in them) into one folder.
 */
import { execFileSync } from 'node:child_process'
import { readdirSync, readFileSync } from 'node:fs'
import { join } from 'node:path'

export interface Tarball {
  readonly name: string
  readonly path: string
  /** The manifest as packed. */
  readonly manifest: Record<string, unknown>
  readonly files: readonly string[]
}

/** The folders of the packages that are published, in the repository at `root`. */
export function publishedFolders(root: string): string[] {
  const folders = ['packages', 'apps'].flatMap((group) =>
    readdirSync(join(root, group)).map((name) => join(root, group, name)),
  )
  return folders.filter((folder) => !JSON.parse(readFileSync(join(folder, 'package.json'), 'utf8')).private)
}

export function pack(folder: string, destination: string): Tarball {
  const name = JSON.parse(readFileSync(join(folder, 'package.json'), 'utf8')).name as string
  const before = new Set(readdirSync(destination))
  execFileSync('pnpm', ['pack', '--pack-destination', destination], { cwd: folder, stdio: 'pipe' })
  const made = readdirSync(destination).find((entry) => !before.has(entry))
  if (made === undefined) throw new Error(`pnpm pack of ${name} made no file`)
  const path = join(destination, made)
  const files = execFileSync('tar', ['-tzf', path], { encoding: 'utf8' }).trim().split('\n')
  const manifest = execFileSync('tar', ['-xzOf', path, 'package/package.json'], { encoding: 'utf8' })
  return {
    name,
    path,
    manifest: JSON.parse(manifest),
    files: files.map((file) => file.slice('package/'.length)),
  }
}
