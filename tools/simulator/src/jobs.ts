/** A campaign in several processes: each takes seeds in a row. */
import { fork } from 'node:child_process'
import { fileURLToPath } from 'node:url'
import { type Part, runPart } from './part.ts'
import { addTally, emptyTally, type Failure, type Tally } from './tally.ts'

const PART_MAIN = fileURLToPath(new URL('part-main.ts', import.meta.url))

interface Done {
  readonly runs: number
  readonly failures: readonly Failure[]
}

export type FromPart = Done | { readonly tally: Tally }

/** Of all processes, so far. */
export type Progress = (runs: number, failures: readonly Failure[]) => void

export async function runJobs(part: Part, jobs: number, progress: Progress): Promise<Tally> {
  if (jobs === 1) {
    return runPart(part, ({ runs, failures }) => {
      progress(runs, failures)
      return false
    })
  }
  const size = Math.ceil(part.seeds / jobs)
  const done = new Map<number, Done>()
  const tell = (job: number, runs: number, failures: readonly Failure[]) => {
    done.set(job, { runs, failures })
    const all = [...done.values()]
    progress(
      all.reduce((sum, one) => sum + one.runs, 0),
      all.flatMap((one) => one.failures),
    )
  }
  const tallies = await Promise.all(
    Array.from({ length: jobs }, (_, job) => {
      const seeds = Math.max(0, Math.min(size, part.seeds - job * size))
      const own = { ...part, first: part.first + job * size, seeds }
      return runProcess(own, (runs, failures) => tell(job, runs, failures))
    }),
  )
  const all = emptyTally()
  for (const tally of tallies) addTally(all, tally)
  return all
}

function runProcess(part: Part, progress: Progress): Promise<Tally> {
  const child = fork(PART_MAIN, [], { execArgv: process.execArgv })
  child.send(part)
  return new Promise((resolve, reject) => {
    let tally: Tally | null = null
    child.on('message', (message: FromPart) => {
      if ('tally' in message) tally = message.tally
      else progress(message.runs, message.failures)
    })
    child.on('error', reject)
    child.on('exit', (code) => {
      if (tally === null) reject(new Error(`a process of the campaign ended with ${code}`))
      else resolve(tally)
    })
  })
}
