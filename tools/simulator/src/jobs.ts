/** A campaign in several processes: each takes seeds in a row. */
import { fork } from 'node:child_process'
import { fileURLToPath } from 'node:url'
import { type Part, runPart } from './part.ts'
import { addTally, emptyTally, type Tally } from './tally.ts'

const PART_MAIN = fileURLToPath(new URL('part-main.ts', import.meta.url))

export type FromPart = { readonly runs: number; readonly failures: number } | { readonly tally: Tally }

export type Progress = (runs: number, failures: number) => void

export async function runJobs(part: Part, jobs: number, progress: Progress): Promise<Tally> {
  if (jobs === 1) {
    return runPart(part, ({ runs, failures }) => {
      progress(runs, failures.length)
      return false
    })
  }
  const size = Math.ceil(part.seeds / jobs)
  const done = new Map<number, { runs: number; failures: number }>()
  const tell = (job: number, runs: number, failures: number) => {
    done.set(job, { runs, failures })
    const all = [...done.values()]
    progress(
      all.reduce((sum, one) => sum + one.runs, 0),
      all.reduce((sum, one) => sum + one.failures, 0),
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
