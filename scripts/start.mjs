// npm start: sets up what the node needs, builds it, and becomes the node.
//
//   npm start                      a node on port 3000 with ./data
//   npm start -- -port 3001        every argument after `--` goes to the node
//
// The node is loaded into this very process, so that it has our process id, receives signals itself, and its
// exit code is ours. One thing has to be put right: at Ctrl+C the terminal signals every process, and npm
// then passes the signal on once more; the node would take the second one for an impatient user. Repeats
// within a moment are dropped.

import { createRequire } from 'node:module'
import { join } from 'node:path'
import { pathToFileURL } from 'node:url'
import { install } from './setup/install.mjs'
import { ROOT, runMain, say } from './setup/step.mjs'

const REPEATED_SIGNAL_MS = 400
const PARENT_CHECK_MS = 250

await runMain(async () => {
  // The root itself, too: it links the program's name, for `pnpm exec minivault-node`.
  await install(['minivault', '@minivault/node...', '@minivault/bundle'])
  const { bundle } = await import(pathToFileURL(join(ROOT, 'tools', 'bundle', 'bundle.mjs')).href)
  const result = await bundle(join(ROOT, 'apps', 'node'))
  if (result.built) say(`built apps/node/dist/main.cjs (${(result.bytes / 1024).toFixed(0)} KB)`)
  dropRepeatedSignals()
  stopWithNpm()
  const main = join(ROOT, 'apps', 'node', 'dist', 'main.cjs')
  process.argv = [process.execPath, main, ...process.argv.slice(2)]
  createRequire(import.meta.url)(main)
})

function dropRepeatedSignals() {
  const emit = process.emit
  const lastMs = { SIGINT: -Infinity, SIGTERM: -Infinity }
  process.emit = function (name, ...rest) {
    if (name in lastMs) {
      const nowMs = performance.now()
      const repeated = nowMs - lastMs[name] < REPEATED_SIGNAL_MS
      lastMs[name] = nowMs
      if (repeated) return true
    }
    return emit.call(this, name, ...rest)
  }
}

/**
 * npm passes SIGTERM to its shell, which ends without passing it on; losing that parent means the same to us.
 */
function stopWithNpm() {
  if (process.env.npm_lifecycle_event !== 'start' || process.platform === 'win32') return
  const parent = process.ppid
  const watch = setInterval(() => {
    if (process.ppid === parent) return
    clearInterval(watch)
    process.kill(process.pid, 'SIGTERM')
  }, PARENT_CHECK_MS)
  watch.unref()
}
