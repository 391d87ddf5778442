/** INFO: the node's figures in Redis' sections and words, where Redis has a word for them. */
import { DURABILITY } from '@minivault/storage'
import { durabilityName, processFigures } from '../../health.ts'
import type { Command, CommandContext } from '../command.ts'
import { REDIS_VERSION } from './redis-version.ts'
import { wordOf } from './words.ts'

type Fields = readonly (readonly [name: string, value: string | number])[]

const SECTIONS: Readonly<Record<string, (context: CommandContext) => Fields>> = {
  Server: ({ node, now }) => {
    const { pid, platform, bits, runtime } = processFigures()
    const seconds = Math.floor((now() - node.startedAtMs) / 1000)
    return [
      ['redis_version', REDIS_VERSION],
      ['redis_mode', 'standalone'],
      ['minivault_version', node.version],
      ['os', platform],
      ['arch_bits', bits],
      ['runtime', runtime],
      ['process_id', pid],
      ['run_id', node.store.nodeId],
      ['server_time_usec', Math.floor(now() * 1000)],
      ['uptime_in_seconds', seconds],
      ['uptime_in_days', Math.floor(seconds / 86_400)],
    ]
  },
  Clients: ({ node, sessions }) => [
    ['connected_clients', node.connections()],
    ['resp_clients', sessions.size],
    ['blocked_clients', 0],
  ],
  Memory: ({ node }) => {
    const { rssBytes, heapBytes } = processFigures()
    const { cacheBytes, windowBytes, keydirBytes, hintBytes } = node.store.stats()
    return [
      ['used_memory', heapBytes + cacheBytes + windowBytes + keydirBytes + hintBytes],
      ['used_memory_rss', rssBytes],
      ['used_memory_dataset', cacheBytes],
      ['maxmemory', 0],
      ['maxmemory_policy', 'noeviction'],
    ]
  },
  Persistence: ({ node }) => [
    ['loading', 0],
    ['durability', durabilityName(node.durability)],
    ['aof_enabled', node.durability === DURABILITY.memory ? 0 : 1],
    ['aof_last_write_status', node.store.error === null ? 'ok' : 'err'],
    ['aof_current_size', node.store.stats().diskBytes],
  ],
  Stats: ({ node }) => {
    const { merges, mergedBytes } = node.store.stats()
    return [
      ['merges', merges],
      ['merged_bytes', mergedBytes],
    ]
  },
  Replication: () => [
    ['role', 'master'],
    ['connected_slaves', 0],
  ],
  CPU: () => {
    const { userSeconds, systemSeconds } = processFigures()
    return [
      ['used_cpu_sys', systemSeconds.toFixed(6)],
      ['used_cpu_user', userSeconds.toFixed(6)],
    ]
  },
  Cluster: () => [['cluster_enabled', 0]],
  Keyspace: ({ node }) => {
    const { keys } = node.store.stats()
    return keys === 0 ? [] : [['db0', `keys=${keys}`]]
  },
}

const ALL = new Set(['ALL', 'DEFAULT', 'EVERYTHING'])

export const infoCommand: Command = {
  name: 'info',
  arity: -1,
  kind: 'connection',
  summary: 'Tells the figures of the node',
  run(context, args) {
    const words = new Set(args.map(wordOf))
    const isAll = words.size === 0 || [...words].some((word) => ALL.has(word))
    const text = Object.entries(SECTIONS)
      .filter(([name]) => isAll || words.has(name.toUpperCase()))
      .map(([name, fields]) => sectionOf(name, fields(context)))
    return { verbatim: text.join('\r\n') }
  },
}

function sectionOf(name: string, fields: Fields): string {
  return `# ${name}\r\n${fields.map(([field, value]) => `${field}:${value}\r\n`).join('')}`
}
