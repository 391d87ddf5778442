/**
 * What leaves for one peer: all messages of a turn in one batch, behind those that could not leave before.
 * At most so many batches are without an answer; what comes meanwhile joins the next one.
 */
import type { LayoutState, Message, StartMessage } from '@minivault/cluster'
import type { ErrorNumber } from '@minivault/protocol'
import { PEER_BATCH_BYTES } from '../limits.ts'
import type { NodeLogger } from '../node.ts'
import type { Time } from '../time.ts'
import { BATCH, type BatchForm } from './batch-form.ts'
import type { Carrier, CarrierOwner, Parcel } from './carrier.ts'
import type { LinkStatus } from './link-status.ts'
import { PeerClock } from './peer-clock.ts'
import { WaitingBatches } from './waiting-batches.ts'

export interface PeerLink {
  readonly name: string
  readonly status: LinkStatus
  /** Whoever wants to send opens another one. */
  readonly isClosed: boolean
  /** Leaves with all others of this turn; written down before it returns. */
  send(message: Message): void
  sendStart(message: StartMessage<LayoutState>): void
  /** `encodeList`. */
  sendList(bytes: Uint8Array): void
  close(): void
}

export interface PeerLinkParts {
  readonly name: string
  readonly form: BatchForm
  readonly time: Time
  readonly logger: NodeLogger
  readonly carrierOf: (owner: CarrierOwner) => Carrier
  /** `flush` is to be called at the end of the turn. */
  readonly onTouched: (link: BatchLink) => void
}

export class BatchLink implements PeerLink, CarrierOwner {
  readonly name: string
  /** Kept by whoever calls `flush`. */
  isTouched = false
  /** When something was last sent, in milliseconds that only rise. */
  usedAt: number
  readonly #parts: PeerLinkParts
  readonly #waiting: WaitingBatches
  readonly #clock = new PeerClock()
  readonly #carrier: Carrier
  readonly #parcel: Mutable<Parcel>
  #nodeId = ''
  #lastError = ''
  #refusal = ''
  #lost = 0
  #isDown = false
  #isClosed = false

  constructor(parts: PeerLinkParts) {
    this.#parts = parts
    this.usedAt = parts.time.elapsedMs()
    this.name = parts.name
    this.#waiting = new WaitingBatches(parts.form)
    const head = new Uint8Array(parts.form.headBytes)
    this.#parcel = { head, bytes: head, length: 0, messages: 0 }
    this.#carrier = parts.carrierOf(this)
  }

  get status(): LinkStatus {
    const { offsetMs, offsetMsAtLeast, roundTripMs } = this.#clock
    return {
      isConnected: this.#carrier.isConnected,
      nodeId: this.#nodeId,
      lastError: this.#lastError,
      refusal: this.#refusal,
      offsetMs,
      offsetMsAtLeast,
      roundTripMs,
      unsentBytes: this.#waiting.bytes + this.#carrier.unsentBytes,
      dropped: this.#waiting.dropped + this.#lost,
    }
  }

  get isClosed(): boolean {
    return this.#isClosed
  }

  /** Messages that came since the last batch was full. */
  get waiting(): number {
    return this.#waiting.lastMessages
  }

  send(message: Message): void {
    if (this.#isClosed) return
    const waiting = this.#waiting
    this.usedAt = this.#parts.time.elapsedMs()
    waiting.add(message, this.usedAt)
    if (waiting.lastBytes >= PEER_BATCH_BYTES) {
      this.flush()
      if (waiting.lastBytes >= PEER_BATCH_BYTES) waiting.seal()
    }
    if (!this.isTouched) this.#parts.onTouched(this)
  }

  sendStart(message: StartMessage<LayoutState>): void {
    if (this.#isClosed) return
    this.usedAt = this.#parts.time.elapsedMs()
    this.#waiting.addStart(message, this.usedAt)
    if (!this.isTouched) this.#parts.onTouched(this)
  }

  sendList(bytes: Uint8Array): void {
    if (this.#isClosed) return
    this.#waiting.addAlone(BATCH.lists, bytes, this.#parts.time.elapsedMs())
    if (!this.isTouched) this.#parts.onTouched(this)
  }

  /** Sends what may be sent now. */
  flush(): void {
    if (this.#isClosed) return
    const waiting = this.#waiting
    const carrier = this.#carrier
    for (let batch = waiting.oldest; batch !== null && carrier.isReady; batch = waiting.oldest) {
      const parcel = this.#parcel
      this.#parts.form.writeHead(batch.kind, parcel.head, 0)
      parcel.bytes = batch.bytes
      parcel.length = batch.length
      parcel.messages = batch.messages
      carrier.carry(parcel)
      waiting.shift()
    }
  }

  sweep(elapsedMs: number): void {
    this.#waiting.expire(elapsedMs)
    this.#carrier.sweep(elapsedMs)
  }

  /** What waits leaves if it can at once. */
  close(): void {
    if (this.#isClosed) return
    this.flush()
    this.#isClosed = true
    this.#carrier.close()
  }

  // --- what becomes of it

  onReady(): void {
    if (this.#waiting.oldest !== null && !this.isTouched) this.#parts.onTouched(this)
  }

  onConnected(nodeId: string): void {
    this.#nodeId = nodeId
    if (this.#isDown || this.#lastError === '') {
      this.#parts.logger.info({ peer: this.name }, 'connected to the peer')
    }
    this.#isDown = false
    this.onReady()
  }

  onBroken(words: string): void {
    const isNews = words !== this.#lastError || !this.#isDown
    this.#lastError = words
    if (this.#carrier.isConnected || this.#isClosed) return
    if (isNews) this.#parts.logger.warn({ peer: this.name, why: words }, 'no connection to the peer')
    this.#isDown = true
  }

  onLost(messages: number): void {
    this.#lost += messages
  }

  onTaken(roundTripMs: number, peerTimeMs: number): void {
    const { time, logger } = this.#parts
    this.#clock.add(roundTripMs, peerTimeMs, time.now(), time.elapsedMs())
    if (this.#refusal === '') return
    this.#refusal = ''
    logger.info({ peer: this.name }, 'the peer takes batches again')
  }

  onRefused(_error: ErrorNumber, words: string, messages: number): void {
    this.#lost += messages
    if (words === this.#refusal) return
    this.#refusal = words
    this.#parts.logger.warn({ peer: this.name, why: words }, 'refused by the peer')
  }
}

type Mutable<T> = { -readonly [K in keyof T]: T[K] }
