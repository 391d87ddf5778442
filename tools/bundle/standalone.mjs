// Gathers what the programs need to run on a machine that has Node and nothing else: each program as its one
// file, and beside them the native packages with the files that are loaded at run time.
//
//   FOLDER/minivault              runs minivault-node.cjs; a name for the command line
//   FOLDER/minivault-node.cjs
//   FOLDER/node_modules/…         lz4-napi, xxhash-addon, zstd-napi, for this system and processor

import {
  copyFileSync,
  cpSync,
  existsSync,
  mkdirSync,
  readFileSync,
  realpathSync,
  rmSync,
  statSync,
  writeFileSync,
} from 'node:fs'
import { dirname, join, relative, sep } from 'node:path'
import { fileURLToPath } from 'node:url'
import { bundle, NATIVE_PACKAGES } from './bundle.mjs'

const ROOT = dirname(dirname(dirname(fileURLToPath(import.meta.url))))

/** Named among the dependencies of native packages, and only used while they are installed. */
const ONLY_FOR_INSTALLATION = new Set(['@types/node', 'node-addon-api', 'prebuild-install'])
const AT_RUN_TIME = /(\.(c|m)?js|\.json|\.node|LICENSE[^/]*|NOTICE)$/

const LAUNCHER = "#!/usr/bin/env node\nrequire('./minivault-node.cjs')\n"

/** `folder` is made anew. */
export async function gather(folder) {
  rmSync(folder, { recursive: true, force: true })
  mkdirSync(folder, { recursive: true })
  const app = join(ROOT, 'apps', 'node')
  await bundle(app)
  copyFileSync(join(app, 'dist', 'main.cjs'), join(folder, 'minivault-node.cjs'))
  copyFileSync(join(ROOT, 'LICENSE'), join(folder, 'LICENSE'))
  writeFileSync(join(folder, 'minivault'), LAUNCHER, { mode: 0o755 })
  const modules = join(folder, 'node_modules')
  for (const name of NATIVE_PACKAGES) copyPackage(name, app, modules)
}

/** Copies a package and what it needs; what is optional and not installed stays away. */
function copyPackage(name, user, modules) {
  const source = installedAt(name, user)
  if (source === null || existsSync(join(modules, name))) return
  cpSync(source, join(modules, name), { recursive: true, filter: (path) => isWanted(path, source) })
  const { dependencies, optionalDependencies } = JSON.parse(
    readFileSync(join(source, 'package.json'), 'utf8'),
  )
  for (const other of Object.keys({ ...dependencies, ...optionalDependencies })) {
    if (!ONLY_FOR_INSTALLATION.has(other)) copyPackage(other, source, modules)
  }
}

/** The folder of `name` as `user` would find it; null: not there. */
function installedAt(name, user) {
  for (let folder = realpathSync(user); ; folder = dirname(folder)) {
    const path = join(folder, 'node_modules', name)
    if (existsSync(path)) return realpathSync(path)
    if (folder === dirname(folder)) return null
  }
}

function isWanted(path, source) {
  const parts = relative(source, path).split(sep)
  if (parts.some((part) => ['node_modules', 'deps', 'obj.target'].includes(part))) return false
  if (parts[0] === 'prebuilds' && parts.length > 1 && parts[1] !== `${process.platform}-${process.arch}`)
    return false
  return statSync(path).isDirectory() || AT_RUN_TIME.test(path)
}
