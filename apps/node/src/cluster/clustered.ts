/**
 * What a node of a cluster has beyond one by itself: a member behind its doors, links to the others, and the
 * door for their batches. The only place that wires them.
 */
import { randomBytes, randomInt } from 'node:crypto'
import { type Answer, LEVEL, LIMITS, type ListMessage, type Request } from '@minivault/cluster'
import type { TlsFiles } from '@minivault/command-line'
import type { Store } from '@minivault/storage'
import { encodeLayout, type Layout } from '@minivault/topology'
import { LayoutAdmin } from '../admin/layout-admin.ts'
import type { Complete } from '../key-value.ts'
import { READY_LOOK_MS } from '../limits.ts'
import type { NodeLogger } from '../node.ts'
import { PeerDoor } from '../peers/peer-door.ts'
import { PeerLinks } from '../peers/peer-links.ts'
import type { ClusterSettings } from '../settings/cluster-settings.ts'
import type { Time } from '../time.ts'
import { BatchIntake } from './batch-intake.ts'
import { Batches } from './batches.ts'
import { isOff } from './clock-watch.ts'
import { ClusterKeyValue } from './cluster-key-value.ts'
import { type Founding, NO_HASH } from './first-steps.ts'
import { TABLES } from './forms.ts'
import { LargeValues } from './large/large-values.ts'
import { partitionBytes } from './layout-sizes.ts'
import { Member } from './member.ts'
import { MemberHealth } from './member-health.ts'
import type { MemberKey } from './member-key.ts'
import { MemberLog } from './member-log.ts'
import { Roster } from './roster.ts'
import { circleOf } from './scan/circle-of.ts'
import { ClusterScan } from './scan/cluster-scan.ts'
import { SCAN_TOKENS } from './scan/scan-reads.ts'
import { StoredReplica } from './stored/stored-replica.ts'

export interface ClusteredParts {
  readonly settings: ClusterSettings
  readonly store: Store
  readonly authKey: string | null
  readonly tls: TlsFiles | null
  readonly maxOffsetMs: number
  readonly time: Time
  readonly logger: NodeLogger
  readonly complete: Complete
}

export interface Standing {
  /** Null: it belongs to none yet. */
  readonly clusterId: string | null
  /** Of its layout; 0: none. */
  readonly epoch: number
  /** That layout has it. */
  readonly isMember: boolean
}

export class Clustered {
  readonly keyValue: ClusterKeyValue
  readonly peers: PeerDoor
  readonly health: MemberHealth
  readonly admin: LayoutAdmin
  readonly #member: Member
  readonly #links: PeerLinks
  readonly #roster: Roster
  readonly #scan: ClusterScan
  readonly #large: LargeValues
  readonly #watch: unknown
  /** In words, as of the last tick; null: requests are served. */
  #refusal: string | null = null
  /** As of the last tick a quorum could be reached of every key. */
  #hasQuorum = false
  /** As of the last tick some key had nobody in another region who decides what is conditional. */
  #mayHomeBeAway = false
  readonly #time: Time

