/** One of several processes of a campaign: gets its part, sends how far it is, and at the end its tally. */

import type { FromPart } from './jobs.ts'
import { type Part, runPart } from './part.ts'

const PROGRESS_EVERY = 50

process.once('message', (part) => {
  const tally = runPart(part as Part, ({ runs, failures }) => {
    if (runs % PROGRESS_EVERY === 0) tell({ runs, failures })
    return false
  })
  tell({ tally })
  process.disconnect()
})

function tell(message: FromPart): void {
  process.send?.(message)
}
