// The programs of this repository as they are started from it: installed and built when anything has changed,
// which a few hashes tell.

import { join } from 'node:path'
import { pathToFileURL } from 'node:url'
import { install } from './install.mjs'
import { alone } from './lock.mjs'
import { ROOT, say } from './step.mjs'

const PROGRAMS = ['node', 'master']

/** Sets up all programs. Returns the path of the one file of apps/`name`. */
export async function setUp(name) {
  await alone(async () => {
    // The root itself, too: it links the programs' names, for `pnpm exec minivault-node`.
    await install(['minivault', '@minivault/node...', '@minivault/bundle'])
    const { bundle } = await import(pathToFileURL(join(ROOT, 'tools', 'bundle', 'bundle.mjs')).href)
    await Promise.all(PROGRAMS.map((program) => build(bundle, program)))
  })
  return join(ROOT, 'apps', name, 'dist', 'main.cjs')
}

async function build(bundle, program) {
  const { built, bytes } = await bundle(join(ROOT, 'apps', program))
  if (built) say(`built apps/${program}/dist/main.cjs (${(bytes / 1024).toFixed(0)} KB)`)
}
