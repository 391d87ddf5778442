// ./scripts/startup.sh, or npm run cluster: a whole cluster on this machine, a master and its volumes, each a
// process with a folder of its own. Sets up and builds what has changed. One line per node says how it is;
// Ctrl+C stops all. When one of them ends by itself the others are stopped, too: a cluster that silently
// lacks a node is nothing to work with.

import { readOptions, UsageError } from './cluster/options.mjs'
import { runCluster } from './cluster/run.mjs'
import { runMain, say } from './setup/step.mjs'

await runMain(async () => {
  const options = readOptionsOrEnd(process.argv.slice(2))
  process.exitCode = await runCluster(options)
})

function readOptionsOrEnd(words) {
  try {
    const options = readOptions(words)
    if (typeof options !== 'string') return options
    process.stdout.write(options)
    process.exit(0)
  } catch (error) {
    if (!(error instanceof UsageError)) throw error
    say(error.message)
    process.exit(2)
  }
}
