/** The servers of the benchmarks' own: programs of this package that say `ready on port …`. */
import { createRequire } from 'node:module'
import { fileURLToPath } from 'node:url'
import { HOST } from './server.ts'
import type { ServerPlan } from './started-process.ts'

/** `words` gets the server's fresh folder; the host goes before them. */
export function nodePlan(name: string, main: URL, words: (directory: string) => string[]): ServerPlan {
  const loader = `--import=${createRequire(import.meta.url).resolve('tsx')}`
  return {
    name,
    command: process.execPath,
    args: (directory) => [loader, fileURLToPath(main), HOST, ...words(directory)],
    ready: (output) => {
      const port = /ready on port (\d+)/.exec(output)?.[1]
      return port === undefined ? null : Number(port)
    },
  }
}

/** The floor: counts requests of this length and answers each with these bytes, filled up to `replyBytes`. */
export function floorPlan(requestBytes: number, replyHead: Uint8Array, replyBytes: number): ServerPlan {
  const words = [String(requestBytes), Buffer.from(replyHead).toString('hex'), String(replyBytes)]
  return nodePlan('the bare Node server', new URL('floor-main.ts', import.meta.url), () => words)
}
