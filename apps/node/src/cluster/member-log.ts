/** What changes between this member and the others, told once each time it does. */
import type { NodeLogger } from '../node.ts'
import type { Member } from './member.ts'
import { CLOCK_IS_OFF, type MemberHealth } from './member-health.ts'

export class MemberLog {
  readonly #member: Member
  readonly #health: MemberHealth
  readonly #logger: NodeLogger
  #said: ReadonlySet<string> = new Set()
  #hasJoined = false

  constructor(member: Member, health: MemberHealth, logger: NodeLogger) {
    this.#member = member
    this.#health = health
    this.#logger = logger
  }

  /** Every so often. */
  look(): void {
    this.#health.change.look()
    const now = new Set(this.#words())
    for (const words of now) if (!this.#said.has(words)) this.#logger.warn({}, words)
    for (const words of this.#said) if (!now.has(words)) this.#logger.info({}, `no longer: ${words}`)
    this.#said = now
    const { belonging } = this.#member
    if (this.#hasJoined || belonging === null) return
    this.#hasJoined = true
    const { clusterId, state } = belonging
    this.#logger.info({ clusterId }, `member of a cluster: ${state.roster.join(', ')}`)
  }

  /** All that is not as it should be. */
  #words(): string[] {
    const { core } = this.#member
    const why = this.#health.whyNotServing()
    if (core === null) return why === null ? [] : [why]
    const words = this.#health.disagreeing().map(withoutFigures)
    for (const name of this.#health.away()) words.push(`${name} is away`)
    for (const { name, ms } of this.#health.change.silent()) {
      const epoch = this.#member.layouts!.epoch / 2
      // It may just be on its way.
      if (ms !== null) words.push(`layout ${epoch} is not settled without ${name}, ${OR_SETTLE}`)
    }
    if (this.#health.isClockOff) words.push(CLOCK_IS_OFF)
    if (core.status().isComingBack) words.push(COMING_BACK)
    return words
  }
}

const OR_SETTLE = 'which is away: bring it back, or go on without it (POST /-/admin/settle)'
const COMING_BACK = 'comparing with the other members: this node does not vote until that is done'

/** They change all the time, and are no news. */
function withoutFigures(words: string): string {
  return words.replace(/ is [0-9.]+ s (ahead of|behind) /, ' is far $1 ')
}
