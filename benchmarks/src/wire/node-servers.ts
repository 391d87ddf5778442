/** The servers of the benchmark's own: the floor under every Node server, and the one that pipes. */
import { createRequire } from 'node:module'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'
import type { Operation } from '../load/language.ts'
import { LANGUAGES } from '../load/languages.ts'
import { HOST, type ServerPlan } from '../servers/server.ts'

/** Answers requests of this operation and size with the bytes that are right. */
export function floorPlan(operation: Operation, valueBytes: number): ServerPlan {
  const { documented } = LANGUAGES
  const { head, bytes } = documented.expectedReply(operation, valueBytes)
  const requestBytes = documented.requestBytes(operation, valueBytes)
  const words = [HOST, String(requestBytes), Buffer.from(head).toString('hex'), String(bytes)]
  return nodePlan('the bare Node server', 'floor-main.ts', () => words)
}

export function pipePlan(): ServerPlan {
  return nodePlan('the server that pipes', 'pipe-main.ts', (directory) => [HOST, join(directory, 'value')])
}

function nodePlan(name: string, main: string, words: (directory: string) => string[]): ServerPlan {
  const loader = `--import=${createRequire(import.meta.url).resolve('tsx')}`
  const path = fileURLToPath(new URL(main, import.meta.url))
  return {
    name,
    command: process.execPath,
    args: (directory) => [loader, path, ...words(directory)],
    ready: (output) => {
      const port = /ready on port (\d+)/.exec(output)?.[1]
      return port === undefined ? null : Number(port)
    },
  }
}
