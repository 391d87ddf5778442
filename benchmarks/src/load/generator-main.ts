/**
 * The generator's own process: takes one task after the other from its parent and answers each with figures.
 * Requests already encoded are kept, so that the rounds of one case do not encode them again; connections
 * stay open until the process ends.
 */
import { ConnectionPool } from './connection-pool.ts'
import type { GeneratorTask } from './generator.ts'
import { transferLargeValue } from './large-load.ts'
import { type LoadOptions, runLoad } from './load.ts'
import { buildRequestBatches, type RequestBatches } from './request-batches.ts'

const built = new Map<string, RequestBatches>()
const pool = new ConnectionPool()

function requestsOf(options: LoadOptions): RequestBatches {
  const { language, operation, valueBytes, keyspace, pipeline } = options
  const order = options.seconds === 'once' ? 'ascending' : 'random'
  const shape = { language, operation, valueBytes, keyspace, pipeline, order } as const
  const name = JSON.stringify(shape)
  const requests = built.get(name) ?? buildRequestBatches(shape)
  // What fills the keyspace is sent once and large.
  if (options.seconds !== 'once') built.set(name, requests)
  return requests
}

process.on('message', async (task: GeneratorTask) => {
  try {
    if (task.kind === 'large') process.send!(await transferLargeValue(task.options))
    else process.send!(await runLoad(pool, task.options, requestsOf(task.options)))
  } catch (error) {
    process.send!({ failed: (error as Error).message })
  }
})
