/**
 * A client that notes what it did and saw. It asks one member, and where no answer comes, or none that says
 * what became of it, the next one under the same request id and the next attempt number. A refusal counts
 * only from the latest attempt: an earlier one is not fenced against what a later one may have done.
 */
import { HybridLogicalClock, Version } from '@minivault/cluster'
import {
  CONSISTENCY,
  type Consistency,
  ERROR,
  FRAME_FLAG,
  FRAME_OPCODE,
  type FrameReply,
  type FrameRequest,
  OUTCOME,
} from '@minivault/protocol'
import type { Kind, Operation } from '@minivault/simulator'
import type { Words } from '../wire/requests.ts'
import { type Called, FrameCaller } from './frame-caller.ts'
import { isCounter, type RealHistory, versionOfSum } from './real-history.ts'

/** After which another member is asked; longer with every attempt, for each supersedes the one before. */
const PATIENCE_MS = 300
const PATIENCE_MS_MAX = 3000
const ATTEMPTS_MAX = 200
/** Told so often that nobody knows, it is not asked any more. */
const DOUBTS_MAX = 4
/** The server's own, for it to give up what nobody waits for. */
const DEADLINE_MS = 3000
const PAUSE_MS = 10

export interface ClientParts {
  readonly number: number
  readonly history: RealHistory
  /** Where the members listen now; 0: nowhere. */
  readonly portOf: (member: number) => number
  readonly members: number
  /** Its clock is off by so much. */
  readonly skewMs?: number
  readonly consistency?: Consistency
  /** Keys of one case are no other's. */
  readonly keyName: (key: number) => string
}

export interface Wanted {
  readonly kind: Kind
  readonly key: number
  readonly member: number
  readonly expected?: Version | null
  /** No other member is asked. */
  readonly isPinned?: boolean
  readonly isFinal?: boolean
}

export class RecordingClient {
  readonly #parts: ClientParts
  readonly #clock: HybridLogicalClock
  readonly #callers: readonly FrameCaller[]
  /** By key, the version it saw last. */
  readonly #seen = new Map<number, Version>()

  constructor(parts: ClientParts) {
    this.#parts = parts
    const { number, skewMs = 0 } = parts
    this.#clock = new HybridLogicalClock({ writerId: number + 1, now: () => Date.now() + skewMs })
    this.#callers = Array.from({ length: parts.members }, (_, member) => {
      return new FrameCaller(() => parts.portOf(member))
    })
  }

  close(): void {
    for (const caller of this.#callers) caller.close()
  }

  lastSeen(key: number): Version | undefined {
    return this.#seen.get(key)
  }

  /** Ends when it is known what became of it, or nobody can say; `isWorth` false: when it is told to. */
  async run(wanted: Wanted, isWorth: () => boolean): Promise<Operation> {
    const { number: client, history, members } = this.#parts
    const { kind, key, expected = null, isPinned = false, isFinal = false } = wanted
    const id = kind === 'get' ? null : this.#clock.next(new Version())
    const operation = history.begin({ key, kind, client, expected, isFinal })
    let doubts = 0
    for (let attempt = 0; attempt < ATTEMPTS_MAX; attempt++) {
      operation.attempt = attempt
      const member = isPinned ? wanted.member : (wanted.member + attempt) % members
      const words = this.#words(operation, id, attempt)
      const late = (called: Called) => this.#answered(operation, called, attempt)
      const patienceMs = Math.min(PATIENCE_MS_MAX, PATIENCE_MS * (attempt + 1))
      const called = await this.#callers[member]!.call(words, patienceMs, late)
      if (called !== null) this.#answered(operation, called, attempt)
      if (operation.returnMs !== Number.POSITIVE_INFINITY || !isWorth()) break
      if (called?.reply.error === ERROR.IN_DOUBT && ++doubts === DOUBTS_MAX) break
      // An attempt that was refused at once is not asked again at once.
      await new Promise((resolve) => setTimeout(resolve, PAUSE_MS))
    }
    return operation
  }

  #words({ start, written }: Operation, id: Version | null, attempt: number): Words {
    const key = Buffer.from(this.#parts.keyName(start.key))
    const fill = (request: FrameRequest) => {
      request.consistency = this.#parts.consistency ?? CONSISTENCY.server
      request.deadlineMs = DEADLINE_MS
      if (id !== null) request.requestId.copy(id)
      request.attempt = attempt
      if (start.kind === 'create') request.flags |= FRAME_FLAG.ifAbsent
      if (start.expected === null) return
      request.flags |= FRAME_FLAG.ifVersion
      request.expectedVersion.copy(start.expected)
    }
    switch (start.kind) {
      case 'get':
        return { opcode: FRAME_OPCODE.get, key, fill }
      case 'deleteIf':
        return { opcode: FRAME_OPCODE.delete, key, fill }
      case 'increment':
        return { opcode: FRAME_OPCODE.increment, key, value: ONE, fill }
      default:
        return { opcode: FRAME_OPCODE.set, key, value: Buffer.from(String(written)), fill }
    }
  }

  #answered(operation: Operation, { reply, value }: Called, attempt: number): void {
    if (operation.returnMs !== Number.POSITIVE_INFINITY) return
    const ending = endingOf(operation, reply)
    if (ending === null) return
    if (ending === 'no' && attempt < operation.attempt) return
    const { key, kind } = operation.start
    operation.returnMs = performance.now()
    operation.ending = ending
    operation.version = new Version().copy(reply.version)
    operation.value = shownBy(operation, reply.error === ERROR.NONE ? value : NOTHING)
    // The version of a tombstone that was there already is not told by all answers.
    if (ending === 'no' && kind === 'deleteIf' && reply.error === ERROR.NONE) operation.version.clear()
    if (isCounter(key)) operation.version = versionOfSum(operation.value ?? 0)
    else if (!operation.version.isZero()) this.#seen.set(key, operation.version)
    this.#clock.observe(reply.version)
  }
}

const NOTHING = Buffer.alloc(0)
const ONE = Buffer.from([1, 0, 0, 0, 0, 0, 0, 0])

/** Null: it does not say what became of it. */
function endingOf({ start, isRead }: Operation, { error, outcome, flags }: FrameReply): 'ok' | 'no' | null {
  if (isRead) return error === ERROR.NONE || error === ERROR.KEY_NOT_FOUND ? 'ok' : null
  if (outcome === OUTCOME.no) return 'no'
  if (outcome !== OUTCOME.ok || error !== ERROR.NONE) return null
  // A delete that found nothing is done, but has done nothing.
  return start.kind === 'deleteIf' && (flags & FRAME_FLAG.exists) === 0 ? 'no' : 'ok'
}

function shownBy({ start, written, ending }: Operation, value: Buffer): number | null {
  if (ending === 'no') return null
  switch (start.kind) {
    case 'get':
      return value.length === 0 ? null : Number(value.toString())
    case 'increment':
      return Number(value.readBigInt64LE(0))
    case 'deleteIf':
      return null
    default:
      return written
  }
}
