// npm start: sets up what the node needs, builds it, and becomes the node.
//
//   npm start                      a node on port 3000 with ./data
//   npm start -- -port 3001        every argument after `--` goes to the node
//   ./minivault -port 3001         the same without npm
//
// The node is loaded into this very process, so that it has our process id, receives signals itself, and its
// exit code is ours.

import { createRequire } from 'node:module'
import { setUp } from './setup/programs.mjs'
import { mendSignals } from './setup/signals.mjs'
import { runMain } from './setup/step.mjs'

await runMain(async () => {
  const main = await setUp('node')
  mendSignals('start')
  process.argv = [process.execPath, main, ...process.argv.slice(2)]
  createRequire(import.meta.url)(main)
})
