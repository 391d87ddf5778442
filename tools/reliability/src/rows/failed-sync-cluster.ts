/**
 * Three members, and the disk of one fails a sync under load: the others go on, it says that it cannot, it
 * acknowledges nothing from then on, and whoever waits for it is told at once. Started anew it takes part
 * again.
 */
import { setTimeout as sleep } from 'node:timers/promises'
import { DURABILITY } from '@minivault/cluster'
import { ERROR, FRAME_OPCODE, type FrameRequest } from '@minivault/protocol'
import { FrameCaller } from '../nodes/frame-caller.ts'
import { between, SILENT } from '../nodes/network.ts'
import { MEMBERS, ThreeNodes } from '../nodes/three-nodes.ts'
import { failingSync } from '../process/served-store.ts'

const TROUBLED = 1
const HEALTHY = [0, 2] as const
/** Behind the syncs of its start. */
const SYNC_THAT_FAILS = 200
const WRITES_MAX = 1500
/** So many more, when it has failed. */
const WRITES_AFTER = 50
const WAITING_AT_TROUBLED = 8
const DEADLINE_MS = 20_000
/** Those that were under way at the troubled one, long before their deadline. */
const TOLD_WITHIN_MS = 5000
/** The deadline of what can come to nothing. */
const SHORT_MS = 1000
const LOOK_TIMEOUT_MS = 20_000
const PAUSE_MS = 10

/** Null: all as it must be. @param main a copy with a fault in it */
export async function failOneMember(folder: string, main?: string): Promise<string | null> {
  let isFailing = true
  const isBelow = (member: number) => isFailing && member === TROUBLED
  const nodes = await ThreeNodes.start({
    folder,
    main,
    underOf: (member) => (isBelow(member) ? failingSync(SYNC_THAT_FAILS) : []),
    environmentOf: (member) => (isBelow(member) ? { UV_THREADPOOL_SIZE: '1' } : {}),
  })
  const one = new FailedMember(nodes)
  try {
    return (
      (await one.fails()) ??
      (await one.isOut()) ??
      (await one.everyKeyIsRead()) ??
      (await one.comesBack(() => (isFailing = false)))
    )
  } finally {
    one.close()
    await nodes.close()
  }
}

class FailedMember {
  readonly #nodes: ThreeNodes
  readonly #callers: readonly FrameCaller[]
  readonly #written: string[] = []
  #isOver = false
  /** Of the answers of the troubled member. */
  #longestMs = 0

  constructor(nodes: ThreeNodes) {
    this.#nodes = nodes
    this.#callers = MEMBERS.map((member) => new FrameCaller(() => nodes.portOf(member)))
  }

  close(): void {
    for (const caller of this.#callers) caller.close()
  }

  /** Writes everywhere until it has, and some more. */
  async fails(): Promise<string | null> {
    const waiting = Array.from({ length: WAITING_AT_TROUBLED }, (_, number) => this.#wait(number))
    try {
      let left = WRITES_AFTER
      for (let n = 0; n < WRITES_MAX && left > 0; n++) {
        const error = await this.#put(HEALTHY[n % 2]!, `well ${n}`)
        if (error !== ERROR.NONE) return `write ${n} was answered ${error} by a member that is well`
        if (await this.#hasFailed()) left -= 1
      }
      if (left > 0) return `a sync failed, and nobody said so in ${WRITES_MAX} writes`
    } finally {
      this.#isOver = true
      await Promise.all(waiting)
    }
    if (this.#longestMs <= TOLD_WITHIN_MS) return null
    return `who waited at the failed member was told after ${Math.round(this.#longestMs)} ms`
  }

  /** It acknowledges nothing: neither to clients, nor to another member that has nobody else. */
  async isOut(): Promise<string | null> {
    const nodes = this.#nodes
    if (await nodes.isReady(TROUBLED)) return 'a member whose disk has failed says that it is ready'
    const asked = await this.#put(TROUBLED, 'asked of it', SHORT_MS)
    if (asked === ERROR.NONE) return 'a member whose disk has failed acknowledges a write'
    const [asking, other] = HEALTHY
    nodes.network.trouble(between([other], [asking, TROUBLED], SILENT))
    const error = await this.#put(asking, 'with its help', SHORT_MS)
    if (error === ERROR.NONE) return 'a member whose disk has failed helps to acknowledge a write'
    nodes.network.heal()
    await nodes.until('the two that are well are ready', LOOK_TIMEOUT_MS, async () => {
      const ready = await Promise.all(HEALTHY.map((member) => nodes.isReady(member)))
      return ready.every(Boolean)
    })
    return null
  }

  async everyKeyIsRead(): Promise<string | null> {
    for (const member of HEALTHY) {
      for (const key of this.#written) {
        if (!(await this.#holds(member, key))) return `member ${member} does not read ${key}`
      }
    }
    return null
  }

  async comesBack(mend: () => void): Promise<string | null> {
    await this.#nodes.kill(TROUBLED)
    mend()
    await this.#nodes.start(TROUBLED)
    await this.#nodes.voting(LOOK_TIMEOUT_MS)
    const error = await this.#put(TROUBLED, 'after all')
    return error === ERROR.NONE ? null : `started anew it answers a write with ${error}`
  }

  async #wait(number: number): Promise<void> {
    for (let n = 0; !this.#isOver; n++) {
      const startedMs = performance.now()
      await this.#put(TROUBLED, `waiting ${number} ${n}`)
      this.#longestMs = Math.max(this.#longestMs, performance.now() - startedMs)
      await sleep(PAUSE_MS)
    }
  }

  async #hasFailed(): Promise<boolean> {
    const health = await this.#nodes.health(TROUBLED)
    return health !== null && health['status'] !== 'ok'
  }

  async #put(member: number, key: string, deadlineMs = DEADLINE_MS): Promise<number> {
    const fill = (request: FrameRequest) => {
      request.durability = DURABILITY.fsync
      request.deadlineMs = deadlineMs
    }
    const words = { opcode: FRAME_OPCODE.set, key: Buffer.from(key), value: Buffer.from(key), fill }
    const called = await this.#callers[member]!.call(words, 2 * deadlineMs)
    const error = called?.reply.error ?? -1
    if (error === ERROR.NONE) this.#written.push(key)
    return error
  }

  async #holds(member: number, key: string): Promise<boolean> {
    const words = { opcode: FRAME_OPCODE.get, key: Buffer.from(key) }
    const called = await this.#callers[member]!.call(words, DEADLINE_MS)
    return called?.reply.error === ERROR.NONE && called.value.toString() === key
  }
}
