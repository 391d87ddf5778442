/*
 * The nodes of a cluster and which of them a call goes to.
 *
 * At first these are the hosts of the URL. Once a layout has been read they are its members, under the names
 * by which it has them, and a key's replicas come first, in its order; those of the region that is asked for
 * before all others. Hosts of the URL that are no members by name are kept for when no member can be reached.
 * Any node takes any call: a layout that is out of date, or none, costs a hop between nodes and nothing else.
 */

import { type Address, parseAddress, placeOf } from './address.ts'
import type { Transport } from './calls.ts'
import type { Listeners } from './client-events.ts'
import { ClusterNode, FITNESS } from './cluster-node.ts'
import { NODE_LEAVES_MS, REST_MS_MIN } from './limits.ts'
import type { Request } from './request.ts'
import type { Routing } from './routing.ts'
import type { Time } from './time.ts'

export interface NodesOptions {
  /** hosts of the URL, of one scheme and token */
  seeds: readonly Address[]
  routing: Routing
  /** its members are asked first; undefined: all are the same */
  region: string | undefined
  listeners: Listeners
  time: Time
  /** `node()`, from the first request on, is whom it serves */
  transport: (address: Address, node: () => ClusterNode) => Transport
}

export class ClusterNodes {
  readonly #options: NodesOptions
  readonly #all = new Map<string, ClusterNode>()
  /** by their place in the layout; without one the hosts of the URL */
  #members: readonly ClusterNode[]
  #spares: readonly ClusterNode[] = []
  #leaving: { node: ClusterNode; at: number }[] = []
  #probedAt = 0
  /** where calls without a key begin, the same for all of this client */
  readonly #offset: number

  constructor(options: NodesOptions) {
    this.#options = options
    this.#members = options.seeds.map((address) => this.#node(address))
    this.#offset = Math.floor(options.time.random() * this.#members.length)
  }

  /** 0: no layout is known. */
  get epoch(): number {
    return this.#options.routing.epoch
  }

  /** All that may be asked. */
  *[Symbol.iterator](): IterableIterator<ClusterNode> {
    yield* this.#members
    yield* this.#spares
  }

  /** The fittest that was not tried; among equals the most likely replica. null: all were tried. */
  choose(request: Request, tried: readonly ClusterNode[], now: number): ClusterNode | null {
    const { isWrite, key } = request
    let best: ClusterNode | null = null
    let bestFitness = Number.POSITIVE_INFINITY
    const { routing } = this.#options
    const offset = key.length === 0 ? this.#offset : routing.lookUp(key)
    const row = key.length === 0 ? undefined : routing.replicas
    const rowLength = row?.length ?? 0
    const count = rowLength + this.#members.length + this.#spares.length
    for (let i = 0; i < count; i++) {
      const node = this.#candidate(i, rowLength, row, offset)
      const fitness = node.fitness(isWrite, now)
      if (fitness >= bestFitness || tried.includes(node)) continue
      best = node
      bestFitness = fitness
      if (fitness === FITNESS.upAndNear) break
    }
    best?.take(isWrite, now)
    return best
  }

  /** One is up that was not tried. */
  isAnyLeft(tried: readonly ClusterNode[]): boolean {
    for (const node of this) if (!node.isDown && !tried.includes(node)) return true
    return false
  }

  /** Asks those that are down whether they are back. */
  probe(now: number): void {
    if (now - this.#probedAt < REST_MS_MIN) return
    this.#probedAt = now
    for (const node of this) if (node.isDown) node.probe(now)
  }

  #candidate(i: number, rowLength: number, row: Uint16Array | undefined, offset: number): ClusterNode {
    const members = this.#members
    if (i < rowLength) return members[row![i]!]!
    const beyond = i - rowLength
    if (beyond < members.length) return members[(offset + beyond) % members.length]!
    return this.#spares[beyond - members.length]!
  }

  /** Takes a layout, unless it is no newer than the one that is known, or cannot be read or followed. */
  adopt(bytes: Uint8Array, now: number): void {
    this.#letGo(now)
    const { routing, region, listeners } = this.#options
    const [seed] = this.#options.seeds
    const told = routing.adopt(bytes)
    if (told === null) return
    const members = told.map((member) => {
      const node = this.#node({ ...parseAddress(`${seed!.scheme}://${member.name}`), token: seed!.token })
      node.isNear = region === undefined || member.region === region
      return node
    })
    const seeds = this.#options.seeds.map((address) => this.#node(address))
    const before = [...this]
    this.#members = members
    this.#spares = seeds.filter((node) => !members.includes(node))
    for (const node of this.#spares) node.isNear = region === undefined
    for (const node of before) {
      if (members.includes(node) || seeds.includes(node)) continue
      this.#all.delete(node.place)
      this.#leaving.push({ node, at: now })
    }
    listeners.tell('layout', { epoch: routing.epoch, members: told })
  }

  #node(address: Address): ClusterNode {
    const place = placeOf(address)
    const known = this.#all.get(place)
    if (known !== undefined) return known
    const transport = this.#options.transport(address, () => node)
    const node: ClusterNode = new ClusterNode(address, transport, this.#options)
    this.#all.set(place, node)
    return node
  }

  /** Those that are members no more end when their calls have had their time. */
  #letGo(now: number): void {
    const isOver = ({ at }: { at: number }) => now - at >= NODE_LEAVES_MS
    for (const leaving of this.#leaving) if (isOver(leaving)) leaving.node.close()
    this.#leaving = this.#leaving.filter((leaving) => !isOver(leaving))
  }

  close(): void {
    for (const node of this.#all.values()) node.close()
    for (const { node } of this.#leaving) node.close()
  }
}
