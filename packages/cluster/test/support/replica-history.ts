/**
 * A random life of one replica beside the plainest account of it: lists of what it took and of what it told.
 * Its log is synced up to anywhere, and a power cut leaves what was synced and anything behind it. An answer
 * is told when the log is synced up to its position; what was told must stay true.
 */
import fc from 'fast-check'
import {
  DURABILITY,
  type Durability,
  type HeldRecord,
  type Marks,
  type Replica,
  Version,
  ZERO,
} from '../../src/index.ts'
import type { Promise as Promised } from '../../src/replica.ts'
import { KEY, MemoryLog } from '../../src/testing/index.ts'
import type { Core } from './planted-core.ts'

const LEDGER_ENTRIES = 8
/** Ids of requests are 1 to 4; ballots lie above them. */
const REQUESTS = 4
const BALLOTS = 40

type Step =
  | { readonly do: 'offer'; readonly ballot: number; readonly durability: Durability }
  | { readonly do: 'prepare'; readonly ballot: number; readonly request: number; readonly attempt: number }
  | { readonly do: 'read' }
  | { readonly do: 'sync'; readonly share: number }
  | { readonly do: 'powerCut'; readonly share: number }
  | { readonly do: 'release'; readonly floor: number }

const ballots = fc.integer({ min: REQUESTS + 1, max: REQUESTS + BALLOTS })
const shares = fc.constantFrom(0, 0.5, 1)

const step: fc.Arbitrary<Step> = fc.oneof(
  {
    weight: 6,
    arbitrary: fc.record({
      do: fc.constant('offer' as const),
      ballot: ballots,
      durability: fc.constantFrom(DURABILITY.fsync, DURABILITY.fsync, DURABILITY.memory),
    }),
  },
  {
    weight: 5,
    arbitrary: fc.record({
      do: fc.constant('prepare' as const),
      ballot: ballots,
      request: fc.integer({ min: 1, max: REQUESTS }),
      attempt: fc.nat(2),
    }),
  },
  { weight: 2, arbitrary: fc.record({ do: fc.constant('read' as const) }) },
  { weight: 4, arbitrary: fc.record({ do: fc.constant('sync' as const), share: shares }) },
  { weight: 1, arbitrary: fc.record({ do: fc.constant('powerCut' as const), share: shares }) },
  { weight: 1, arbitrary: fc.record({ do: fc.constant('release' as const), floor: ballots }) },
)

export const steps: fc.Arbitrary<Step[]> = fc.array(step, { maxLength: 60 })

/** What is under a ballot is the same wherever it is offered. */
function recordUnder(ballot: number): HeldRecord {
  const version = at(ballot)
  const value = ballot % 3 === 0 ? null : { bytes: 1 }
  return { ballot: version, version, request: at(1 + (ballot % REQUESTS)), value, expiresAtMs: 0, sum: null }
}

function at(wallMs: number): Version {
  return wallMs === 0 ? ZERO : Version.of(wallMs, 0, 1)
}

interface Answer {
  readonly position: number
  readonly tell: () => void
}

export class ReplicaHistory {
  readonly #core: Core
  readonly #log = new MemoryLog()
  #replica: Replica
  #marks!: Marks
  #answers: Answer[] = []
  /** Ballots that it took. What a power cut took away may or may not be among them. */
  readonly #taken = new Set<number>()
  /** What it told: the highest ballot shown, promised, and those held or promised, one by one. */
  #shown = 0
  #promised = 0
  readonly #held = new Set<number>()
  readonly #promises = new Set<number>()
  readonly #attempts = new Map<number, number>()
  /** The first thing that was not as it should be. */
  wrong: string | null = null

  constructor(core: Core) {
    this.#core = core
    this.#replica = this.#started()
  }

