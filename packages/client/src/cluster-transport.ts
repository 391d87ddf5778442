/*
 * The transport of a client that knows several nodes: each call is an attempt at one of them, and when that
 * breaks, is refused or takes too long, an attempt at another, under the same request id with the next
 * number, until the call's time is over.
 *
 * A read that takes longer than most is asked of a second node as well, for a small share of them; the first
 * answer counts. Of a write a "yes" counts from any attempt, a "no" only from the latest. What cannot be sent
 * again without acting twice (a write by the documented opcodes, a batch, a value from a source) moves on
 * only while it has not left.
 */

import { isErrorName } from '@minivault/protocol'
import type { Address } from './address.ts'
import { Attempt, type AttemptOwner } from './attempt.ts'
import { CallAttempts } from './call-attempts.ts'
import type { Transport } from './calls.ts'
import { ClientError } from './client-error.ts'
import type { Listeners } from './client-events.ts'
import type { ClusterNode } from './cluster-node.ts'
import { ClusterNodes } from './cluster-nodes.ts'
import { gather } from './gather.ts'
import { LayoutReader } from './layout-reader.ts'
import {
  ATTEMPT_MAX,
  ATTEMPTS_AT_ONCE_MAX,
  BUSY_TRIES,
  CLOCK_RETRIES_MAX,
  ROUND_PAUSE_MS_MAX,
  ROUND_PAUSE_MS_MIN,
  STREAM_GATHER_BYTES_MAX,
} from './limits.ts'
import { OverdueWatch } from './overdue-watch.ts'
import { Patience } from './patience.ts'
import type { PoolOwner } from './pool-owner.ts'
import { KIND, type Reply, type Request, SOME_CARRIER } from './request.ts'
import type { RequestClock } from './request-clock.ts'
import type { Routing } from './routing.ts'
import type { Time } from './time.ts'
import { isNo, isRepeatable, isUnknown, type Verdict, verdictOf } from './verdict.ts'

export interface ClusterOptions {
  seeds: readonly Address[]
  transport: (address: Address, owner: PoolOwner) => Transport
  clock: RequestClock
  time: Time
  /** rounds in which every node refused before the call is given up */
  retriesMax: number
  /** 0: learned */
  tryTimeoutMs: number
  hedgeShare: number
  followsLayout: boolean
  routing: Routing
  region: string | undefined
  listeners: Listeners
}

export class ClusterTransport implements Transport, AttemptOwner {
  readonly #options: ClusterOptions
  readonly #nodes: ClusterNodes
  readonly #layouts: LayoutReader
  readonly #patience: Patience
  readonly #watch: OverdueWatch
  #isClosed = false

