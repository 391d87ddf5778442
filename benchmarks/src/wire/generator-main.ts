/**
 * The generator's own process: takes one LoadOptions after the other from its parent, answers each with
 * LoadFigures. Requests already encoded are kept, so that the rounds of one case do not encode them again.
 */
import { type LoadOptions, runLoad } from './load.ts'
import { buildRequestBatches, type RequestBatches } from './request-batches.ts'

const built = new Map<string, RequestBatches>()

process.on('message', async (options: LoadOptions) => {
  const { language, operation, valueBytes, keyspace, pipeline } = options
  const shape = { language, operation, valueBytes, keyspace, pipeline }
  const name = JSON.stringify(shape)
  const requests = built.get(name) ?? buildRequestBatches(shape)
  // What fills the keyspace is sent once and large.
  if (options.seconds !== 'once') built.set(name, requests)
  try {
    process.send!(await runLoad(options, requests))
  } catch (error) {
    process.send!({ failed: (error as Error).message })
  }
})
