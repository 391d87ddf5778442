/**
 * The health document: flat JSON, the same on binary and HTTP. `status` is never a constant: `ok`,
 * `read-only` once the disk failed, `draining` after the first signal, `not-ready` where a member of a
 * cluster waits for others. The figures are the store's and the process's own at this moment.
 */
import { arch, cpuUsage, memoryUsage, pid, platform, version } from 'node:process'
import { zstdEngine } from '@minivault/codec'
import { DURABILITY, type Durability, type Store } from '@minivault/storage'
import type { Admission } from './admission/admission.ts'
import type { MemberHealth } from './cluster/member-health.ts'
import { HEALTH_MEMORY_AGE_MS_MAX } from './limits.ts'

const MEGABYTE = 1024 * 1024

export interface HealthSources {
  store: Store
  admission: Admission
  durability: Durability
  startedAtMs: number
  now: () => number
  version: string
  publicUrl: string | null
  /** Null: a node by itself. */
  cluster: MemberHealth | null
  /** Flat; null: it has no master, or none yet. */
  master: () => Record<string, string> | null
  connections: () => number
}

export function healthDocument(sources: HealthSources): Uint8Array {
  const { store, cluster } = sources
  const stats = store.stats()
  const why = cluster?.whyNotReady() ?? null
  return Buffer.from(
    JSON.stringify({
      status: statusOf(sources, why),
      uptime_seconds: Math.floor((sources.now() - sources.startedAtMs) / 1000),
      cache_items: stats.cacheItems,
      cache_size_mb: megabytes(stats.cacheBytes),
      storage_size_mb: megabytes(stats.diskBytes),
      memory_mb: megabytes(residentBytes(sources.now())),
      role: cluster === null ? 'single' : 'peer',
      node_id: store.nodeId,
      durability: durabilityName(sources.durability),
      keys: stats.keys,
      connections: sources.connections(),
      zstd: zstdEngine().name,
      version: sources.version,
      ...(sources.publicUrl === null ? {} : { public_url: sources.publicUrl }),
      ...cluster?.document(),
      ...sources.master(),
      ...(why === null ? {} : { waiting: why }),
      ...(store.error === null ? {} : { error: store.error.message }),
    }),
  )
}

function statusOf({ store, admission }: HealthSources, why: string | null): string {
  if (store.error !== null) return 'read-only'
  if (admission.draining) return 'draining'
  return why === null ? 'ok' : 'not-ready'
}

export function durabilityName(durability: Durability): string {
  return Object.entries(DURABILITY).find(([, level]) => level === durability)![0]
}

const resident = { bytes: 0, atMs: Number.NEGATIVE_INFINITY }

/** Asking the system takes longer than all the rest, and HEALTH needs no key. */
function residentBytes(nowMs: number): number {
  if (Math.abs(nowMs - resident.atMs) > HEALTH_MEMORY_AGE_MS_MAX) {
    resident.bytes = memoryUsage.rss()
    resident.atMs = nowMs
  }
  return resident.bytes
}

/** Two decimals: a small store is not 0 MB. */
function megabytes(bytes: number): number {
  return Math.round((bytes / MEGABYTE) * 100) / 100
}

/** Of the process, for INFO. */
export function processFigures() {
  const { rss, heapUsed } = memoryUsage()
  const { user, system } = cpuUsage()
  return {
    pid,
    platform,
    bits: arch.includes('64') ? 64 : 32,
    runtime: `node ${version}`,
    rssBytes: rss,
    heapBytes: heapUsed,
    userSeconds: user / 1e6,
    systemSeconds: system / 1e6,
  }
}
