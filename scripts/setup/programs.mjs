// The programs of this repository as they are started from it: installed and built when anything has changed,
// which a few hashes tell.

import { join } from 'node:path'
import { pathToFileURL } from 'node:url'
import { install } from './install.mjs'
import { alone } from './lock.mjs'
import { ROOT, say } from './step.mjs'

/** Sets up apps/`name`. Returns the path of its one file. */
export async function setUp(name) {
  return await alone(async () => {
    // The root itself, too: it links the programs' names, for `pnpm exec minivault-node`.
    await install(['minivault', '@minivault/node...', '@minivault/bundle'])
    const { bundle } = await import(pathToFileURL(join(ROOT, 'tools', 'bundle', 'bundle.mjs')).href)
    const result = await bundle(join(ROOT, 'apps', name))
    if (result.built) say(`built apps/${name}/dist/main.cjs (${(result.bytes / 1024).toFixed(0)} KB)`)
    return join(ROOT, 'apps', name, 'dist', 'main.cjs')
  })
}
