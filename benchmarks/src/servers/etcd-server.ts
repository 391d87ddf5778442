/**
 * A cluster of three etcd members beside us, as its documents start one: everything at its default, fsync
 * before every acknowledgement included; only its log is kept short.
 */
import { spawnSync } from 'node:child_process'
import { freePorts } from '@minivault/free-port'
import { BenchmarkError } from '../benchmark-error.ts'
import { HOST } from './server.ts'
import type { ServerPlan } from './started-process.ts'

const MEMBERS = 3

/** Null when etcd is not installed. */
export function etcdVersion(): string | null {
  const { status, stdout } = spawnSync('etcd', ['--version'], { encoding: 'utf8' })
  return status === 0 ? (/etcd Version: (\S+)/.exec(stdout)?.[1] ?? 'unknown') : null
}

export function requireEtcd(): string {
  const version = etcdVersion()
  if (version !== null) return version
  const message = 'etcd is not installed: `apt-get install etcd-server` brings it'
  throw new BenchmarkError('BENCH_MISSING', message)
}

/** A member is ready when the cluster has a leader: they have to be started together. */
export async function etcdPlans(): Promise<ServerPlan[]> {
  const ports = await freePorts(2 * MEMBERS)
  const members = Array.from({ length: MEMBERS }, (_, index) => ({
    name: `member${index + 1}`,
    port: ports[index]!,
    url: urlOf(ports[index]!),
    peerUrl: urlOf(ports[MEMBERS + index]!),
  }))
  const all = members.map(({ name, peerUrl }) => `${name}=${peerUrl}`).join(',')
  return members.map(({ name, port, url, peerUrl }) => {
    const clients = ['--listen-client-urls', url, '--advertise-client-urls', url]
    const peers = ['--listen-peer-urls', peerUrl, '--initial-advertise-peer-urls', peerUrl]
    const log = ['--logger', 'zap', '--log-outputs', 'stderr', '--log-level', 'error']
    return {
      name: 'etcd',
      command: 'etcd',
      args: (directory) => [
        ...['--name', name, '--data-dir', `${directory}/data`],
        ...clients,
        ...peers,
        ...['--initial-cluster', all, '--initial-cluster-state', 'new'],
        ...log,
      ],
      ready: async () => ((await isHealthy(url)) ? port : null),
    }
  })
}

function urlOf(port: number): string {
  return `http://${HOST}:${port}`
}

async function isHealthy(url: string): Promise<boolean> {
  try {
    const { health } = (await (await fetch(`${url}/health`)).json()) as { health: string }
    return health === 'true'
  } catch {
    return false
  }
}
