/**
 * A running master: the only place that wires. It opens bottom-up (store, registry, door, listening socket)
 * and closes top-down. Programs and tests start one with `startMaster`.
 *
 *   workers ─ heartbeats ─▶ AdminDoor ─▶ Enrolment ─▶ Workers ─▶ Registry ─▶ its own store
 *                                        LayoutCare ─▶ Members ─ asks ─▶ a live worker
 */
import type { Server } from 'node:http'
import { Store } from '@minivault/storage'
import { AdminDoor } from './http/admin-door.ts'
import { LayoutCare } from './layout/layout-care.ts'
import { Members } from './layout/members.ts'
import { CACHE_BYTES, CONNECTIONS_MAX, DRAIN_MS, REQUEST_TIMEOUT_MS, TICK_MS } from './limits.ts'
import { type MasterLogger, SILENT } from './logger.ts'
import { StoreRegistry } from './registry/store-registry.ts'
import { Security, type SecurityFiles } from './security.ts'
import { systemTime, type Time } from './time.ts'
import { VERSION } from './version.ts'
import { type ClusterRules, Enrolment } from './workers/enrolment.ts'
import { Reachability } from './workers/reachability.ts'
import { Workers } from './workers/workers.ts'

export interface MasterOptions extends Partial<SecurityFiles> {
  /** 0: any free port, see `Master.port`. Default 3000. */
  port?: number
  host?: string
  /** Of the registry; made where it is missing. */
  directory: string
  authKey?: string | null
  rules?: Partial<ClusterRules>
  logger?: MasterLogger
  time?: Time
}

export interface MasterParts {
  readonly store: Store
  readonly server: Server
  readonly security: Security
}

const RULES: ClusterRules = { mode: 'federated', replicas: 3, foundersMin: 0 }

export class Master {
  readonly #store: Store
  readonly #registry: StoreRegistry
  readonly #workers: Workers
  readonly #care: LayoutCare
  readonly #rules: ClusterRules
  readonly #time: Time
  readonly #server: Server
  readonly #security: Security
  readonly #startedAtMs: number
  #ticks: unknown = null
  #isDraining = false
  #closing: Promise<void> | null = null

  /** Use `startMaster`. */
  constructor({ store, server, security }: MasterParts, options: MasterOptions) {
    const { authKey = null, logger = SILENT, time = systemTime } = options
    const { elapsedMs } = time
    this.#store = store
    this.#server = server
    this.#security = security
    this.#time = time
    this.#startedAtMs = elapsedMs()
    const rules = { ...RULES, ...options.rules }
    this.#rules = rules
    const registry = new StoreRegistry(store, options.directory)
    this.#registry = registry
    const workers = new Workers(registry, elapsedMs)
    this.#workers = workers
    const members = new Members({ workers, authKey, security: () => security.ofCalls })
    this.#care = new LayoutCare({ registry, workers, members, rules, logger })
    const reachability = new Reachability(() => security.ofCalls, elapsedMs)
    const enrolment = new Enrolment({ registry, workers, reachability, rules, elapsedMs, logger })
    const door = new AdminDoor({
      enrolment,
      members,
      authKey,
      health: () => this.health(),
      workers: () => this.workers(),
      isDraining: () => this.#isDraining,
      logger,
    })
    server.on('request', door.serve)
    this.#ticks = time.every(TICK_MS, () => {
      this.#care.onTick().catch((error: Error) => logger.error({ error: error.stack }, error.message))
    })
  }

  get port(): number {
    const address = this.#server.address()
    return typeof address === 'object' && address !== null ? address.port : 0
  }

  /** Flat, as that of a node. */
  health(): Record<string, string | number> {
    const { clusterId, founding, layout } = this.#registry.facts
    const { error, nodeId } = this.#store
    const live = this.#workers.live
    return {
      status: error !== null ? 'read-only' : this.#isDraining ? 'draining' : 'ok',
      uptime_seconds: Math.floor((this.#time.elapsedMs() - this.#startedAtMs) / 1000),
      role: 'master',
      node_id: nodeId,
      version: VERSION,
      geo: founding?.mode ?? this.#rules.mode,
      cluster_id: clusterId ?? '',
      layout_epoch: layout?.epoch ?? 0,
      layout_members: layout?.members.length ?? 0,
      ...(this.#care.phase === null ? {} : { layout_phase: this.#care.phase }),
      workers: this.#workers.all.length,
      workers_live: live.length,
      workers_joining: live.filter(({ state }) => state === 'joining').length,
      regions: [...new Set(live.map(({ region }) => region))].sort().join(', '),
      ...(error === null ? {} : { error: error.message }),
    }
  }

  /** Everybody who registered; seconds with one decimal, null: not since the master began. */
  workers(): object[] {
    return this.#workers.all.map((worker) => {
      const { name, region, zone, nodeId, epoch, state } = worker
      const silentMs = this.#workers.silentMs(worker)
      const lastHeardSeconds = Number.isFinite(silentMs) ? Math.round(silentMs / 100) / 10 : null
      const isLive = this.#workers.isLive(worker)
      return { name, region, zone, nodeId, isLive, lastHeardSeconds, epoch, state }
    })
  }

  /** Reads the certificate files again: new connections see what is in them, unless they cannot serve. */
  reloadCertificates(): void {
    this.#security.reload()
  }

  /** Idempotent. */
  close(): Promise<void> {
    this.#closing ??= this.#close()
    return this.#closing
  }

  async #close(): Promise<void> {
    this.#isDraining = true
    this.#time.cancel(this.#ticks)
    const closed = new Promise<void>((resolve) => this.#server.close(() => resolve()))
    this.#server.closeIdleConnections()
    const patience = this.#time.every(DRAIN_MS, () => this.#server.closeAllConnections())
    await closed
    this.#time.cancel(patience)
    await this.#store.close()
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.close()
  }
}

/**
 * Opens the registry and listens. Throws UsageError for certificates, RegistryError, StorageError, or the
 * listening socket's error; then nothing is left open.
 */
export async function startMaster(options: MasterOptions): Promise<Master> {
  const { directory, port = 3000, host = '0.0.0.0', tls = null, caFile = null } = options
  const { logger = SILENT, time = systemTime } = options
  const security = new Security({ tls, caFile }, logger, time.now)
  const limits = { requestTimeout: REQUEST_TIMEOUT_MS, connectionsCheckingInterval: REQUEST_TIMEOUT_MS }
  const server = await security.createServer(limits)
  server.maxConnections = CONNECTIONS_MAX
  const store = await Store.open({ directory, cacheBytes: CACHE_BYTES })
  let master: Master | null = null
  try {
    await store.loaded()
    master = new Master({ store, server, security }, options)
    await listen(server, port, host)
    return master
  } catch (error) {
    await (master ?? store).close()
    throw error
  }
}

function listen(server: Server, port: number, host: string): Promise<void> {
  return new Promise((resolve, reject) => {
    server.once('error', reject)
    server.listen({ port, host }, () => {
      server.off('error', reject)
      resolve()
    })
  })
}
