/**
 * A whole cluster in one process and one thread: members, network, disks, clocks and clients on one timeline.
 * It does what the plan says, then lets everything come to rest, looks at every key on every member, and
 * pushes what differs. No time passes and nothing is random that the plan did not say.
 */
import {
  type Answer,
  CAUSE,
  DURABILITY,
  type HeldRecord,
  type Key,
  MESSAGE,
  type Message,
} from '@minivault/cluster'
import {
  type CrashItem,
  endOf,
  type Item,
  type LayoutItem,
  type Loss,
  type Plan,
  type ReleaseItem,
} from '../plan/plan.ts'
import { mix } from '../random.ts'
import { type Attempt, Client, finalDeadlineMs } from './client.ts'
import { Task } from './disk.ts'
import { type Held, heldBy } from './held.ts'
import { History } from './history.ts'
import { holdersIn, isMoving, LayoutForm } from './layout.ts'
import { Mastered } from './mastered.ts'
import { type ClusterPackage, Member, type MemberParts, PARTITION, WALL_MS } from './member.ts'
import { Network } from './network.ts'
import { Phases } from './phases.ts'
import type { OnCovered } from './replica-log.ts'
import { Timeline } from './timeline.ts'
import { Wire } from './wire.ts'

/** A run that is not at rest after so much goes round in circles. */
const HAPPENINGS_MAX = 400_000
const REST_MS = 2000
const CALM_TICK_MS = 400
const COMPARED_MAX = 8
/** Others in a region where one may lose its disk. */
const FELLOWS_MIN = 2
/** All who wait are brought in by then. */
const JOINED_MS = 30_000
/** Clients are told apart from members, which start more than once, by their writer's number. */
const CLIENT_WRITERS = 200

const LOST = { unwritten: 'not written', unsynced: 'not synced', everything: 'there' } as const

/** Who watches. Told before it is done. */
export interface Observer {
  onStart(world: World): void
  /** Whether or not it arrives. */
  onSend(from: number, message: Message): void
  onMessage(from: number, to: number, message: Message): void
  onAsk(attempt: Attempt): void
  onAnswer(attempt: Attempt, answer: Answer, counts: boolean): void
  /** Of the world: a crash, a partition. */
  onEvent(text: string): void
  /** The core over there is gone. */
  onCrash(member: number): void
}

export class World {
  readonly plan: Plan
  readonly timeline = new Timeline()
  readonly history = new History()
  readonly members: Member[] = []
  readonly keys: Key[]
  readonly network: Network
  readonly phases = new Phases()
  /** Null: members know each other from the beginning. */
  readonly mastered: Mastered | null
  /** False: it never came to rest. */
  isAtRest = false
  /** Of those after the last fault: given up. */
  brokenComparisons = 0
  /** By key: what all replicas held when each had been compared with each. The last reads may write again. */
  heldAtRest: readonly (readonly Held[])[] = []
  readonly #observers: readonly Observer[]
  readonly #wire: Wire
  readonly #attempts: Attempt[] = []
  readonly #clients: Client[] = []
  #writers = 0
  #isOver = false

