// Installs the workspace's packages, or only those one program needs, and skips it when nothing has changed.
//
// What was installed is remembered in .cache/installed.json as a hash over everything that decides the
// result: the lockfile, the workspace file, every package.json, and the Node ABI that native packages are
// compiled for. The hash costs a few milliseconds where asking pnpm costs a second.

import { createHash } from 'node:crypto'
import { existsSync, mkdirSync, readdirSync, readFileSync, writeFileSync } from 'node:fs'
import { dirname, join } from 'node:path'
import { findPnpm } from './pnpm.mjs'
import { CACHE, ROOT, step, stepEnvironment } from './step.mjs'

const STAMP = join(CACHE, 'installed.json')

/**
 * `wanted` is 'all', or pnpm filters: those packages with what they need to run. Where everything was
 * installed before, everything stays installed. Returns pnpm when it had to be found, else null.
 */
export async function install(wanted) {
  const hash = installHash()
  const stamp = readStamp()
  const scope = stamp.scopes.includes('all') ? 'all' : wanted
  const name = scope === 'all' ? 'all' : scope.join(' ')
  const present = existsSync(join(ROOT, 'node_modules', '.modules.yaml'))
  if (present && stamp.hash === hash && stamp.scopes.includes(name)) return null

  const pnpm = await findPnpm()
  const filters = scope === 'all' ? [] : ['--prod', ...scope.flatMap((filter) => ['--filter', filter])]
  await step(
    `installing packages with pnpm ${pnpm.version}`,
    pnpm.command,
    ['install', ...filters, '--config.confirmModulesPurge=false'],
    { env: installEnvironment(pnpm), wayOut: 'the lines above say why' },
  )
  // pnpm may have brought the lockfile up to date, so the hash is taken again.
  const scopes = stamp.hash === hash ? [...stamp.scopes, name] : [name]
  mkdirSync(CACHE, { recursive: true })
  writeFileSync(STAMP, JSON.stringify({ hash: installHash(), scopes }))
  return pnpm
}

/**
 * Distributions put Node's headers beside the program (/usr/bin/node, /usr/include/node). Naming that place
 * lets native packages such as zstd-napi compile without fetching the headers, or where that is not possible.
 */
export function installEnvironment(pnpm) {
  const prefix = dirname(dirname(process.execPath))
  const headers = existsSync(join(prefix, 'include', 'node', 'node.h'))
  const extra = { npm_config_yes: 'true' }
  if (headers && process.env.npm_config_nodedir === undefined) extra.npm_config_nodedir = prefix
  return stepEnvironment(extra, pnpm.binDirectory)
}

/** Every package.json of the workspace, the root's first. */
export function manifests() {
  const found = [join(ROOT, 'package.json')]
  for (const group of ['packages', 'apps', 'tools']) {
    const directory = join(ROOT, group)
    if (!existsSync(directory)) continue
    for (const name of readdirSync(directory).sort()) found.push(join(directory, name, 'package.json'))
  }
  found.push(join(ROOT, 'benchmarks', 'package.json'))
  return found.filter((path) => existsSync(path))
}

function installHash() {
  const hash = createHash('sha256')
  hash.update(`${process.platform} ${process.arch} ${process.versions.modules}\n`)
  for (const path of [join(ROOT, 'pnpm-lock.yaml'), join(ROOT, 'pnpm-workspace.yaml'), ...manifests()]) {
    if (!existsSync(path)) continue
    hash
      .update(`${path.slice(ROOT.length)}\0`)
      .update(readFileSync(path))
      .update('\0')
  }
  return hash.digest('hex')
}

function readStamp() {
  try {
    return JSON.parse(readFileSync(STAMP, 'utf8'))
  } catch {
    return { hash: '', scopes: [] }
  }
}