  do(step: Step): void {
    if (step.do === 'offer') this.#offer(step.ballot, step.durability)
    else if (step.do === 'prepare') this.#prepare(step.ballot, step.request, step.attempt)
    else if (step.do === 'read') this.#read()
    else if (step.do === 'sync') this.#sync(step.share)
    else if (step.do === 'powerCut') this.#powerCut(step.share)
    else this.#release(step.floor)
    this.#check(this.#standsAt() >= this.#shown, `${this.#shown} was shown, ${this.#standsAt()} stands there`)
    const bar = Math.max(this.#standsAt(), this.#log.find(KEY).promised.wallMs)
    this.#check(bar >= this.#promised, `${this.#promised} was promised, and is forgotten`)
  }

  #offer(ballot: number, durability: Durability): void {
    const { VERDICT } = this.#core
    const stands = this.#standsAt()
    const { verdict, above, position } = this.#replica.offer(KEY, recordUnder(ballot), durability)
    if (verdict !== VERDICT.held) {
      this.#check(above.wallMs >= ballot, `${ballot} is refused, for nothing above it`)
      return
    }
    if (!this.#taken.has(ballot)) {
      this.#check(ballot >= this.#promised, `${ballot} is taken below the promise ${this.#promised}`)
      this.#check(ballot > stands, `${ballot} is taken below the record ${stands}`)
    }
    this.#taken.add(ballot)
    if (durability !== DURABILITY.fsync) return
    this.#answer(position, () => {
      this.#held.add(ballot)
      this.#shown = Math.max(this.#shown, ballot)
    })
  }

  #prepare(ballot: number, request: number, attempt: number): void {
    const promise = this.#replica.prepare(KEY, at(ballot), at(request), attempt)
    if (promise.verdict !== this.#core.VERDICT.held) return
    // What it shows is of now, whenever it is told.
    const heldNow = [...this.#held]
    this.#answer(promise.position, () => {
      this.#check(!this.#promises.has(ballot), `${ballot} is promised twice`)
      this.#promises.add(ballot)
      this.#promised = Math.max(this.#promised, ballot)
      this.#shown = Math.max(this.#shown, promise.record.ballot.wallMs)
      this.#checkEvidence(promise, request, heldNow)
      if (promise.isForgetful) return
      const latest = this.#attempts.get(request) ?? 0
      this.#check(attempt >= latest, `attempt ${attempt} of ${request} passes after ${latest}`)
      this.#attempts.set(request, Math.max(latest, attempt))
    })
  }

  /** All that was told to be held for the request, unless it says that it forgets; and nothing else. */
  #checkEvidence({ evidence, isForgetful }: Promised, request: number, heldNow: readonly number[]): void {
    const told = evidence.map(({ ballot }) => ballot.wallMs)
    const isOfRequest = (ballot: number) => 1 + (ballot % REQUESTS) === request
    for (const ballot of told) {
      const isTrue = this.#taken.has(ballot) && isOfRequest(ballot)
      this.#check(isTrue, `${ballot} is shown as held for ${request}`)
    }
    if (isForgetful) return
    const kept = heldNow.filter(isOfRequest)
    for (const ballot of kept) this.#check(told.includes(ballot), `${ballot} is no more held for ${request}`)
  }

  #read(): void {
    const { record, position, durability } = this.#replica.read(KEY, true)
    if (durability !== DURABILITY.fsync) return
    this.#answer(position, () => {
      this.#shown = Math.max(this.#shown, record.ballot.wallMs)
    })
  }

  #sync(share: number): void {
    const synced = this.#log.durableUpTo(DURABILITY.fsync)
    this.#log.sync(synced + Math.ceil((this.#log.end - synced) * share))
    this.#tell()
  }

  #powerCut(share: number): void {
    this.#sync(share)
    this.#answers = []
    this.#log.powerCut()
    this.#replica = this.#started()
  }

  /** A floor stands for what is absent; below it nothing has to be shown that was. */
  #release(floor: number): void {
    this.#marks.note({ kind: 'floor', ...KEY, upTo: at(floor), expiredBeforeMs: 0 })
    this.#sync(1)
    this.#replica.release(KEY)
  }

  #answer(position: number, tell: () => void): void {
    this.#answers.push({ position, tell })
    this.#tell()
  }

  #tell(): void {
    const synced = this.#log.durableUpTo(DURABILITY.fsync)
    const due = this.#answers.filter(({ position }) => position <= synced)
    this.#answers = this.#answers.filter(({ position }) => position > synced)
    for (const { tell } of due) tell()
  }

  get #floor(): number {
    return this.#marks.floorOf(KEY)?.upTo.wallMs ?? 0
  }

  #standsAt(): number {
    return this.#log.find(KEY).record?.ballot.wallMs ?? this.#floor
  }

  #check(isRight: boolean, wrong: string): void {
    if (!isRight) this.wrong ??= wrong
  }

  #started(): Replica {
    const ledger = new this.#core.Ledger(this.#log.highestBallot, LEDGER_ENTRIES)
    this.#marks = new this.#core.Marks(this.#log)
    return new this.#core.Replica(this.#log, ledger, new this.#core.Trees(), this.#marks)
  }
}
