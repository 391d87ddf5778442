/**
 * redis-server beside us, as a careful operator would start it for each level of durability: no snapshots,
 * no rewriting of its append-only file during the run, clients enough, everything else at its default.
 */
import { spawnSync } from 'node:child_process'
import { freePort } from '@minivault/free-port'
import { BenchmarkError } from '../benchmark-error.ts'
import { askOnce } from './ask-once.ts'
import { HOST } from './server.ts'
import type { ServerPlan } from './started-process.ts'

export const REDIS_DURABILITIES = ['no AOF', 'AOF everysec', 'AOF always'] as const
export type RedisDurability = (typeof REDIS_DURABILITIES)[number]

/** As many as minivault-node takes. */
const CLIENTS_MAX = 50_000

const DURABILITY_FLAGS: Record<RedisDurability, string[]> = {
  'no AOF': ['--appendonly', 'no'],
  'AOF everysec': ['--appendonly', 'yes', '--appendfsync', 'everysec'],
  'AOF always': ['--appendonly', 'yes', '--appendfsync', 'always'],
}

/** Null when redis-server is not installed. */
export function redisVersion(): string | null {
  const { status, stdout } = spawnSync('redis-server', ['--version'], { encoding: 'utf8' })
  return status === 0 ? (/v=(\S+)/.exec(stdout)?.[1] ?? 'unknown') : null
}

export function requireRedis(): string {
  const version = redisVersion()
  if (version !== null) return version
  throw new BenchmarkError(
    'BENCH_MISSING',
    'redis-server is not installed: `apt-get install redis-server` brings it',
  )
}

export async function redisPlan(durability: RedisDurability): Promise<ServerPlan> {
  const port = await freePort()
  const place = ['--port', String(port), '--bind', HOST, '--maxclients', String(CLIENTS_MAX)]
  const flags = [...place, '--save', '', '--auto-aof-rewrite-percentage', '0']
  return {
    name: 'redis-server',
    command: 'redis-server',
    args: (directory) => [...flags, '--dir', directory, ...DURABILITY_FLAGS[durability]],
    ready: async () => ((await answersPing(port)) ? port : null),
  }
}

async function answersPing(port: number): Promise<boolean> {
  const answer = await askOnce(port, 'PING\r\n').catch(() => '')
  return answer.startsWith('+PONG')
}
