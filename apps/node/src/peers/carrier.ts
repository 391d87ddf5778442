/** The way that batches take to one peer: connections of the frame form, or POSTs. */
import type { ErrorNumber } from '@minivault/protocol'

/** A batch on its way: a header, and bytes[0, length) behind it. */
export interface Parcel {
  readonly head: Uint8Array
  /** As they are now: whoever cannot send them before it returns copies them. */
  readonly bytes: Uint8Array
  readonly length: number
  readonly messages: number
}

export interface Carrier {
  /** A batch may be carried now. */
  readonly isReady: boolean
  readonly isConnected: boolean
  /** Handed over, and not yet taken by the system. */
  readonly unsentBytes: number
  carry(parcel: Parcel): void
  /** Called every PEER_SWEEP_MS, in milliseconds that only rise. */
  sweep(elapsedMs: number): void
  /** What was handed over may still leave; nothing more is heard. */
  close(): void
}

/** Who is told what becomes of batches. */
export interface CarrierOwner {
  /** `isReady` may have become true. */
  onReady(): void
  /** The peer answers, and calls itself this. */
  onConnected(nodeId: string): void
  /** A connection could not be opened, or broke. */
  onBroken(words: string): void
  /** So many messages went with it, or were not answered in time. */
  onLost(messages: number): void
  /** A batch was taken, at that time by the peer's clock. */
  onTaken(roundTripMs: number, peerTimeMs: number): void
  /** A batch of so many messages was refused, or a connection. */
  onRefused(error: ErrorNumber, words: string, messages: number): void
}
