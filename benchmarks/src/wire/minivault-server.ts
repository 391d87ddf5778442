/** minivault-node as its users run it: the built program. The test runs it from source, so that it needs no build. */
import { existsSync } from 'node:fs'
import { createRequire } from 'node:module'
import { join } from 'node:path'
import { BenchmarkError } from '../benchmark-error.ts'
import { ROOT } from './machine.ts'
import { HOST, type ServerPlan } from './server.ts'

export const NODE_DURABILITIES = ['memory', 'os', 'fsync'] as const
export type NodeDurability = (typeof NODE_DURABILITIES)[number]

const NODE = join(ROOT, 'apps', 'node')

export function minivaultPlan(durability: NodeDurability, from: 'build' | 'source' = 'build'): ServerPlan {
  const main = join(NODE, ...(from === 'build' ? ['dist', 'main.js'] : ['src', 'main.ts']))
  if (!existsSync(main)) {
    throw new BenchmarkError('BENCH_MISSING', 'apps/node/dist/main.js is not there: run `pnpm build` first')
  }
  const tsx = createRequire(import.meta.url).resolve('tsx')
  const loader = from === 'build' ? [] : [`--import=${tsx}`, '--conditions=minivault:source']
  return {
    name: 'minivault-node',
    language: 'binary',
    command: process.execPath,
    args: (directory) => {
      const flags = ['-port', '0', '-host', HOST, '-data', join(directory, 'data'), '-durability', durability]
      return [...loader, main, ...flags]
    },
    ready: (output) => {
      const port = /minivault ready: .*?:\/\/[^\s/:]+:(\d+)/.exec(output)?.[1]
      return port === undefined ? null : Number(port)
    },
  }
}