  constructor(plan: Plan, cluster: ClusterPackage, observers: readonly Observer[]) {
    this.plan = plan
    this.#observers = observers
    for (const observer of observers) observer.onStart(this)
    const { seed, setup } = plan
    const { timeline } = this
    this.keys = Array.from({ length: setup.keys }, (_, number) => keyOf(seed, number))
    this.network = new Network(timeline, seed, setup, (from, to, message) => this.#deliver(from, to, message))
    const onAnswer = (token: number, answer: Answer) => this.#onAnswer(token, answer)
    const nextWriter = () => {
      this.#writers += 1
      return this.#writers
    }
    const send = (from: number, to: number, message: Message) => {
      for (const observer of observers) observer.onSend(from, message)
      this.network.send(from, to, this.#wire.pass(message))
    }
    const onCovered: OnCovered = (key, record) => this.history.noteRelease(this.keys.indexOf(key), record)
    const isOver = () => this.#isOver
    const onPhase: MemberParts['onPhase'] = (member, state) => {
      this.phases.onPhase(member, state, this.timeline.nowMs)
    }
    const layoutForm = new LayoutForm(cluster, setup)
    this.#wire = new Wire(cluster, this.keys, layoutForm)
    for (let number = 0; number < setup.members + setup.spares; number++) {
      const told = { send, nextWriter, onAnswer, onCovered, onPhase, isOver }
      this.members.push(new Member(number, { cluster, timeline, seed, setup, layoutForm, ...told }))
    }
    for (let number = 0; number < setup.clients; number++) this.#clients.push(this.#client(number))
    const { network, members } = this
    const say = (text: string) => this.#say(text)
    const parts = { cluster, timeline, network, seed, setup, layoutForm, members, isOver, say }
    this.mastered = setup.founders === undefined ? null : new Mastered(parts)
  }

  #client(number: number): Client {
    const { timeline, history, members, keys, plan } = this
    return new Client({
      timeline,
      history,
      members,
      keys,
      setup: plan.setup,
      writer: plan.setup.clientFault === 'sameWriter' ? CLIENT_WRITERS : clientWriter(plan.seed, number),
      wallMs: () => WALL_MS + Math.floor(timeline.nowMs),
      ask: (attempt, request) => {
        for (const observer of this.#observers) observer.onAsk(attempt)
        members[attempt.member]!.ask(this.#attempts.push(attempt) - 1, request)
      },
    })
  }

  run(): void {
    for (const item of this.plan.items) this.#at(item.atMs, () => this.#do(item))
    const { deadlineMs } = this.plan.setup
    const calmMs = endOf(this.plan) + REST_MS
    const lookMs = calmMs + deadlineMs + REST_MS + (this.mastered === null ? 0 : JOINED_MS)
    this.#at(calmMs, () => this.#calm())
    this.#at(lookMs, () => this.#look())
    // What was in doubt may take effect while it is looked at; not any more when all is equal.
    this.#at(lookMs + finalDeadlineMs(this.plan.setup) + REST_MS, () => {
      this.#compareAll(() => this.#compareUntilStill(COMPARED_MAX))
    })
    this.isAtRest = this.timeline.run(HAPPENINGS_MAX)
    for (const operation of this.history.operations) {
      const { ending, attempt, failedCount } = operation
      if (ending === 'doubt' && failedCount === attempt + 1) operation.ending = 'failed'
    }
  }

  /** While the keys move. */
  get isMoving(): boolean {
    return isMoving(this.members)
  }

  /** Those that hold the keys now. */
  get replicas(): Member[] {
    return holdersIn(this.members).map((number) => this.members[number]!)
  }

  // --- items

  #do(item: Item): void {
    switch (item.kind) {
      case 'operation':
        return this.#clients[item.client]!.begin(item)
      case 'crash':
        return this.#crash(item)
      case 'partition':
        this.#say(`partition ${item.side.map(memberName)} ${item.isOneWay ? 'mute' : '| rest'}`)
        this.network.cut(item)
        return this.#at(item.forMs, () => {
          this.#say('partition heals')
          this.network.heal(item)
        })
      case 'skew':
        this.members[item.member]!.skewMs = item.skewMs
        return this.#say(`clock of ${memberName(item.member)} ${item.skewMs} ms`)
      case 'repair':
        return this.#push(item.from, item.to, item.key)
      case 'compare':
        return this.#compare(item.from, item.to)
      case 'release':
        return this.#release(item)
      case 'layout':
        return this.#changeLayout(item)
      case 'settle':
        return this.#settle(item.member)
      case 'worker':
        return this.mastered?.startWorker(item.member)
      case 'master':
        return this.mastered?.crashMaster(item)
    }
  }

  #crash({ members, loss, forMs }: CrashItem): void {
    for (const number of members) {
      const member = this.members[number]!
      const starting = this.mastered?.workers[number] ?? member
      if (!starting.isUp || !member.isUp) continue
      const taken = this.#allowed(number, loss)
      if (taken === null) continue
      if (this.#forgets(taken) && taken !== 'everything') member.mayHaveForgotten()
      member.crash(taken)
      this.mastered?.workers[number]?.crash(taken)
      if (taken === 'everything') this.phases.onLost(number)
      for (const observer of this.#observers) observer.onCrash(number)
      this.#say(`${memberName(number)} crashes, and loses what was ${LOST[taken]}`)
      this.#at(forMs, () => {
        starting.start()
        this.#say(`${memberName(number)} starts`)
      })
    }
  }

  /** Of three, one at a time may forget what it acknowledged: nothing is promised beyond. */
  #allowed(number: number, loss: Loss): Loss | null {
    if (!this.#forgets(loss) || this.#othersRemember(number)) return loss
    return this.#forgets('unwritten') ? null : 'unwritten'
  }

  /** Whether all other replicas know all that they ever acknowledged. While nothing moves, in its region. */
  #othersRemember(number: number): boolean {
    const { regions, founders } = this.plan.setup
    const others = holdersIn(this.members).filter((other) => other !== number)
    const areEnough = (some: readonly number[]) => some.every((other) => this.members[other]!.remembers)
    // Who has nothing any more is brought in by the master.
    if (founders !== undefined && (others.length < FELLOWS_MIN || !this.mastered!.isForGood)) return false
    if (regions === undefined || this.isMoving) return areEnough(others)
    const fellows = others.filter((other) => regions[other] === regions[number])
    // Of fewer than three a majority may be the one that forgets.
    return fellows.length >= FELLOWS_MIN ? areEnough(fellows) : !holdersIn(this.members).includes(number)
  }

  /** The first of the new holders that is there proposes them; where others may go, one that holds keys. */
  #changeLayout({ members: holders, home }: LayoutItem): void {
    const holdersNow = this.plan.setup.regions === undefined ? [] : holdersIn(this.members)
    const knowing = holders.filter((number) => holdersNow.includes(number))
    const asked = [...knowing, ...holdersNow, ...holders].map((number) => this.members[number]!)
    const proposer = asked.find(({ isUp }) => isUp)
    proposer?.changeLayout(holders, home ?? null)
    this.#say(
      `${proposer === undefined ? 'nobody' : memberName(proposer.number)} proposes ${holders.join(' ')}`,
    )
  }

  #settle(number: number): void {
    const member = this.members[number]!
    if (member.isUp && member.settleLayout()) this.#say(`${memberName(number)} settles`)
  }

  /** Whether something may be lost with it that was acknowledged. */
  #forgets(loss: Loss): boolean {
    const { durability } = this.plan.setup
    if (loss === 'everything') return true
    return loss === 'unsynced' ? durability !== DURABILITY.fsync : durability === DURABILITY.memory
  }

  /** What one replica holds is offered to another. */
  #push(from: number, to: number, key: number): void {
    const source = this.members[from]!
    if (from === to || !source.isUp) return
    const record = this.#durable(from, key)
    if (record === null) return
    this.network.send(from, to, {
      kind: MESSAGE.offer,
      exchange: 0,
      epoch: source.placement.epoch,
      time: source.time(),
      key: this.keys[key]!,
      record,
      durability: DURABILITY.fsync,
      cause: CAUSE.repair,
    })
  }

  #compare(from: number, to: number): void {
    const member = this.members[from]!
    if (from !== to && member.isUp) member.compareWith(to, () => {})
  }

  /** What a replica may show. */
  #durable(member: number, key: number): HeldRecord | null {
    const { disk, isUp } = this.members[member]!
    if (!isUp) return null
    const { record, position } = this.members[member]!.find(this.keys[key]!)
    return position > disk.durableUpTo(DURABILITY.fsync) ? null : record
  }

  #release({ member: number, key, agoMs }: ReleaseItem): void {
    const member = this.members[number]!
    if (member.isUp) member.release(this.keys[key]!, agoMs)
  }

  // --- the end

  #calm(): void {
    this.network.calm()
    for (const member of this.members) {
      member.skewMs = 0
      member.tickMs = Math.max(member.tickMs, CALM_TICK_MS)
    }
    this.#say('no more faults')
  }

  #look(): void {
    this.keys.forEach((_, key) => {
      for (const { number } of this.members) this.#clients[0]!.look(key, number)
    })
  }

  #lookAgain(): void {
    this.heldAtRest = this.keys.map((key) => this.replicas.map((member) => heldBy(member, key)))
    this.#isOver = true
    this.#look()
  }

  /** A comparison may bring a layout to light that was decided, and known to nobody who is still there. */
  #compareUntilStill(left: number): void {
    this.#compareAll(() => {
      this.#at(REST_MS, () => {
        if (this.isMoving && left > 1) this.#compareUntilStill(left - 1)
        else this.#lookAgain()
      })
    })
  }

  /** Each with each, one pair after the other; what differs in the end was not brought. */
  #compareAll(then: () => void): void {
    const numbers = this.replicas.filter(({ isUp }) => isUp).map(({ number }) => number)
    const pairs = numbers.flatMap((one) =>
      numbers.filter((other) => other > one).map((other) => [one, other]),
    )
    const next = (isComplete: boolean): void => {
      if (!isComplete) this.brokenComparisons += 1
      const pair = pairs.shift()
      if (pair === undefined) then()
      else this.members[pair[0]!]!.compareWith(pair[1]!, next)
    }
    next(true)
  }

  // --- in between

  #deliver(from: number, to: number, message: Message): boolean {
    const member = this.members[to]!
    if (!member.isUp) return false
    for (const observer of this.#observers) observer.onMessage(from, to, message)
    member.receive(from, message)
    return true
  }

  #onAnswer(token: number, answer: Answer): void {
    const attempt = this.#attempts[token]!
    const counts = attempt.client.onAnswer(attempt, answer)
    for (const observer of this.#observers) observer.onAnswer(attempt, answer, counts)
  }

  #say(text: string): void {
    for (const observer of this.#observers) observer.onEvent(text)
  }

  #at(afterMs: number, task: () => void): void {
    this.timeline.add(afterMs, new Task(task))
  }
}

function clientWriter(seed: number, number: number): number {
  return ((mix(seed, 8, number) & 0xffffff00) | (CLIENT_WRITERS + number)) >>> 0
}

export function memberName(number: number): string {
  return 'ABCDEFGHIJKL'[number]!
}

/** The first and the third share a leaf, and so a floor. */
function keyOf(seed: number, number: number): Key {
  const high = mix(seed, 9, number) | 0
  const low = mix(seed, 10, number) | 0
  return { id: `k${number}`, partition: PARTITION, leaf: number % 2, high, low }
}
