/**
 * A running node: the only place that wires. It opens bottom-up (store, port, doors, listening sockets) and
 * closes top-down (not ready, no new connections, drain, flush, unlock). Programs and tests start one with
 * `startNode`.
 *
 *   doors (main port, HTTP) → admission → KeyValue → store → log
 */
import { randomInt } from 'node:crypto'
import type { Server } from 'node:net'
import { MAX_OFFSET_MS } from '@minivault/clock'
import type { TlsFiles } from '@minivault/command-line'
import { DURABILITY, type Durability, Store, spareBytesOf } from '@minivault/storage'
import { Admission, type AuthMode } from './admission/admission.ts'
import { Credentials } from './admission/credentials.ts'
import { Clustered } from './cluster/clustered.ts'
import { HeldBytes } from './door/held-bytes.ts'
import { Lookahead } from './door/lookahead.ts'
import { MainDoor } from './door/main-door.ts'
import { layOut, SPARE_BYTES } from './door/memory.ts'
import { Unpackings } from './door/unpackings.ts'
import { healthDocument } from './health.ts'
import { HttpDoor } from './http/http-door.ts'
import { PlainReplies } from './http/plain-replies.ts'
import { type Complete, type KeyValue, Operation } from './key-value.ts'
import {
  CONNECTIONS_MAX,
  DRAIN_IDLE_MS,
  DRAIN_TIMEOUT_MS,
  READING_BYTES_MAX,
  SWEEP_INTERVAL_MS,
} from './limits.ts'
import { LocalKeyValue } from './local/local-key-value.ts'
import type { MasterLink } from './master/master-link.ts'
import { PeerCertificates } from './peers/peer-certificates.ts'
import { PeerDoor, type PeerReceiver } from './peers/peer-door.ts'
import { Receivers } from './receivers.ts'
import { PortAsking } from './resp/asking.ts'
import { commands } from './resp/command-table.ts'
import { RespGateway } from './resp/resp-gateway.ts'
import { ValuesAtHand } from './resp/values-at-hand.ts'
import type { ClusterSettings } from './settings/cluster-settings.ts'
import type { ProtocolName } from './settings/settings.ts'
import { systemTime, type Time } from './time.ts'
import { TlsDoor } from './tls/tls-door.ts'
import { VERSION } from './version.ts'

/** What the node tells its log. pino's loggers fit. */
export interface NodeLogger {
  info(fields: object, message: string): void
  warn(fields: object, message: string): void
  error(fields: object, message: string): void
}

export interface NodeOptions {
  /** 0: any free port, see `Node.port`. */
  port?: number
  /** One more port with HTTP only, and one with the Redis protocol only; null: none. */
  httpPort?: number | null
  respPort?: number | null
  host?: string
  directory: string
  durability?: Durability
  cacheBytes?: number
  authKey?: string | null
  authMode?: AuthMode
  ratePerSecond?: number
  /** Of the main port. */
  protocols?: ReadonlySet<ProtocolName>
  /** Every port speaks TLS only; null: none does. */
  tls?: TlsFiles | null
  /** Origins whose pages may call by HTTP, `*` for all; null: none but the node's own. */
  corsOrigins?: ReadonlySet<string> | null
  connectionsMax?: number
  publicUrl?: string | null
  /** The other nodes; null: a node by itself. */
  cluster?: ClusterSettings | null
  maxOffsetMs?: number
  /** The layout of the cluster in its binary form, for clients; null: the node is on its own. */
  layout?: (() => Uint8Array | null) | null
  /** Who takes batches of other members; null: the node is on its own. */
  peers?: PeerReceiver | null
  logger?: NodeLogger
  time?: Time
  /** Read sockets as plain streams: the tested fallback. */
  plainStreams?: boolean
  /** False: all HTTP by way of `node:http`, the reference of the lane for plain requests. */
  plainHttp?: boolean
  /** What stands between the doors and the store; tests put a port there that answers late and shuffled. */
  wrapKeyValue?: (inner: KeyValue, complete: Complete, store: Store) => KeyValue
}

const SILENT: NodeLogger = { info: () => {}, warn: () => {}, error: () => {} }
const ALL_PROTOCOLS: ReadonlySet<ProtocolName> = new Set(['binary', 'http', 'resp'])
const HTTP_ONLY: ReadonlySet<ProtocolName> = new Set(['http'])
const RESP_ONLY: ReadonlySet<ProtocolName> = new Set(['resp'])

/** What a node is made of. */
interface NodeParts {
  store: Store
  local: LocalKeyValue
  receivers: Receivers
  tls: TlsDoor | null
}

