/** What changes between this member and the others, told once each time it does. */

import type { NodeLogger } from '../node.ts'
import { wordsOf } from './first-steps.ts'
import type { Member } from './member.ts'
import { CLOCK_IS_OFF, type MemberHealthParts } from './member-health.ts'

export class MemberLog {
  readonly #parts: MemberHealthParts
  readonly #logger: NodeLogger
  /** By what it is about: what was said last. */
  readonly #said = new Map<string, string>()

  constructor(parts: MemberHealthParts, logger: NodeLogger) {
    this.#parts = parts
    this.#logger = logger
  }

  /** Every so often. */
  look(): void {
    const { member, others, linkStatus, isClockOff } = this.#parts
    this.#say('start', wordsOf(member.steps.status) ?? this.#joined(member))
    this.#say('clock', isClockOff() ? CLOCK_IS_OFF : '')
    this.#say('votes', comingBack(member))
    const away = this.#away(member)
    for (const name of others) {
      const { refusal } = linkStatus(name)
      this.#say(`refusal ${name}`, refusal === '' ? '' : `${name} refuses what this node sends: ${refusal}`)
      this.#say(`away ${name}`, away.has(name) ? `${name} is away` : '')
    }
  }

  #away(member: Member): Set<string> {
    const roster = member.layouts?.state.roster ?? []
    const away = (member.status()?.peers ?? []).filter(({ isSuspected }) => isSuspected)
    return new Set(away.map(({ member: number }) => roster[number]!))
  }

  #joined({ belonging }: Member): string {
    if (belonging === null) return ''
    const { clusterId, state } = belonging
    return `member of cluster ${clusterId}: ${state.roster.join(', ')}`
  }

  /** Empty: all is well again, if it was not. */
  #say(about: string, words: string): void {
    const before = this.#said.get(about) ?? ''
    if (words === before) return
    this.#said.set(about, words)
    if (words === '') this.#logger.info({}, `no longer: ${before}`)
    else if (about === 'start' && this.#parts.member.belonging !== null) this.#logger.info({}, words)
    else this.#logger.warn({}, words)
  }
}

function comingBack(member: Member): string {
  return member.status()?.isComingBack === true
    ? 'comparing with the other members: this node does not vote until that is done'
    : ''
}
