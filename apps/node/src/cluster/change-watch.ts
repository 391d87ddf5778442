/**
 * A change of the layout that does not come to its end: how long it has been on its way, and who of those
 * that it waits for is not heard. For an operator, who alone can tell whether that one comes back.
 */
import type { LinkStatus } from '../peers/link-status.ts'
import type { Member } from './member.ts'

export interface ChangeWatchParts {
  readonly member: Member
  /** Null: there is no link. */
  readonly linkStatus: (name: string) => LinkStatus | null
  readonly elapsedMs: () => number
}

export interface Silent {
  readonly name: string
  /** It was heard last so long ago; null: it never was, and shares nothing with us. */
  readonly ms: number | null
}

export class ChangeWatch {
  readonly #parts: ChangeWatchParts
  /** Of the layout as of the last look. */
  #phase = 0
  #sinceMs = 0

  constructor(parts: ChangeWatchParts) {
    this.#parts = parts
  }

  /** With every tick. */
  look(): void {
    const { member, elapsedMs } = this.#parts
    const phase = member.layouts?.epoch ?? 0
    if (phase === this.#phase) return
    this.#phase = phase
    this.#sinceMs = elapsedMs()
  }

  /** As far as this node has seen it; null: nothing is on its way. */
  get ms(): number | null {
    const { member, elapsedMs } = this.#parts
    if (member.layouts?.isJoint !== true) return null
    return member.layouts.epoch === this.#phase ? elapsedMs() - this.#sinceMs : 0
  }

  /** Of those that it waits for. */
  silent(): Silent[] {
    const { member, linkStatus, elapsedMs } = this.#parts
    const { layouts, self } = member
    if (layouts?.isJoint !== true) return []
    const status = member.status()
    if (status === null) return []
    return status.awaited.flatMap((number): Silent[] => {
      const name = layouts.state.roster[number]!
      const peer = status.peers.find((one) => one.member === number)
      if (peer !== undefined) return peer.isSuspected ? [{ name, ms: elapsedMs() - peer.heardMs }] : []
      return number === self || linkStatus(name)?.isConnected ? [] : [{ name, ms: null }]
    })
  }
}
