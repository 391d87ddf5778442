/** What a user has after `npm install` of the packages: a folder with them, and nothing of the repository. */
import { execFileSync } from 'node:child_process'
import { mkdirSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import type { Tarball } from './tarballs.ts'

/** Makes `folder` and installs the tarballs into it. Needs the registry for their dependencies. */
export function installTarballs(packed: readonly Tarball[], folder: string): void {
  mkdirSync(folder)
  writeFileSync(join(folder, 'package.json'), '{ "name": "user", "private": true, "type": "module" }\n')
  // Without install scripts, so that what is optional and native stays away: the fallbacks must do.
  const install = ['install', '--ignore-scripts', '--no-audit', '--no-fund', ...packed.map((one) => one.path)]
  execFileSync('npm', install, { cwd: folder, stdio: 'pipe' })
}
