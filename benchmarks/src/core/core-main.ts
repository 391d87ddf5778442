/**
 * The process that is measured: `core-main.ts <operations> <rounds> <histories>`; its last line is the result
 * as JSON. CPU time, user and system, of this process alone, the garbage it makes included.
 */
import { runJobs } from '@minivault/simulator'
import type { CoreFigures, OperationRound } from './core-figures.ts'
import { type Delivery, DirectTrio } from './direct-trio.ts'
import { OPERATIONS, type Operation, outcomeOf, requestsOf } from './operations.ts'

const [operations, rounds, histories] = process.argv.slice(2).map(Number) as [number, number, number]

function cpuMicros(work: () => void): number {
  const before = process.cpuUsage()
  work()
  const { user, system } = process.cpuUsage(before)
  return user + system
}

/** So many operations on a trio that has a record under every key. */
function ask(trio: DirectTrio, operation: Operation, count: number): void {
  const requests = requestsOf(operation)
  const outcome = outcomeOf(operation)
  for (let i = 0; i < count; i++) trio.ask(requests[i % requests.length]!, outcome)
}

function filled(onDelivery: ((delivery: Delivery) => void) | null): DirectTrio {
  const trio = new DirectTrio(onDelivery)
  ask(trio, 'put', requestsOf('put').length)
  return trio
}

/** The three together; and then what came to the two others, done by them alone. */
function round(operation: Operation): OperationRound {
  const deliveries: Delivery[] = []
  ask(
    filled((delivery) => deliveries.push(delivery)),
    operation,
    operations,
  )
  const trio = filled(null)
  const all = cpuMicros(() => ask(trio, operation, operations)) / operations
  const two = new DirectTrio(null)
  const others = cpuMicros(() => two.replay(deliveries)) / operations
  return { all, coordinator: all - others }
}

function historiesPerSecond(first: number): Promise<number> {
  const before = process.cpuUsage()
  const part = { first, seeds: histories, isCalm: false }
  return runJobs(part, 1, () => {}).then(() => {
    const { user, system } = process.cpuUsage(before)
    return histories / ((user + system) / 1e6)
  })
}

const figures: CoreFigures = { operations: {}, histories: [] }
for (const operation of OPERATIONS) {
  round(operation)
  figures.operations[operation] = Array.from({ length: rounds }, () => round(operation))
}
for (let i = 0; i < rounds; i++) figures.histories.push(await historiesPerSecond(1 + i * histories))
process.stdout.write(`${JSON.stringify(figures)}\n`)
