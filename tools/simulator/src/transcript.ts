/**
 * A run as text: every message that arrived, every question and answer of a client, each a line.
 *
 *   time  key  who  what  -> what came of it
 *
 * Versions are written short: milliseconds since the beginning, counter, the last digits of the writer.
 */
import {
  type Answer,
  CAUSE,
  type HeldRecord,
  isAbsent,
  isEqual,
  MESSAGE,
  type Message,
  OUTCOME,
  type Prepare,
  type Question,
  REASON,
  type Reply,
  VERDICT,
  type Version,
} from '@minivault/cluster'
import type { Attempt } from './world/client.ts'
import { WALL_MS } from './world/member.ts'
import { numberOf } from './world/operation.ts'
import type { Timeline } from './world/timeline.ts'
import { memberName, type Observer, type World } from './world/world.ts'

/** Exchanges are counted by each member for itself. */
const EXCHANGES_MAX = 2 ** 48

export class Transcript implements Observer {
  readonly lines: string[] = []
  #timeline!: Timeline
  /** Questions, so that an answer can say what it answers. */
  readonly #questions = new Map<number, Question>()

  onStart({ timeline }: World): void {
    this.#timeline = timeline
  }

  onSend(): void {}

  onMessage(from: number, to: number, message: Message): void {
    const { kind } = message
    if (kind === MESSAGE.state || kind === MESSAGE.promised || kind === MESSAGE.offered) {
      const question = this.#questions.get(to * EXCHANGES_MAX + message.exchange)
      if (question === undefined) return
      const what = `${memberName(to)} <- ${memberName(from)}`.padEnd(8)
      this.#say(question.key.id, `${what} ${questionText(question)}`, replyText(message))
      return
    }
    if (kind !== MESSAGE.offer && kind !== MESSAGE.prepare && kind !== MESSAGE.read) {
      const what = `${memberName(from)} -> ${memberName(to)}`.padEnd(8)
      return this.#say('--', `${what} ${nameIn(MESSAGE, kind)}`, '')
    }
    this.#questions.set(from * EXCHANGES_MAX + message.exchange, message)
    const what = `${memberName(from)} -> ${memberName(to)}`.padEnd(8)
    this.#say(message.key.id, `${what} ${questionText(message)}`, '')
  }

  onAsk({ operation, number, member, id }: Attempt): void {
    const { start } = operation
    const expected = start.expected === null ? '' : ` if ${versionText(start.expected)}`
    const retry = number === 0 ? '' : ` attempt ${number}`
    const request = id === null ? '' : `  request ${versionText(id)}`
    const what = `${start.kind} #${start.id}${expected}${retry}${request}`
    this.#say(`k${start.key}`, `${memberName(member)} <- client ${start.client} ${what}`, '')
  }

  onAnswer({ operation, member, number }: Attempt, answer: Answer, counts: boolean): void {
    const { start } = operation
    const outcome = nameIn(OUTCOME, answer.outcome)
    const reason = answer.reason === REASON.none ? '' : ` ${nameIn(REASON, answer.reason)}`
    const record = answer.record === null ? '' : ` ${recordText(answer.record)}`
    const asked = `client ${start.client} ${start.kind} #${start.id} attempt ${number}`
    const what = `${memberName(member)} => ${asked}`
    this.#say(`k${start.key}`, what, `${outcome}${reason}${record}${counts ? '' : ' (does not count)'}`)
  }

  onEvent(text: string): void {
    this.#say('--', text, '')
  }

  onCrash(): void {}

  #say(key: string, what: string, result: string): void {
    const time = this.#timeline.nowMs.toFixed(2).padStart(9)
    this.lines.push(`${time} ${key} ${result === '' ? what : `${what.padEnd(58)} ${result}`}`)
  }
}

function questionText(question: Question): string {
  switch (question.kind) {
    case MESSAGE.offer: {
      const { cause, record } = question
      return `${nameIn(CAUSE, cause)} ${recordText(record)}`
    }
    case MESSAGE.prepare:
      return `prepare ${versionText(question.ballot)} for ${requestText(question)}`
    default:
      return question.wantsValue ? 'read' : 'read the ballot'
  }
}

function requestText({ request, attempt }: Prepare): string {
  return request.isZero() ? 'a reader' : `${versionText(request)}, attempt ${attempt}`
}

function replyText(reply: Reply): string {
  const silent = reply.votes ? '' : ' (no vote)'
  if (reply.kind === MESSAGE.state) return `${recordText(reply.record)}${silent}`
  const verdict = nameIn(VERDICT, reply.verdict)
  if (reply.verdict !== VERDICT.held) return `${verdict}, above ${versionText(reply.above)}${silent}`
  if (reply.kind === MESSAGE.offered) return `held${silent}`
  const ballots = reply.evidence.map(({ ballot }) => versionText(ballot)).join(' ')
  const held = ballots === '' ? '' : `, held ${ballots}`
  const forgetful = reply.isForgetful ? ', may have forgotten' : ''
  return `promised, ${recordText(reply.record)}${held}${forgetful}${silent}`
}

export function recordText(record: HeldRecord): string {
  const { ballot, version } = record
  if (isAbsent(record)) return ballot.isZero() ? 'nothing' : `nothing above ${versionText(ballot)}`
  const value = record.value === undefined ? '?' : String(numberOf(record))
  const again = isEqual(ballot, version) ? '' : ` of ${versionText(version)}`
  return `${value}@${versionText(ballot)}${again}`
}

export function versionText(version: Version): string {
  if (version.isZero()) return '0'
  const writer = (version.writerId & 0xff).toString(16).padStart(2, '0')
  const counter = version.counter === 0 ? '' : `+${version.counter}`
  return `${version.wallMs - WALL_MS}${counter}.${writer}`
}

function nameIn(names: Readonly<Record<string, number>>, wanted: number): string {
  return Object.keys(names).find((name) => names[name] === wanted) ?? String(wanted)
}
