/** How a member stands with the others: for the health document, for /-/readyz, and in lines of the log. */
import type { PeerStatus } from '@minivault/cluster'
import type { LinkStatus } from '../peers/link-status.ts'
import { ChangeWatch } from './change-watch.ts'
import { median } from './clock-watch.ts'
import { strangerWords, wordsOf } from './first-steps.ts'
import type { Member } from './member.ts'
import type { Roster } from './roster.ts'

export interface MemberHealthParts {
  readonly member: Member
  readonly name: string
  readonly roster: Roster
  /** Null: there is no link. */
  readonly linkStatus: (name: string) => LinkStatus | null
  readonly elapsedMs: () => number
  /** Of the wall clock. */
  readonly now: () => number
  readonly isClockOff: () => boolean
  readonly maxOffsetMs: number
  /** Names of those whose batches came with another hash of the members than ours. */
  readonly differingLists: () => ReadonlySet<string>
}

export class MemberHealth {
  readonly change: ChangeWatch
  readonly #parts: MemberHealthParts

  constructor(parts: MemberHealthParts) {
    this.#parts = parts
    this.change = new ChangeWatch(parts)
  }

  /** In one line why requests are refused here; null: they are not. */
  whyNotServing(): string | null {
    const { member, name, roster, isClockOff } = this.#parts
    // Whoever belongs to a cluster goes on, whatever a stranger says of another one: a quorum decides.
    if (member.hasLeft) return DISK_FAILED
    if (member.core === null) return wordsOf(name, member.steps.status) ?? this.#strangerWords()
    if (!roster.isMember) return `${name} was removed from its cluster: it serves nothing, and may be stopped`
    return isClockOff() ? CLOCK_IS_OFF : null
  }