  constructor(parts: ClusteredParts) {
    const { settings, store, time, logger, authKey, tls, maxOffsetMs } = parts
    const { name, founders, workers } = settings
    this.#time = time
    const large = new LargeValues({ name, store, authKey, tls, time, logger })
    this.#large = large
    const replica = new StoredReplica({ store, tables: TABLES, files: large.files })
    const listed = founders.kind === 'list' ? founders.members.map((one) => one.name) : []
    let member: Member | null = null
    const { nodeId } = store
    const clusterId = () => member?.belonging?.clusterId ?? null
    const hash = () => member?.steps.membersHash ?? NO_HASH
    const facts = () => ({ clusterId: clusterId(), nodeId, membersHash: hash(), name })
    const form = new Batches(facts, time.now)
    const links = new PeerLinks({ name, form, authKey, members: [], tls, workers, time, logger })
    this.#links = links
    const roster = new Roster(name, links, listed)
    this.#roster = roster
    const linkStatus = (peer: string) => links.find(peer)?.status ?? null
    const offsets = () => roster.others.flatMap((peer) => linkStatus(peer)?.offsetMsAtLeast ?? [])
    const isClockOff = () => isOff(offsets(), maxOffsetMs)
    const warmth = {
      isWarm: (key: MemberKey) => replica.isWarm(key),
      warm: (key: MemberKey, then: () => void) => replica.warm(key, then),
    }
    const ask = (token: number, request: Request) => this.#member.ask(token, request)
    const scan = new ClusterScan({
      ...{ store, time, random: random(), ask, ...warmth },
      circle: () => circleOf(this.#member, name),
      send: (to, list) => this.#member.sendList(to, list),
    })
    this.#scan = scan
    this.keyValue = new ClusterKeyValue({
      complete: parts.complete,
      core: { ask },
      ...warmth,
      refusal: (request) => this.#refusal ?? this.#whyNot(request),
      now: () => time.elapsedMs(),
      wallMs: () => time.now(),
      large,
      foresee: (keys) => store.foresee(keys),
      scan: (query) => scan.page(query),
    })
    const onAnswer = (token: number, answer: Answer) => {
      return (token < SCAN_TOKENS ? this.keyValue : scan.reads).answer(token, answer)
    }
    const onLeft = () => {
      this.keyValue.abandon()
      scan.reads.abandon()
    }
    const answered = { newId: () => randomBytes(16).toString('hex'), onAnswer, onLeft }
    member = new Member({ settings, store, replica, links, roster, time, random, ...answered })
    this.#member = member
    const nodeIdAt = (peer: string) => linkStatus(peer)?.nodeId ?? ''
    const onList = (from: number, message: ListMessage) => scan.onMessage(from, message)
    const intake = large.intake((key) => void replica.read(key))
    // From the second layout on it is not the list that counts.
    const areListsAlike = () => (member?.layouts?.epoch ?? 0) <= FIRST_PHASE
    const membersHash = () => (areListsAlike() && hash() !== NO_HASH ? hash() : null)
    const receiver = new BatchIntake({ member, onList, name, membersHash, nodeIdAt, intake })
    const differingLists = () => receiver.differingLists
    const seen = { member, name, roster, linkStatus, isClockOff, maxOffsetMs, differingLists }
    this.health = new MemberHealth({ elapsedMs: time.elapsedMs, now: time.now, ...seen })
    const admin = { health: this.health, links, nodeId, time }
    this.admin = new LayoutAdmin({ member, bytes: () => partitionBytes(replica, store, member!), ...admin })
    const log = new MemberLog(member, this.health, logger)
    this.#look(log)
    this.#watch = time.every(LIMITS.tickMs, () => this.#look(log))
    this.peers = new PeerDoor({ receiver, logger, time })
  }

  #look(log: MemberLog): void {
    this.#refusal = this.health.whyNotServing()
    this.#hasQuorum = this.health.hasQuorum()
    this.#mayHomeBeAway = this.health.isHomeAwayOfSome()
    log.look()
  }

  /** What could only wait for replicas that are away is not begun. */
  #whyNot({ level, key, change }: Request): string | null {
    const isConditional = change?.isConditional === true
    const isForHome = isConditional && this.#mayHomeBeAway
    if (isForHome && this.health.isHomeAwayOf(key.partition)) return HOME_IS_AWAY
    const isForOne = level === LEVEL.one && !isConditional
    if (isForOne || this.#hasQuorum || this.health.hasQuorumOf(key.partition)) return null
    return 'too few replicas of this key can be reached'
  }

  /**
   * With whom a new cluster begins, or who is asked for the one there is. Needed where the settings have no
   * list and nothing is on disk; else, and the second time, it changes nothing.
   */
  begin(founding: Founding): void {
    this.#member.begin(founding)
  }

  /** What it is in its cluster. */
  get standing(): Standing {
    const { belonging, layouts, core } = this.#member
    return {
      clusterId: belonging?.clusterId ?? null,
      epoch: layouts?.state.table.epoch ?? 0,
      isMember: core !== null && this.#roster.isMember,
    }
  }

  /** So many members. */
  get size(): number {
    return this.#roster.others.length + 1
  }

  /** By which clients find their nodes; null: it is not known yet. */
  layout(): Uint8Array | null {
    const table = this.#member.layouts?.state.table
    return table === undefined ? null : encodeLayout(table as Layout)
  }

  /** In one line; null: requests are served. From now on, not from the next tick on. */
  whyNotReady(): string | null {
    this.#refusal = this.health.whyNotServing()
    this.#hasQuorum = this.health.hasQuorum()
    return this.#refusal ?? this.health.whyNotReady()
  }

  /** Resolves once requests can be answered; never, where that does not come. */
  async untilReady(): Promise<void> {
    while (this.whyNotReady() !== null) await this.#time.sleep(READY_LOOK_MS)
  }

  /** After the doors: nobody waits for anything any more. The store is closed by whoever opened it. */
  close(): void {
    this.#time.cancel(this.#watch)
    this.#scan.close()
    this.#member.close()
    this.#links.close()
    this.#large.close()
  }
}

function random(): number {
  return randomInt(RANDOM_MAX) / RANDOM_MAX
}

const HOME_IS_AWAY =
  'the home region is away, which decides what is conditional; plain reads and writes go on'
const RANDOM_MAX = 2 ** 47
/** Of the layout that a cluster begins with. */
const FIRST_PHASE = 3
