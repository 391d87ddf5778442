/** The lines of a transcript: who asked what of whom, what it answered, and what a client was told. */
import {
  type Answer,
  isEqual,
  MESSAGE,
  type Message,
  OUTCOME,
  type Request,
  type Version,
  ZERO,
} from '../../src/index.ts'
import { type Flight, kindOf } from './network.ts'
import { writtenOutcome, writtenPromise, writtenRecord, writtenVerdict, writtenVersion } from './words.ts'

const NAMES = ['', 'A', 'B', 'C', 'D']

interface Asked {
  readonly words: string
  readonly request: Request
}

export class Telling {
  #lines: string[] = []
  readonly #asked = new Map<number, Asked>()
  /** By asker and exchange: the request that promises were asked for. */
  readonly #requests = new Map<string, Version>()

  takeLines(): readonly string[] {
    const lines = this.#lines
    this.#lines = []
    return lines
  }

  tell(line: string): void {
    this.#lines.push(line)
  }

  asked(token: number, words: string, request: Request): void {
    this.#asked.set(token, { words, request })
  }

  question(from: number, message: Message): void {
    if (message.kind === MESSAGE.prepare) this.#requests.set(`${from} ${message.exchange}`, message.request)
  }

  tellQuestion({ from, to, message }: Flight, answer: string): void {
    this.tell(`${NAMES[from]} > ${NAMES[to]}  ${questionText(message)}: ${answer}`)
  }

  replyText(to: number, message: Message): string {
    if (message.kind === MESSAGE.offered) return withVote(message.votes, writtenVerdict(message.verdict))
    if (message.kind === MESSAGE.state) return withVote(message.votes, writtenRecord(message.record))
    if (message.kind !== MESSAGE.promised) return repairText(message)
    const request = this.#requests.get(`${to} ${message.exchange}`) ?? ZERO
    return withVote(message.votes, writtenPromise(message, request))
  }

  tellAnswer(node: number, token: number, { outcome, reason, record, rounds }: Answer): void {
    const { words, request } = this.#asked.get(token)!
    const attempt = request.attempt > 0 ? ` (attempt ${request.attempt})` : ''
    const what = record === null ? '' : ` ${writtenRecord(record)}`
    const length = rounds === 1 ? '1 round' : `${rounds} rounds`
    const told = `${writtenOutcome(outcome, reason)}${what}, after ${length}`
    const isLate = outcome !== OUTCOME.ok && this.#latestAttempt(request) > request.attempt
    const counts = isLate ? '; not believed, a later attempt is out' : ''
    this.tell(`${NAMES[node]} answers ${words}${attempt}: ${told}${counts}`)
  }

  #latestAttempt({ id, attempt }: Request): number {
    let latest = attempt
    for (const { request } of this.#asked.values()) {
      if (id !== null && request.id !== null && isEqual(request.id, id))
        latest = Math.max(latest, request.attempt)
    }
    return latest
  }
}

function withVote(votes: boolean, text: string): string {
  return votes ? text : `${text}, without a vote`
}

function questionText(message: Message): string {
  const kind = kindOf(message)
  if (message.kind === MESSAGE.offer) return `${kind} ${writtenRecord(message.record)}`
  if (message.kind === MESSAGE.read) return message.wantsValue ? kind : `${kind} ballot`
  if (message.kind === MESSAGE.fence || message.kind === MESSAGE.release) {
    return `${kind} ${writtenVersion(message.upTo)}`
  }
  if (message.kind !== MESSAGE.prepare) return kind
  const { ballot, request, attempt } = message
  const asker = request.isZero() ? 'a reader' : writtenVersion(request)
  return `${kind} ${writtenVersion(ballot)} for ${asker}${attempt > 0 ? ` attempt ${attempt}` : ''}`
}

/** What members say who compare, begin anew, or end tombstones. */
function repairText(message: Message): string {
  switch (message.kind) {
    case MESSAGE.introduced: {
      const floors = message.floors.map(({ upTo }) => `, floor ${writtenVersion(upTo)}`)
      return `written down, nothing above ${message.promised.map(writtenVersion)}${floors.join('')}`
    }
    case MESSAGE.rootsDiffer:
      return message.partitions.length === 0 ? 'equal' : 'not equal'
    case MESSAGE.entries:
      return message.entries.map(({ ballot }) => `@${writtenVersion(ballot)}`).join() || 'nothing there'
    case MESSAGE.copied: {
      const told = message.entries.map(({ ballot }) => `@${writtenVersion(ballot)}`)
      const records = message.records.map(({ record }) => writtenRecord(record))
      return [...told, ...records].join() || 'nothing there'
    }
    case MESSAGE.fetched:
      return message.records.map(({ record }) => writtenRecord(record)).join() || 'nothing there'
    case MESSAGE.fenced:
      return message.digest === null ? 'not allowed' : `promised, ${digestText(message.digest)} below it`
    case MESSAGE.released:
      return 'released'
    default:
      throw new Error(`no reply: ${message.kind}`)
  }
}

function digestText([one, other]: Int32Array): string {
  return one === 0 && other === 0 ? 'nothing' : ((one! ^ other!) >>> 0).toString(16).padStart(8, '0')
}