  /** Of a cluster that does not know us. */
  #strangerWords(): string | null {
    const { member, name } = this.#parts
    return member.belonging === null ? null : strangerWords(name, member.belonging.state.roster)
  }

  /** The same, or that requests would wait for members that are away. */
  whyNotReady(): string | null {
    return this.whyNotServing() ?? (this.hasQuorum() ? null : 'too few members are there for a quorum')
  }

  /** Flat, as all of the document. */
  document(): Record<string, string | number | boolean> {
    const { member, name, roster } = this.#parts
    const { belonging, core } = member
    const { peers, hearingOut } = member.status() ?? { peers: [], hearingOut: 0 }
    return {
      member: name,
      members: roster.others.length + 1,
      cluster_id: belonging?.clusterId ?? '',
      ...this.#layoutFacts(),
      ...this.#regionFacts(peers),
      quorum_reachable: this.hasQuorum(),
      votes: core !== null && !core.status().isComingBack,
      members_away: this.away().join(', '),
      hints_pending: sum(peers.map(({ hints }) => hints)),
      writes_heard_out: hearingOut,
      keys_differing: sum(peers.map(({ keysDiffering }) => keysDiffering)),
      last_full_sync_seconds: this.#lastFullSync(peers),
      clock_offset_ms: Math.round(median(this.#offsets())),
      members_disagreeing: this.disagreeing().join('; '),
    }
  }

  /** How far a change of it is, too. */
  #layoutFacts(): Record<string, string | number> {
    const { core, layouts } = this.#parts.member
    if (core === null || layouts === null) return {}
    const { roster, table, next } = layouts.state
    const { awaited, partitionsLeft } = core.status()
    const facts = { layout_epoch: (next ?? table).epoch, layout_phase: next === null ? 'settled' : 'joint' }
    if (next === null && partitionsLeft === 0) return facts
    const names = awaited.map((number) => roster[number]).join(', ')
    const silent = this.change.silent().map(({ name }) => name)
    const how = { layout_awaited: names, layout_silent: silent.join(', ') }
    return { ...how, partitions_left: partitionsLeft, ...facts }
  }

  #regionFacts(peers: readonly PeerStatus[]): Record<string, string | number> {
    const { layouts, self } = this.#parts.member
    return layouts === null ? {} : regionFacts(layouts.regionOf(self), peers, this.#parts.now())
  }

  /** Of a member, or one that is to be: whether it is heard, and votes in all that it holds. */
  standingOf(name: string): { isHeard: boolean; votes: boolean } {
    const { member, linkStatus, name: own } = this.#parts
    const status = member.status()
    if (name === own) return { isHeard: true, votes: status?.isComingBack === false }
    const number = member.numberOf(name)
    const peer = status?.peers.find((one) => one.member === number)
    // With some there is nothing to share.
    if (peer === undefined) {
      const isHeard = linkStatus(name)?.isConnected ?? false
      return { isHeard, votes: isHeard }
    }
    return { isHeard: !peer.isSuspected, votes: peer.votes && !peer.isSuspected }
  }

  /** Of each partition a majority of those who hold it. */
  hasQuorum(): boolean {
    const { layouts } = this.#parts.member
    if (layouts === null) return false
    const silent = this.#silentNumbers()
    for (let partition = 0; partition < layouts.partitionCount; partition++) {
      if (!this.#reaches(partition, silent)) return false
    }
    return true
  }

  /** Of this partition. */
  hasQuorumOf(partition: number): boolean {
    return this.#reaches(partition, this.#silentNumbers())
  }

  /**
   * Whether all those are away who decide what is conditional of this partition, in another region. One that
   * is only late is waited for.
   */
  isHomeAwayOf(partition: number): boolean {
    return this.#isHomeAway(partition, this.#awayNumbers())
  }

  isHomeAwayOfSome(): boolean {
    const count = this.#parts.member.layouts?.partitionCount ?? 0
    const away = this.#awayNumbers()
    if (away.size === 0) return false
    for (let partition = 0; partition < count; partition++) if (this.#isHomeAway(partition, away)) return true
    return false
  }

  #isHomeAway(partition: number, away: ReadonlySet<number>): boolean {
    const { layouts } = this.#parts.member
    if (layouts === null) return false
    const home = layouts.homeElectorateOf(partition)
    if (home === layouts.electorateOf(partition)) return false
    return home.members.every((member) => away.has(member))
  }

  #awayNumbers(): ReadonlySet<number> {
    const peers = this.#parts.member.status()?.peers ?? []
    return new Set(peers.flatMap(({ member, isSuspected }) => (isSuspected ? [member] : [])))
  }

  /** Those whose answers would not count, too. */
  #silentNumbers(): ReadonlySet<number> {
    const peers = this.#parts.member.status()?.peers ?? []
    return new Set(peers.flatMap(({ member, isSuspected, votes }) => (isSuspected || !votes ? [member] : [])))
  }

  #reaches(partition: number, silent: ReadonlySet<number>): boolean {
    const { member, name } = this.#parts
    const { core, layouts } = member
    if (core === null || layouts === null) return false
    const self = member.numberOf(name)
    const electorate = layouts.electorateOf(partition)
    let there = 0
    for (const [position, holder] of electorate.members.entries()) {
      const counts = holder === self ? core.votesIn(partition) : !silent.has(holder)
      if (counts) there |= 1 << position
    }
    return electorate.isQuorum(there)
  }

  /** Names of those who are not heard. */
  away(): string[] {
    const { member } = this.#parts
    const roster = member.layouts?.state.roster ?? []
    const peers = member.status()?.peers ?? []
    return peers.filter(({ isSuspected }) => isSuspected).map(({ member: number }) => roster[number]!)
  }

  get isClockOff(): boolean {
    return this.#parts.isClockOff()
  }

  /** So long ago everything that is shared was compared with everybody; -1: not yet. */
  #lastFullSync(peers: readonly PeerStatus[]): number {
    const oldest = Math.min(...peers.map(({ comparedMs }) => comparedMs))
    if (peers.length === 0 || oldest < 0) return -1
    return Math.round((this.#parts.elapsedMs() - oldest) / 1000)
  }

  #offsets(): number[] {
    const { roster, linkStatus } = this.#parts
    return roster.others.flatMap((name) => linkStatus(name)?.offsetMs ?? [])
  }

  /** Who refuses what we send, or has another list, another cluster or another time than we. */
  disagreeing(): string[] {
    const { member, name: own, roster, linkStatus, differingLists, maxOffsetMs } = this.#parts
    const ofCluster = member.core === null ? null : wordsOf(own, member.steps.status)
    const ofOthers = roster.others.flatMap((name) => {
      const { refusal = '', offsetMsAtLeast: offsetMs = null } = linkStatus(name) ?? {}
      const words: string[] = []
      if (refusal !== '') words.push(`${name} refuses what this node sends: ${refusal}`)
      if (differingLists().has(name)) words.push(`${name} was given another list of members`)
      if (offsetMs !== null && Math.abs(offsetMs) > maxOffsetMs) words.push(clockWords(name, offsetMs))
      return words
    })
    return ofCluster === null ? ofOthers : [ofCluster, ...ofOthers]
  }
}

/** How far each other region is behind what this node, in `region`, has for it; none: nothing is said. */
export function regionFacts(
  region: string,
  peers: readonly Pick<PeerStatus, 'hints' | 'isForeign' | 'oldestHintMs' | 'region'>[],
  nowMs: number,
): Record<string, string | number> {
  const foreign = peers.filter(({ isForeign }) => isForeign)
  if (foreign.length === 0) return {}
  const facts: Record<string, string | number> = { region }
  for (const other of new Set(foreign.map((peer) => peer.region))) {
    const ofRegion = foreign.filter((peer) => peer.region === other)
    const oldest = Math.min(...ofRegion.map(({ oldestHintMs }) => oldestHintMs ?? Number.POSITIVE_INFINITY))
    const behindMs = Number.isFinite(oldest) ? Math.max(0, nowMs - oldest) : 0
    facts[`lag_seconds_${other}`] = Math.round(behindMs / 100) / 10
    facts[`lag_keys_${other}`] = Math.max(...ofRegion.map(({ hints }) => hints))
  }
  return facts
}

function clockWords(name: string, offsetMs: number): string {
  const seconds = (Math.abs(offsetMs) / 1000).toFixed(1)
  return `the clock of ${name} is ${seconds} s ${offsetMs > 0 ? 'ahead of' : 'behind'} this node's`
}

const DISK_FAILED = "this node's disk has failed: it takes part again when it is started anew"

export const CLOCK_IS_OFF = "this machine's clock differs from those of the other members: set it right"

function sum(counts: readonly number[]): number {
  return counts.reduce((total, count) => total + count, 0)
}
