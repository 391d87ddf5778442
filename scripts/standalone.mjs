// make build-optimized, and the Docker image: the programs in one folder that needs nothing but Node.
//
//   node scripts/standalone.mjs            into dist/minivault
//   node scripts/standalone.mjs FOLDER     into FOLDER, which is made anew

import { join, resolve } from 'node:path'
import { pathToFileURL } from 'node:url'
import { setUp } from './setup/programs.mjs'
import { ROOT, runMain, say } from './setup/step.mjs'

await runMain(async () => {
  const folder = resolve(process.argv[2] ?? join(ROOT, 'dist', 'minivault'))
  await setUp('node')
  const standalone = join(ROOT, 'tools', 'bundle', 'standalone.mjs')
  const { gather } = await import(pathToFileURL(standalone).href)
  await gather(folder)
  say(`${folder}/minivault is the program; the folder needs nothing but Node`)
})
