/**
 * Which rare states a run has been in: found by watching what members say to each other and to clients. A
 * campaign that has never been in one of them has shown nothing about it, and is red.
 */
import {
  type Answer,
  CAUSE,
  isEqual,
  MESSAGE,
  type Message,
  type Offer,
  OUTCOME,
  type Prepare,
  type Promised,
  REASON,
  VERDICT,
} from '@minivault/cluster'
import type { Attempt } from './world/client.ts'
import type { Observer, World } from './world/world.ts'

export const STATES = [
  'put settled after it was offered',
  'put settled at once',
  'read writes back',
  'write-back refused',
  'another write made chosen first',
  'own write finished',
  'reader finishes a write',
  'chosen by evidence alone',
  'third promise waited for',
  'promise refused: a duel',
  'accept refused',
  'attempt superseded',
  'in doubt: the ledger forgot',
  'late no not believed',
  'retry answered',
  'request id too far ahead',
  'expired value shown as gone',
  'record brought by a comparison',
  'hint brought by a member',
  'floor written down',
  'member begins anew',
  'reply that does not vote',
  'old layout refused',
  'answered by a joint electorate',
] as const
export type State = (typeof STATES)[number]

export type Counts = Partial<Record<State, number>>

/** Exchanges are counted by each member for itself. */
const EXCHANGES_MAX = 2 ** 48

interface RoundWatch {
  readonly request: string
  promises: number
  isOpen: boolean
}

export class Coverage implements Observer {
  readonly counts: Counts = {}
  #world!: World
  /** Requests for plain writes; those that were offered, by the member that did. */
  readonly #plain = new Set<string>()
  readonly #offered = new Set<string>()
  readonly #rounds = new Map<number, RoundWatch>()
  /** By the ballot: what it is prepared for. */
  readonly #prepared = new Map<string, RoundWatch>()
  readonly #offers = new Map<number, Offer>()

  onStart(world: World): void {
    this.#world = world
  }

  onEvent(): void {}

  onCrash(): void {}

  add(state: State): void {
    this.counts[state] = (this.counts[state] ?? 0) + 1
  }

  onAsk({ operation, number, id }: Attempt): void {
    if (number > 0 || id === null) return
    if (!operation.isRead && !operation.isConditional) this.#plain.add(id.toString())
  }

  onSend(from: number, message: Message): void {
    if (message.kind === MESSAGE.offer) this.#onOfferSent(from, message)
    else if (message.kind === MESSAGE.prepare) this.#onPrepareSent(from, message)
  }

  #onOfferSent(from: number, offer: Offer): void {
    const exchange = from * EXCHANGES_MAX + offer.exchange
    if (this.#offers.has(exchange) || offer.exchange === 0) return
    this.#offers.set(exchange, offer)
    const { cause, record } = offer
    if (cause === CAUSE.repair) this.add('record brought by a comparison')
    if (cause === CAUSE.hint) this.add('hint brought by a member')
    if (cause === CAUSE.writeBack) this.add('read writes back')
    if (cause === CAUSE.plain) this.#offered.add(`${from} ${record.request}`)
    if (cause !== CAUSE.accept) return
    const watch = this.#prepared.get(record.ballot.toString())
    if (watch === undefined) return
    if (watch.promises > 1 && watch.isOpen) this.add('third promise waited for')
    watch.isOpen = false
    if (isEqual(record.ballot, record.version)) return
    const request = record.request.toString()
    const isOwn = watch.request === request
    const isReader = watch.request === NOBODY
    this.add(
      isOwn ? 'own write finished' : isReader ? 'reader finishes a write' : 'another write made chosen first',
    )
  }

  #onPrepareSent(from: number, { exchange, ballot, request: id }: Prepare): void {
    const name = from * EXCHANGES_MAX + exchange
    if (this.#rounds.has(name)) return
    const request = id.toString()
    const watch = { request, promises: 0, isOpen: false }
    this.#rounds.set(name, watch)
    this.#prepared.set(ballot.toString(), watch)
    if (!this.#plain.has(request)) return
    const isOffered = this.#offered.has(`${from} ${request}`)
    this.add(isOffered ? 'put settled after it was offered' : 'put settled at once')
  }

  onMessage(_from: number, to: number, message: Message): void {
    const { kind } = message
    if (kind === MESSAGE.promised) this.#onPromised(to, message)
    if (kind === MESSAGE.released) this.add('floor written down')
    if (kind === MESSAGE.introduced) this.add('member begins anew')
    if ('votes' in message && !message.votes) this.add('reply that does not vote')
    if ('verdict' in message && message.verdict === VERDICT.staleLayout) this.add('old layout refused')
    if (message.kind === MESSAGE.offered && message.verdict !== VERDICT.held) {
      const offer = this.#offers.get(to * EXCHANGES_MAX + message.exchange)
      if (offer?.cause === CAUSE.writeBack) this.add('write-back refused')
      if (offer?.cause === CAUSE.accept) this.add('accept refused')
    }
  }

  #onPromised(to: number, { exchange, verdict, evidence, isForgetful }: Promised): void {
    const watch = this.#rounds.get(to * EXCHANGES_MAX + exchange)
    if (watch === undefined) return
    if (verdict === VERDICT.promised) this.add('promise refused: a duel')
    if (verdict !== VERDICT.held) return
    watch.promises += 1
    // Only what somebody may have held is worth waiting for.
    if (evidence.length > 0 || isForgetful) watch.isOpen = true
  }

  onAnswer({ operation, number }: Attempt, answer: Answer, counts: boolean): void {
    const { outcome, reason, record } = answer
    if (outcome === OUTCOME.ok && this.#world.isMoving) this.add('answered by a joint electorate')
    if (reason === REASON.superseded) this.add('attempt superseded')
    if (reason === REASON.forgotten) this.add('in doubt: the ledger forgot')
    if (reason === REASON.idAhead) this.add('request id too far ahead')
    if (outcome === OUTCOME.no && number < operation.attempt) this.add('late no not believed')
    if (counts && number > 0 && !operation.isRead) this.add('retry answered')
    if (record !== null && record.value === null && record.expiresAtMs > 0) {
      this.add('expired value shown as gone')
    }
    const isWrite = !operation.isRead && outcome === OUTCOME.ok
    if (isWrite && record?.value === undefined) this.add('chosen by evidence alone')
  }
}

const NOBODY = '0'.repeat(24)

/** Those of which a campaign of this size should have seen each. */
export function missing(counts: Counts): State[] {
  return STATES.filter((state) => (counts[state] ?? 0) === 0)
}
