/**
 * minivault-node as its users run it: the built program. The test runs it from source, so that it needs no
 * build.
 */
import { existsSync } from 'node:fs'
import { createRequire } from 'node:module'
import { join } from 'node:path'
import { pathToFileURL } from 'node:url'
import { BenchmarkError } from '../benchmark-error.ts'
import { ROOT } from '../machine.ts'
import { HOST } from './server.ts'
import type { ServerPlan } from './started-process.ts'

export const NODE_DURABILITIES = ['memory', 'os', 'fsync'] as const
export type NodeDurability = (typeof NODE_DURABILITIES)[number]

const NODE = join(ROOT, 'apps', 'node')

/** Makes apps/node/dist/main.cjs, unless it is newer than every source: what is measured is never stale. */
export async function buildMinivault(): Promise<void> {
  const { bundle } = await import(pathToFileURL(join(ROOT, 'tools', 'bundle', 'bundle.mjs')).href)
  try {
    await bundle(NODE)
  } catch (error) {
    const reason = (error as Error).message.split('\n').slice(0, 2).join(' ')
    throw new BenchmarkError('BENCH_MISSING', `apps/node could not be built: ${reason}`, { cause: error })
  }
}

/** `port` 0: any that is free. */
export function minivaultPlan(
  durability: NodeDurability,
  from: 'build' | 'source' = 'build',
  port = 0,
): ServerPlan {
  const main = join(NODE, ...(from === 'build' ? ['dist', 'main.cjs'] : ['src', 'main.ts']))
  if (!existsSync(main)) {
    throw new BenchmarkError('BENCH_MISSING', 'apps/node/dist/main.cjs is not there: run `pnpm build` first')
  }
  const tsx = createRequire(import.meta.url).resolve('tsx')
  const loader = from === 'build' ? [] : [`--import=${tsx}`, '--conditions=minivault:source']
  return {
    name: 'minivault-node',
    command: process.execPath,
    args: (directory) => {
      const flags = [
        '-port',
        String(port),
        '-host',
        HOST,
        '-data',
        join(directory, 'data'),
        '-durability',
        durability,
      ]
      return [...loader, main, ...flags]
    },
    ready: (output) => {
      const port = /minivault ready: .*?:\/\/[^\s/:]+:(\d+)/.exec(output)?.[1]
      return port === undefined ? null : Number(port)
    },
  }
}
