// Finds pnpm, or fetches the exact version the workspace is pinned to.
//
// A pnpm of the pinned major version on the PATH is good enough; anything else (none, an older major, a shim
// that cannot run) is passed over in favour of our own copy under .cache/pnpm, which npm fetches once. npm
// itself is the only thing taken for granted, because Node brings it.

import { spawnSync } from 'node:child_process'
import { existsSync, readFileSync } from 'node:fs'
import { join } from 'node:path'
import { CACHE, ROOT, StepError, step } from './step.mjs'

/** Returns `{ command, binDirectory, version }`; `binDirectory` goes in front of the PATH of children. */
export async function findPnpm() {
  const manifest = JSON.parse(readFileSync(join(ROOT, 'package.json'), 'utf8'))
  const wanted = manifest.devEngines.packageManager.version
  const major = wanted.split('.')[0]

  const installed = versionOf('pnpm')
  if (installed !== null && installed.split('.')[0] === major) {
    return { command: 'pnpm', binDirectory: '', version: installed }
  }

  const prefix = join(CACHE, 'pnpm')
  const binDirectory = join(prefix, 'node_modules', '.bin')
  const command = join(binDirectory, process.platform === 'win32' ? 'pnpm.cmd' : 'pnpm')
  if (!existsSync(command) || versionOf(command) !== wanted) {
    const args = ['install', '--prefix', prefix, '--no-save', '--no-audit', '--no-fund', `pnpm@${wanted}`]
    await step(`fetching pnpm ${wanted} into .cache/pnpm`, 'npm', args, {
      wayOut: `is the npm registry reachable? A pnpm ${major} of your own on the PATH is used as well`,
    })
  }
  const version = versionOf(command)
  if (version === null)
    throw new StepError(`the pnpm fetched into ${prefix} does not run; remove that folder`)
  return { command, binDirectory, version }
}

function versionOf(command) {
  const result = spawnSync(command, ['--version'], {
    cwd: ROOT,
    encoding: 'utf8',
    timeout: 20_000,
    stdio: ['ignore', 'pipe', 'ignore'],
    env: { ...process.env, COREPACK_ENABLE_DOWNLOAD_PROMPT: '0', COREPACK_ENABLE_NETWORK: '0' },
    shell: process.platform === 'win32',
  })
  return result.status === 0 ? result.stdout.trim() : null
}
