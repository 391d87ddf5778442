/**
 * Batches in PEER frames over connections of our own. One is enough until the other side takes less than it
 * is sent; then another is opened, so that what is small does not wait behind what is large.
 */
import type { ErrorNumber } from '@minivault/protocol'
import { PEER_CONNECTION_FULL_BYTES, PEER_CONNECTIONS_MAX } from '../limits.ts'
import type { Carrier, CarrierOwner, Parcel } from './carrier.ts'
import { PeerConnection, type PeerConnectionOwner, type PeerConnectionParts } from './peer-connection.ts'
import { Redial } from './redial.ts'

export interface FrameCarrierParts extends Omit<PeerConnectionParts, 'owner' | 'security'> {
  /** Asked at each dialling: certificates are renewed. */
  readonly security: () => PeerConnectionParts['security']
  readonly owner: CarrierOwner
}

export class FrameCarrier implements Carrier, PeerConnectionOwner {
  readonly #parts: FrameCarrierParts
  readonly #open: PeerConnection[] = []
  #dialling: PeerConnection | null = null
  readonly #redial: Redial
  #unanswered = 0
  #isClosed = false

  constructor(parts: FrameCarrierParts) {
    this.#parts = parts
    this.#redial = new Redial()
    this.#dial()
  }

  get isReady(): boolean {
    return this.#unanswered < this.#parts.batchesMax && this.#freest() !== null
  }

  get isConnected(): boolean {
    return this.#open.length > 0
  }

  get unsentBytes(): number {
    let bytes = 0
    for (const { unsentBytes } of this.#open) bytes += unsentBytes
    return bytes
  }

  carry(parcel: Parcel): void {
    this.#unanswered += 1
    this.#freest()!.carry(parcel)
  }

  /** The connection with the least before it; null: all are full. */
  #freest(): PeerConnection | null {
    let freest: PeerConnection | null = null
    let least = PEER_CONNECTION_FULL_BYTES
    for (const connection of this.#open) {
      const { unsentBytes } = connection
      if (unsentBytes === 0) return connection
      if (unsentBytes >= least) continue
      least = unsentBytes
      freest = connection
    }
    return freest
  }

  #dial(): void {
    const { owner: _, security, ...parts } = this.#parts
    this.#dialling = new PeerConnection({ ...parts, security: security(), owner: this })
  }

  sweep(elapsedMs: number): void {
    this.#dialling?.sweep(elapsedMs)
    for (let index = this.#open.length - 1; index >= 0; index--) this.#open[index]!.sweep(elapsedMs)
    if (this.#dialling !== null || this.#isClosed || !this.#redial.isDue(elapsedMs)) return
    const isFull = this.#open.length < PEER_CONNECTIONS_MAX && this.#freest() === null
    if (this.#open.length === 0 || isFull) this.#dial()
  }

  close(): void {
    this.#isClosed = true
    this.#dialling?.end()
    for (const connection of this.#open) connection.end()
    this.#open.length = 0
  }

  // --- connections

  onOpen(connection: PeerConnection, nodeId: string): void {
    this.#dialling = null
    this.#open.push(connection)
    this.#redial.succeeded()
    this.#parts.owner.onConnected(nodeId)
  }

  onRoom(): void {
    this.#parts.owner.onReady()
  }

  onTaken(roundTripMs: number, peerTimeMs: number): void {
    this.#unanswered -= 1
    this.#parts.owner.onTaken(roundTripMs, peerTimeMs)
  }

  onRefused(error: ErrorNumber, words: string, messages: number): void {
    if (messages > 0) this.#unanswered -= 1
    this.#parts.owner.onRefused(error, words, messages)
  }

  onClosed(connection: PeerConnection, words: string, lost: number, batches: number): void {
    if (this.#dialling === connection) this.#dialling = null
    const index = this.#open.indexOf(connection)
    if (index >= 0) this.#open.splice(index, 1)
    this.#unanswered -= batches
    this.#redial.failed(this.#parts.time.elapsedMs())
    const { owner } = this.#parts
    if (lost > 0) owner.onLost(lost)
    owner.onBroken(words)
  }
}
