/** The servers of the benchmark's own: the floor under every Node server, and the one that pipes. */
import { join } from 'node:path'
import type { Operation } from '../load/language.ts'
import { LANGUAGES } from '../load/languages.ts'
import { floorPlan, nodePlan } from '../servers/node-plan.ts'
import type { ServerPlan } from '../servers/started-process.ts'

/** Answers requests of this operation and size with the bytes that are right. */
export function wireFloorPlan(operation: Operation, valueBytes: number): ServerPlan {
  const { documented } = LANGUAGES
  const { head, bytes } = documented.expectedReply(operation, valueBytes)
  return floorPlan(documented.requestBytes(operation, valueBytes), Uint8Array.from(head), bytes)
}

export function pipePlan(): ServerPlan {
  const main = new URL('pipe-main.ts', import.meta.url)
  return nodePlan('the server that pipes', main, (directory) => [join(directory, 'value')])
}
