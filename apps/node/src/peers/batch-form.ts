/** How messages become batches. What stands in them, links do not know. */
import type { LayoutState, Message, StartMessage } from '@minivault/cluster'

/** The kinds of a batch. */
export const BATCH = { messages: 0, firstStart: 1, lists: 2 } as const
export type BatchKind = (typeof BATCH)[keyof typeof BATCH]

/** Messages behind each other, as bytes. */
export interface MessageBytes {
  /** The first `length` are the messages. */
  readonly bytes: Uint8Array
  readonly length: number
  /** False: it is too long to be sent, and not among them. */
  add(message: Message): boolean
  clear(): void
}

export interface BatchForm {
  newMessages(): MessageBytes
  start(message: StartMessage<LayoutState>): Uint8Array
  /** Bytes of the header of any batch. */
  readonly headBytes: number
  /** Writes so many at `at`. */
  writeHead(kind: BatchKind, into: Uint8Array, at: number): void
}