export class Node {
  readonly store: Store
  readonly admission: Admission
  /** Null: a node by itself. */
  readonly cluster: Clustered | null
  readonly #main: MainDoor
  readonly #http: HttpDoor
  readonly #tls: TlsDoor | null
  readonly #servers: Server[] = []
  #mainPort: Server | null = null
  #httpPort: Server | null = null
  #respPort: Server | null = null
  readonly #time: Time
  #master: MasterLink | null = null
  #sweep: unknown = null
  #closing: Promise<void> | null = null

  /** Use `startNode`. */
  constructor(parts: NodeParts, options: NodeOptions) {
    const { store, local, receivers, tls } = parts
    const time = options.time ?? systemTime
    const logger = options.logger ?? SILENT
    this.store = store
    this.#tls = tls
    this.#time = time
    this.admission = admissionOf(options, time)
    const durability = options.durability ?? DURABILITY.fsync
    this.cluster = options.cluster ? this.#join(options.cluster, parts, options) : null
    const inner = this.cluster?.keyValue ?? local
    const keyValue = options.wrapKeyValue?.(inner, receivers.complete, store) ?? inner
    const held = new HeldBytes()
    const { streams } = store
    const session = {
      keyValue,
      operation: new Operation(),
      lookahead: new Lookahead(keyValue),
      admission: this.admission,
      durability,
      nodeId: store.nodeId,
      peers: this.cluster?.peers ?? peersOf(options, logger, time),
      layout: this.cluster === null ? (options.layout ?? null) : () => this.cluster!.layout(),
      admin: this.cluster?.admin ?? null,
      whyNotReady: () => this.cluster?.whyNotReady() ?? null,
      streams,
      held,
      unpackings: new Unpackings({ keyValue, streams, held, sleep: time.sleep, now: time.now }),
      now: time.now,
      isReadingMuch: () => store.engine.readingBytes > READING_BYTES_MAX,
      health: () => healthDocument(sources),
    }
    const { corsOrigins = null } = options
    this.#http = new HttpDoor({ ...session, receivers, sleep: time.sleep, corsOrigins })
    this.#main = new MainDoor({
      connectionsMax: options.connectionsMax ?? CONNECTIONS_MAX,
      session,
      memory: layOut(spareBytesOf(store.engine.log)),
      receivers,
      http: this.#http,
      plainReplies:
        options.plainHttp === false
          ? null
          : new PlainReplies(time.now, this.#http.crossOrigin.dependsOnOrigin),
      resp: new RespGateway({
        session,
        commands,
        ask: new PortAsking({ keyValue, receivers, durability, held, now: time.now }),
        values: new ValuesAtHand(keyValue, receivers, durability),
        node: () => sources,
      }),
      plainStreams: options.plainStreams ?? false,
      tls,
      onRefused: () =>
        logger.warn({ connections: this.#main.connections }, 'connection refused: -maxconns reached'),
    })
    const sources = {
      store,
      admission: this.admission,
      durability,
      startedAtMs: time.now(),
      now: time.now,
      version: VERSION,
      publicUrl: options.publicUrl ?? null,
      cluster: this.cluster?.health ?? null,
      master: () => this.#master?.document() ?? null,
      connections: () => this.connections,
    }
  }

  #join(settings: ClusterSettings, { store, receivers }: NodeParts, options: NodeOptions): Clustered {
    return new Clustered({
      settings,
      store,
      authKey: options.authKey ?? null,
      tls: options.tls ?? null,
      maxOffsetMs: options.maxOffsetMs ?? MAX_OFFSET_MS,
      time: this.#time,
      logger: options.logger ?? SILENT,
      complete: receivers.complete,
    })
  }

