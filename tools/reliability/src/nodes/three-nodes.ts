/**
 * Three members on this machine, each behind its gate: the others know it by the gate's address. What a
 * harness does to them is done here.
 */
import { mkdirSync, rmSync } from 'node:fs'
import { join } from 'node:path'
import { setTimeout as sleep } from 'node:timers/promises'
import { freePort } from '@minivault/free-port'
import { MemberProcess } from './member-process.ts'
import { Network } from './network.ts'

export const MEMBERS = [0, 1, 2] as const
/** A fourth that is started only where one is to be replaced, under an address of its own. */
export const SPARE = 3
const ALL = [...MEMBERS, SPARE] as const
const LAYOUT = '/-/admin/layout'
const LOOK_EVERY_MS = 20
const HEALTH_TIMEOUT_MS = 2000
const READY_TIMEOUT_MS = 30_000

export interface NodesOptions {
  /** Empty, or with the data of an earlier life. */
  readonly folder: string
  readonly words?: readonly string[]
  /** Of each member. They find each other by a master then, which runs beside them. */
  readonly regions?: readonly string[]
  /** A copy with a fault in it. */
  readonly main?: string | undefined
  /** Of one member alone. */
  readonly environmentOf?: (member: number) => Readonly<Record<string, string>>
  readonly underOf?: (member: number) => readonly string[]
  /** All that a member logs. */
  readonly onLog?: (member: number, text: string) => void
}

export type Health = Readonly<Record<string, unknown>>

export class ThreeNodes {
  readonly network: Network
  readonly #ports: readonly number[]
  readonly #options: NodesOptions
  readonly #members: (MemberProcess | null)[] = ALL.map(() => null)
  #master: MemberProcess | null = null

  /** Resolves when all three vote: what was asked before is soon forgotten. */
  static async start(options: NodesOptions): Promise<ThreeNodes> {
    const ports = await Promise.all(ALL.map(freePort))
    const nodes = new ThreeNodes(await Network.of(ALL.length), ports, options)
    try {
      if (options.regions !== undefined) await nodes.#startMaster()
      await Promise.all(MEMBERS.map((member) => nodes.start(member)))
      await nodes.voting()
    } catch (error) {
      await nodes.close()
      throw error
    }
    return nodes
  }

  private constructor(network: Network, ports: readonly number[], options: NodesOptions) {
    this.network = network
    this.#ports = ports
    this.#options = options
  }

  async #startMaster(): Promise<void> {
    const directory = join(this.#options.folder, 'master')
    mkdirSync(directory, { recursive: true })
    const words = ['-mode', 'master', '-founders', String(MEMBERS.length)]
    const port = await freePort()
    this.#master = await MemberProcess.start({ port, directory, words, environment: {} })
    await this.#master.ready
  }