  constructor(options: ClusterOptions) {
    this.#options = options
    const { seeds, time, transport, followsLayout, routing, region, listeners } = options
    this.#patience = new Patience(options)
    this.#nodes = new ClusterNodes({
      seeds,
      routing,
      region,
      listeners,
      time,
      transport: (address, node) => transport(address, this.#ownerOf(node)),
    })
    this.#layouts = new LayoutReader(followsLayout, this.#nodes, time)
    this.#watch = new OverdueWatch({
      time,
      patienceMs: () => this.#patience.leastMs,
      look: (attempt, ageMs) => this.#look(attempt, ageMs),
    })
  }

  submit(request: Request): void {
    const now = this.#options.time.now()
    this.#layouts.refresh(now)
    this.#nodes.probe(now)
    if (request.pieces !== null) return this.#submitPieces(request)
    const attempts = new CallAttempts(request)
    request.attempts = attempts
    if (request.kind === KIND.get) this.#patience.countRead()
    this.#start(attempts, now)
  }

  abandon(request: Request, isLate: boolean): void {
    if (request.attempts instanceof CallAttempts) this.#letGo(request.attempts, isLate)
    else for (const node of this.#nodes) node.transport.abandon(request, isLate)
  }

  close(): void {
    this.#isClosed = true
    this.#watch.close()
    this.#nodes.close()
  }

  #ownerOf(node: () => ClusterNode): PoolOwner {
    return {
      onGreeted: (capabilities) => {
        node().heard()
        this.#layouts.greeted(node(), capabilities)
      },
      onElsewhere: (upload) => this.#moveUpload(upload, node()),
    }
  }

  // --- attempts

  #start(attempts: CallAttempts, now: number): void {
    const { call, live, tried } = attempts
    if (call.settled || this.#isClosed || live.length >= ATTEMPTS_AT_ONCE_MAX) return
    const node = this.#nodes.choose(call, tried, now)
    // Whoever is down is asked only when nobody has it: where all are slow, more calls make them slower.
    if (node === null || (node.isDown && live.length > 0)) return this.#endRound(attempts)
    const attempt = new Attempt(attempts, node, now, this)
    if (attempt.attempt > ATTEMPT_MAX) return this.#fail(attempts, call.lastError!)
    attempts.add(attempt)
    call.carrier ??= SOME_CARRIER
    this.#watch.add(attempt)
    node.transport.submit(attempt)
  }

  /** Every node was tried. */
  #endRound(attempts: CallAttempts): void {
    const { call, rounds } = attempts
    const { time, retriesMax } = this.#options
    if (attempts.isHopeless || (attempts.isRefused && rounds >= retriesMax)) {
      return this.#fail(attempts, call.lastError!)
    }
    const pauseMs = Math.min(ROUND_PAUSE_MS_MAX, ROUND_PAUSE_MS_MIN * 2 ** rounds)
    attempts.nextRound()
    const waitMs = Math.max(call.lastError?.retryAfterMs ?? 0, pauseMs * (1 + time.random() / 2))
    attempts.pause = time.after(waitMs, () => {
      attempts.pause = null
      this.#start(attempts, time.now())
    })
  }

  /** Another attempt after this one, unless one is under way that may yet be answered soon. */
  #goOn({ attempts, node }: Attempt, error: ClientError | null): void {
    if (attempts.pause !== null || attempts.isHopeful) return
    attempts.retries++
    if (error !== null) {
      const { listeners } = this.#options
      listeners.tell('retry', { node: node.place, error, attempt: attempts.retries })
    }
    this.#start(attempts, this.#options.time.now())
  }

  onReply(attempt: Attempt, reply: Reply): void {
    const { attempts, node } = attempt
    node.served(attempt.isWrite)
    this.#patience.answered(attempt, this.#options.time.now())
    if (!attempt.settle()) return
    attempts.drop(attempt)
    if (attempts.call.settled) return
    if (isNo(attempt, reply) && attempt !== attempts.latest) return this.#goOn(attempt, null)
    this.#letGo(attempts, false)
    attempts.call.resolve(reply)
  }

  onError(attempt: Attempt, error: ClientError): void {
    const { attempts, isWrite } = attempt
    const verdict = verdictOf(error, attempt)
    this.#judgeNode(attempt, verdict, error)
    if (!attempt.settle()) return
    attempts.drop(attempt)
    const { call } = attempts
    if (call.settled || this.#isClosed) return call.reject(error)
    if (isUnknown(error, attempt)) attempts.isUnknown = true
    if (verdict === 'answer' || verdict === 'no') {
      if (isWrite && attempt !== attempts.latest) return this.#goOn(attempt, error)
      if (verdict === 'answer') return this.#fail(attempts, error)
      this.#letGo(attempts, false)
      return call.reject(error.with({ inDoubt: false }))
    }
    call.lastError = error
    attempts.count(verdict)
    if (verdict === 'clock') return this.#takeNewId(attempts, error)
    if (attempts.isUnknown && !isRepeatable(attempt)) return this.#fail(attempts, error)
    this.#goOn(attempt, error)
  }

  #judgeNode({ node, isWrite }: Attempt, verdict: Verdict, { code }: ClientError): void {
    if (this.#isClosed) return
    const now = this.#options.time.now()
    if (verdict === 'unreachable' || verdict === 'wrong') node.fell(now)
    else if (verdict === 'rest') {
      node.refused(isWrite, now)
      // What a node says when it ends is for all.
      if (code === 'SHUTTING_DOWN') node.refused(!isWrite, now)
    } else {
      if (isErrorName(code)) node.served(isWrite)
      return
    }
    this.#layouts.hint(now)
  }

  /** Nothing was done under an id that is too high, unless another attempt has been made under it. */
  #takeNewId(attempts: CallAttempts, error: ClientError): void {
    const { call } = attempts
    const { clock } = this.#options
    if (attempts.mayHaveActed || call.clockRetries >= CLOCK_RETRIES_MAX) return this.#fail(attempts, error)
    clock.stepBack(call.clockRetries++)
    clock.next(call.id)
    attempts.latest = null
    attempts.tried.length = 0
    this.#start(attempts, this.#options.time.now())
  }

  #fail(attempts: CallAttempts, error: ClientError): void {
    const { call } = attempts
    const inDoubt = call.isInDoubt
    this.#letGo(attempts, false)
    call.reject(error.with({ inDoubt }))
  }

  /** The call has its answer, or is given up: what is under way for it is no use any more. */
  #letGo(attempts: CallAttempts, isLate: boolean): void {
    if (attempts.pause !== null) this.#options.time.cancel(attempts.pause)
    attempts.pause = null
    for (const attempt of attempts.live.splice(0)) {
      attempt.settle()
      attempt.node.transport.abandon(attempt, isLate)
    }
  }

  // --- those that take long

  #look(attempt: Attempt, ageMs: number): void {
    const { attempts, node } = attempt
    const { time } = this.#options
    const now = time.now()
    if (ageMs >= this.#patience.tryMsOf(attempt) || (node.isDown && node.downAt > attempt.startedAt)) {
      this.#late(attempt, ageMs, now)
    } else if (this.#mayHedge(attempt, ageMs)) {
      attempts.isHedged = true
      this.#start(attempts, now)
    }
  }

  #mayHedge(attempt: Attempt, ageMs: number): boolean {
    const { attempts, kind, isBegun } = attempt
    if (kind !== KIND.get || isBegun || attempts.isHedged || attempts.live.length > 1) return false
    if (ageMs < this.#patience.hedgeMs || !this.#nodes.isAnyLeft(attempts.tried)) return false
    return this.#patience.takeHedge()
  }

  #late(attempt: Attempt, ageMs: number, now: number): void {
    const { node, carrier, sentAt, isBegun, isWrite } = attempt
    if (!isRepeatable(attempt)) return
    const tryMs = this.#patience.tryMsOf(attempt)
    const since = isBegun ? now - tryMs : sentAt
    const heardAt = carrier?.heardAt ?? null
    const isSilent = heardAt === null ? !isBegun : heardAt < since
    if (isSilent) {
      if (!node.isDown) this.#watch.hurry()
      node.fell(now)
    } else if (isBegun || (isWrite && ageMs < tryMs * BUSY_TRIES)) {
      // The node works; two that write the same for us only get in each other's way.
      return
    }
    this.#pass(attempt)
  }

  /** Its node takes too long: another is asked. */
  #pass(attempt: Attempt): void {
    const { attempts, node, sent } = attempt
    attempt.isOverdue = true
    if (sent === 0) {
      attempt.settle()
      attempts.drop(attempt)
    }
    attempts.count('unreachable')
    const error = silence(node)
    attempts.call.lastError ??= error
    this.#goOn(attempt, error)
  }

  // --- values from a source

  #submitPieces(request: Request): void {
    const { time } = this.#options
    const { size } = request.pieces!
    if (size === undefined || size <= STREAM_GATHER_BYTES_MAX) {
      gather(request, time).then(
        () => {
          if (!request.settled) this.submit(request)
        },
        (error: ClientError) => request.reject(error),
      )
      return
    }
    // It goes by itself: its deadline moves with its pieces.
    this.#nodes.choose(request, [], time.now())!.transport.submit(request)
  }

  #moveUpload(request: Request, from: ClusterNode): void {
    const { time } = this.#options
    from.fell(time.now())
    time.after(ROUND_PAUSE_MS_MIN, () => {
      if (request.settled || this.#isClosed) return
      const now = time.now()
      const node = this.#nodes.choose(request, [from], now) ?? from
      node.transport.submit(request)
    })
  }
}

function silence({ place }: ClusterNode): ClientError {
  return new ClientError('CLIENT_TIMEOUT', `${place} was silent`, { retryable: true })
}