  /** The main port, once listening. */
  get port(): number {
    return portOf(this.#mainPort)
  }

  /** The HTTP-only port, 0 when there is none. */
  get httpPort(): number {
    return portOf(this.#httpPort)
  }

  /** Clients that are connected now. */
  get connections(): number {
    return this.#main.connections
  }

  /** The port with the Redis protocol only, 0 when there is none. */
  get respPort(): number {
    return portOf(this.#respPort)
  }

  async listen(options: NodeOptions): Promise<void> {
    const { port = 3000, httpPort = null, respPort = null, host = '0.0.0.0' } = options
    this.#mainPort = await this.#open(options.protocols ?? ALL_PROTOCOLS, port, host)
    if (httpPort !== null) this.#httpPort = await this.#open(HTTP_ONLY, httpPort, host)
    if (respPort !== null) this.#respPort = await this.#open(RESP_ONLY, respPort, host)
    this.#http.startTimeouts()
    this.#sweep = this.#time.every(SWEEP_INTERVAL_MS, () => {
      this.#main.sweep()
      this.#http.sweep()
    })
  }

  /** The master hears of this node from now on, where it has one. Its doors are to be open. */
  async callMaster({ cluster, authKey = null, tls = null, logger = SILENT }: NodeOptions): Promise<void> {
    const clustered = this.cluster
    if (clustered === null || cluster?.founders.kind !== 'master') return
    const { MasterLink } = await import('./master/master-link.ts')
    const { name, region, zone } = cluster
    const certificates = tls === null ? null : new PeerCertificates(tls)
    this.#master = new MasterLink({
      url: cluster.founders.url,
      worker: { name, region, zone, nodeId: this.store.nodeId, isSecure: tls !== null },
      standing: () => clustered.standing,
      onFounding: (founding) => clustered.begin(founding),
      authKey,
      security: () => certificates?.current ?? null,
      random: () => randomInt(RANDOM_MAX) / RANDOM_MAX,
      time: this.#time,
      logger,
    })
  }

  /** Reads the certificate files again: new connections see what is in them, unless they cannot serve. */
  reloadCertificates(): void {
    this.#tls?.reload()
  }

  async #open(speaks: ReadonlySet<ProtocolName>, port: number, host: string): Promise<Server> {
    const server = this.#main.createPort(speaks)
    this.#servers.push(server)
    await listen(server, port, host)
    return server
  }

  /** Not ready, drain, flush, unlock. Idempotent; everything acknowledged is on disk when it resolves. */
  close(): Promise<void> {
    this.#closing ??= this.#close()
    return this.#closing
  }

  async #close(): Promise<void> {
    this.admission.draining = true
    const closed = this.#servers.map(
      (server) => new Promise<void>((resolve) => server.close(() => resolve())),
    )
    this.#main.drain()
    this.#http.server.closeIdleConnections()
    await this.#drained()
    this.#main.destroy()
    this.#http.server.closeAllConnections()
    this.#http.server.emit('close')
    await Promise.all(closed)
    if (this.#sweep !== null) this.#time.cancel(this.#sweep)
    this.#master?.close()
    this.cluster?.close()
    await this.store.close()
  }

  async #drained(): Promise<void> {
    const started = this.#time.now()
    while (this.#main.draining > 0 && this.#time.now() - started < DRAIN_TIMEOUT_MS) {
      await this.#time.sleep(10)
      this.#http.server.closeIdleConnections()
      if (this.#time.now() - started > DRAIN_IDLE_MS) this.#main.destroyIdle()
    }
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.close()
  }
}

/**
 * Opens the data folder and listens. Throws UsageError for certificates, StorageError, or the listening
 * socket's error; then nothing is left open.
 */
export async function startNode(options: NodeOptions): Promise<Node> {
  const { logger = SILENT, time = systemTime } = options
  const tls = options.tls ? new TlsDoor(options.tls, logger, time.now) : null
  const receivers = new Receivers()
  const local = new LocalKeyValue(receivers.complete)
  const store = await Store.open({
    directory: options.directory,
    listener: local,
    spareBytes: SPARE_BYTES,
    ...(options.cacheBytes === undefined ? {} : { cacheBytes: options.cacheBytes }),
    ...(options.maxOffsetMs === undefined ? {} : { maxOffsetMs: options.maxOffsetMs }),
  })
  if (store.getMeta(MASTERS_MARK) !== undefined) {
    await store.close()
    throw new Error(
      `${options.directory} is the folder of a master: give the worker one of its own with -data`,
    )
  }
  local.attach(store)
  // A replica has to know all that it holds.
  if (options.cluster) await store.loaded()
  const node = new Node({ store, local, receivers, tls }, options)
  try {
    await node.listen(options)
    await node.callMaster(options)
    return node
  } catch (error) {
    await node.close()
    throw error
  }
}

const RANDOM_MAX = 2 ** 32
/** What a master writes into its folder (@minivault/master is not loaded for that). */
const MASTERS_MARK = 'master-registry'

function listen(server: Server, port: number, host: string): Promise<void> {
  return new Promise((resolve, reject) => {
    server.once('error', reject)
    server.listen({ port, host, backlog: 4096 }, () => {
      server.off('error', reject)
      resolve()
    })
  })
}

function admissionOf({ authMode, authKey, ratePerSecond }: NodeOptions, { now }: Time): Admission {
  return new Admission({
    authMode: authMode ?? 'none',
    credentials: authKey ? new Credentials(authKey) : null,
    ratePerSecond: ratePerSecond ?? 0,
    now,
  })
}

function peersOf({ peers }: NodeOptions, logger: NodeLogger, time: Time): PeerDoor | null {
  return peers ? new PeerDoor({ receiver: peers, logger, time }) : null
}

function portOf(server: Server | null): number {
  const address = server?.address()
  return typeof address === 'object' && address !== null ? address.port : 0
}