  /** By which a member finds the others. */
  #wordsOf(member: number): string[] {
    const { regions } = this.#options
    if (regions === undefined) return []
    return ['-master', `http://127.0.0.1:${this.#master!.port}`, '-region', regions[member]!]
  }

  /** Resolves when it serves. */
  async start(member: number): Promise<void> {
    await this.launch(member)
    await this.process(member).ready
  }

  async launch(member: number): Promise<void> {
    const { words = [], main, environmentOf, underOf, onLog } = this.#options
    const { network } = this
    const others = MEMBERS.filter((one) => one !== member).map((one) => network.nameOf(one))
    const directory = this.directoryOf(member)
    mkdirSync(directory, { recursive: true })
    const port = this.#ports[member]!
    this.#members[member] = await MemberProcess.start({
      port,
      directory,
      words: ['-public-url', network.nameOf(member), ...this.#wordsOf(member), ...words],
      environment: {
        ...(this.#master === null ? { CLUSTER_NODES: others.join(',') } : {}),
        ...environmentOf?.(member),
      },
      main,
      under: underOf?.(member) ?? [],
      onLog: onLog === undefined ? undefined : (text) => onLog(member, text),
    })
    network.moved(member, port)
  }

  directoryOf(member: number): string {
    return join(this.#options.folder, `member-${member}`)
  }

  /** SIGTERM, and wait for its end. */
  async stop(member: number): Promise<void> {
    await this.process(member).stop()
    this.#gone(member)
  }

  /** kill -9. */
  async kill(member: number): Promise<void> {
    await this.process(member).kill()
    this.#gone(member)
  }

  /** Its disk is another, empty one. It is not running. */
  wipe(member: number): void {
    rmSync(this.directoryOf(member), { recursive: true, force: true })
  }

  process(member: number): MemberProcess {
    const found = this.#members[member]
    if (found === null || found === undefined) throw new Error(`member ${member} is not running`)
    return found
  }

  isRunning(member: number): boolean {
    return this.#members[member] != null
  }

  /** Where its clients reach it without a gate in between; 0: nowhere. */
  portOf(member: number): number {
    return this.#members[member]?.port ?? 0
  }

  /** Null: no answer. */
  async health(member: number): Promise<Health | null> {
    try {
      const signal = AbortSignal.timeout(HEALTH_TIMEOUT_MS)
      const response = await fetch(`http://127.0.0.1:${this.portOf(member)}/health`, { signal })
      return (await response.json()) as Health
    } catch {
      return null
    }
  }

  /** What the operator asks of a member: GET, or with a body POST. */
  async layout(member: number, change?: object): Promise<Health> {
    const words = change === undefined ? {} : { method: 'POST', body: JSON.stringify(change) }
    const response = await fetch(`http://127.0.0.1:${this.portOf(member)}${LAYOUT}`, words)
    const said = await response.text()
    if (!response.ok) throw new Error(`layout of member ${member}: ${response.status} ${said}`)
    return JSON.parse(said) as Health
  }

  /** Whether it says that it serves. */
  async isReady(member: number): Promise<boolean> {
    try {
      const signal = AbortSignal.timeout(HEALTH_TIMEOUT_MS)
      const response = await fetch(`http://127.0.0.1:${this.portOf(member)}/-/readyz`, { signal })
      await response.arrayBuffer()
      return response.status === 200
    } catch {
      return false
    }
  }

  async isVoting(member: number): Promise<boolean> {
    const health = await this.health(member)
    return health?.['votes'] === true
  }

  /** All that run vote and serve. */
  async voting(timeoutMs = READY_TIMEOUT_MS): Promise<void> {
    const running = MEMBERS.filter((member) => this.isRunning(member))
    await this.until('all vote', timeoutMs, async () => {
      const found = await Promise.all(running.map((member) => this.isVoting(member)))
      return found.every(Boolean)
    })
    await this.ready(timeoutMs)
  }

  /** All that run. */
  async ready(timeoutMs = READY_TIMEOUT_MS): Promise<void> {
    const running = MEMBERS.filter((member) => this.isRunning(member))
    await this.until('all are ready', timeoutMs, async () => {
      const found = await Promise.all(running.map((member) => this.isReady(member)))
      return found.every(Boolean)
    })
  }

  /** Throws, with what the members last said, when it does not come to be. Returns how long it took. */
  async until(what: string, timeoutMs: number, condition: () => Promise<boolean>): Promise<number> {
    const startedMs = performance.now()
    while (!(await condition())) {
      if (performance.now() - startedMs > timeoutMs) {
        throw new Error(`not within ${timeoutMs} ms: ${what}\n${await this.report()}`)
      }
      await sleep(LOOK_EVERY_MS)
    }
    return performance.now() - startedMs
  }

  /** What the members say of themselves, for whoever has to find out why. */
  async report(): Promise<string> {
    const parts = ALL.map(async (member) => {
      const said = this.#members[member]?.said.slice(-1500) ?? 'not running'
      const health = this.isRunning(member) ? JSON.stringify(await this.health(member)) : ''
      return `member ${member}: ${health}\n${said}`
    })
    return (await Promise.all(parts)).join('\n')
  }

  async close(): Promise<void> {
    for (const member of ALL) if (this.isRunning(member)) await this.kill(member)
    await this.#master?.kill()
    await this.network.close()
  }

  #gone(member: number): void {
    this.#members[member] = null
    this.network.left(member)
  }
}

/** Nobody remembers anything that another one has missed, or may have. */
export async function isHealed(nodes: ThreeNodes): Promise<boolean> {
  const running = MEMBERS.filter((member) => nodes.isRunning(member))
  const found = await Promise.all(running.map((member) => nodes.health(member)))
  return found.every((health) => health?.['hints_pending'] === 0 && health['writes_heard_out'] === 0)
}
