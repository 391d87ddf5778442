// make build: sets up what the program needs and builds it. ./minivault runs it, and builds anew by itself
// what has changed.

import { setUp } from './setup/programs.mjs'
import { runMain, say } from './setup/step.mjs'

await runMain(async () => {
  await setUp('node')
  say('./minivault is the program, and ./minivault --help explains it')
})
