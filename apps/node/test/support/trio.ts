/**
 * Three members in one process: a whole core each, over logs in memory. Their messages pass through turns of
 * the event loop; one that is cut off hears nothing and is not heard.
 */
import {
  type Answer as CoreAnswer,
  Electorate,
  type Env,
  HybridLogicalClock,
  LEVEL,
  type Message,
  NodeCore,
} from '@minivault/cluster'
import { fixedPlacement } from '@minivault/cluster/testing'
import { bug } from '../../src/bug.ts'
import { ClusterKeyValue, type LargeParts } from '../../src/cluster/cluster-key-value.ts'
import type { Complete } from '../../src/key-value.ts'
import { MemoryReplica } from './memory-replica.ts'
import { memoryPage } from './memory-scan.ts'

const TICK_MS = 250
const ALL = new Electorate([0, 1, 2])
export const PLACEMENT = fixedPlacement(ALL, 1024)

export class TrioMember implements Env {
  readonly number: number
  readonly core: NodeCore
  readonly store = new MemoryReplica()
  /** Messages that it has sent. */
  sent = 0
  readonly #trio: Trio
  #keyValue: ClusterKeyValue | null = null

  constructor(trio: Trio, number: number) {
    this.number = number
    this.#trio = trio
    const clock = new HybridLogicalClock({ writerId: 2 * (number + 1), now: () => this.wallMs() })
    this.core = new NodeCore({ env: this, store: this.store, clock, placement: PLACEMENT, self: number })
  }

  get keyValue(): ClusterKeyValue {
    return this.#keyValue!
  }

  /** The port of this member; its answers go there. */
  openPort(complete: Complete): ClusterKeyValue {
    this.#keyValue = new ClusterKeyValue({
      complete,
      core: this.core,
      isWarm: () => this.#trio.isWarm,
      warm: (_key, then) => void setImmediate(then),
      refusal: ({ level }) =>
        level === LEVEL.quorum && this.#trio.isAlone(this.number) ? 'no majority can be reached' : null,
      scan: async (query) => memoryPage(this.store, query, this.wallMs()),
      large: NO_FILES,
      foresee: () => {},
      now: () => this.now(),
      wallMs: () => this.wallMs(),
    })
    return this.#keyValue
  }

  now(): number {
    return performance.now()
  }

  wallMs(): number {
    return this.#trio.now()
  }

  random(): number {
    return Math.random()
  }

  send(member: number, message: Message): void {
    this.sent += 1
    this.#trio.send(this.number, member, message)
  }

  setTimer(afterMs: number, exchange: number, stage: number): void {
    this.#trio.after(afterMs, () => this.core.onTimer(exchange, stage))
  }

  answer(token: number, answer: CoreAnswer): void {
    this.keyValue.answer(token, answer)
  }
}

/** These members are without folders. */
const NO_FILES: LargeParts = {
  files: { staged: (blob) => blob },
  streams: {
    openBlob: () => bug('there are no files here'),
    discard: () => {},
  },
  stage: () => Promise.reject(new Error('there are no files here')),
}

export class Trio {
  readonly members: readonly TrioMember[]
  /** Nothing reaches them, nothing comes from them. */
  readonly down = new Set<number>()
  /** False: what stands under a key comes into memory later. */
  isWarm = true
  readonly now: () => number
  readonly #timers = new Set<NodeJS.Timeout>()
  readonly #ticks: NodeJS.Timeout

  constructor(now: () => number = Date.now) {
    this.now = now
    this.members = [0, 1, 2].map((number) => new TrioMember(this, number))
    this.#ticks = setInterval(() => {
      for (const { core } of this.members) core.onTick()
    }, TICK_MS)
  }

  isAlone(member: number): boolean {
    return this.down.size > 1 || this.down.has(member)
  }

  send(from: number, to: number, message: Message): void {
    setImmediate(() => {
      if (!this.down.has(from) && !this.down.has(to)) this.members[to]!.core.onMessage(from, message)
    })
  }

  after(ms: number, then: () => void): void {
    const timer = setTimeout(() => {
      this.#timers.delete(timer)
      then()
    }, ms)
    this.#timers.add(timer)
  }

  close(): void {
    clearInterval(this.#ticks)
    for (const timer of this.#timers) clearTimeout(timer)
  }
}
