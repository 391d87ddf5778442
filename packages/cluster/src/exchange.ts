/** Questions to the replicas of one key, and who hears their answers: each replica once. */
import type { Electorate } from './electorate.ts'
import type { RepairReply, Reply } from './messages.ts'

/** Who asked. It closes the exchange when it has heard enough. */
export interface Asker {
  onReply(position: number, reply: Reply | RepairReply): void
  onTimer(stage: number): void
}

export class Exchange {
  /** Under which answers and timers come back; used once. */
  readonly number: number
  readonly electorate: Electorate
  readonly asker: Asker
  readonly sinceMs: number
  /** Whether those are heard, too, who may have forgotten something. */
  readonly hearsAll: boolean
  #heard = 0

  constructor(number: number, electorate: Electorate, asker: Asker, sinceMs: number, hearsAll: boolean) {
    this.number = number
    this.electorate = electorate
    this.asker = asker
    this.sinceMs = sinceMs
    this.hearsAll = hearsAll
  }

  /** The position of a member that is heard for the first time; else -1. */
  hear(member: number): number {
    const position = this.electorate.positionOf(member)
    if (position < 0 || (this.#heard & (1 << position)) !== 0) return -1
    this.#heard |= 1 << position
    return position
  }
}
