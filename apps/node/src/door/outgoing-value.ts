/**
 * A large value on its way out, as a stream of the store: read a piece ahead of the socket, cut into slices,
 * each behind its head, and no slice is begun before the socket has taken the one before.
 *
 *   file → piece (checked) → slice ┄ head, bytes → socket
 *
 * Memory: two pieces, out of buffers that all connections share, and one slice. A client that does not take
 * what it asked for keeps no piece from others: where they are short, it is read again later.
 */
import { copyBytes } from '@minivault/codec'
import { CHUNK_BYTES } from '@minivault/protocol'
import type { PieceBuffers, PieceHolder, ValueStream } from '@minivault/storage'
import { PIECES_AHEAD } from '../limits.ts'
import type { ByteSocket } from './byte-socket.ts'
import type { PieceReply } from './piece-reply.ts'
import type { SlicePool } from './slice-pool.ts'

/** What all connections share. */
export interface OutgoingMemory {
  readonly pieces: PieceBuffers
  readonly slices: SlicePool
}

export const OUTGOING = { waits: 0, sent: 1, failed: 2 } as const
export type OutgoingState = (typeof OUTGOING)[keyof typeof OUTGOING]

/** What takes the slices. */
export type SliceSocket = Pick<ByteSocket, 'write' | 'unsentBytes'>

interface Piece {
  buffer: Uint8Array
  /** A view of the buffer. */
  bytes: Uint8Array
  /** Up to here it has gone into slices. */
  at: number
}

export class OutgoingValue implements PieceHolder {
  readonly reply: PieceReply
  /** Set once it has failed. */
  failure: unknown = null
  /** Something of it has left. */
  isBegun = false
  /** Bytes that were handed to the socket, or are about to be. */
  sentBytes = 0
  readonly #stream: ValueStream
  readonly #socket: SliceSocket
  readonly #memory: OutgoingMemory
  readonly #onProgress: () => void
  readonly #totalBytes: number
  readonly #pieces: Piece[] = []
  #slice: Uint8Array | null = null
  /** The socket still reads from it. */
  #lent: Uint8Array | null = null
  /** The slice that is being filled is slice[0, #sliceEnd); filled up to #sliceFill. */
  #sliceFill = 0
  #sliceEnd = 0
  #isReading = false
  #isWaiting = false
  #isBlocked = false
  #isCancelled = false
  /** Somebody waited for the buffer given back in this turn, and goes first. */
  #yields = false
  #readBytes = 0
  /** Of reads: those begun before the last `spill` are of no use. */
  #round = 0

  /** `onProgress` asks for a `pump`. */
  constructor(
    stream: ValueStream,
    reply: PieceReply,
    socket: SliceSocket,
    memory: OutgoingMemory,
    onProgress: () => void,
  ) {
    this.reply = reply
    this.#stream = stream
    this.#totalBytes = stream.end - stream.start
    this.#socket = socket
    this.#memory = memory
    this.#onProgress = onProgress
    // Its turn may come late, its client be slow: how long that may take is for the connection to say.
    stream.keep()
  }

  /** Its turn has not come: it shall hold as little as it can. */
  rest(): void {
    this.#stream.rest()
  }

  /** Sends what can be sent now. */
  pump(): OutgoingState {
    if (this.#isBlocked) {
      if (this.#socket.unsentBytes > 0) return OUTGOING.waits
      this.#isBlocked = false
      this.#memory.pieces.wakes(this)
      this.#memory.slices.give(this.#lent!)
    }
    this.#yields = false
    for (;;) {
      if (this.failure !== null) return OUTGOING.failed
      if (this.sentBytes === this.#totalBytes && this.#slice === null && this.isBegun) return this.#sent()
      if (!this.#fill()) {
        this.#read()
        return OUTGOING.waits
      }
      this.#read()
      if (this.#send()) continue
      // What is left is the socket's affair.
      if (this.sentBytes === this.#totalBytes) return this.#sent()
      this.#isBlocked = true
      if (this.#pieces.length > 0) this.#memory.pieces.idles(this)
      return OUTGOING.waits
    }
  }

  #sent(): OutgoingState {
    this.cancel()
    return OUTGOING.sent
  }

  /** False: the slice waits for a piece. */
  #fill(): boolean {
    if (this.#slice === null) {
      const length = Math.min(CHUNK_BYTES, this.#totalBytes - this.sentBytes)
      if (length > 0 && this.#pieces.length === 0) return false
      this.#slice = this.#memory.slices.take()
      this.#sliceFill = this.reply.writeHead(this.#slice, this.sentBytes, length)
      this.#sliceEnd = this.#sliceFill + length
    }
    for (let piece = this.#pieces[0]; this.#sliceFill < this.#sliceEnd; piece = this.#pieces[0]) {
      if (piece === undefined) return false
      const count = Math.min(this.#sliceEnd - this.#sliceFill, piece.bytes.length - piece.at)
      copyBytes(piece.bytes, piece.at, piece.at + count, this.#slice, this.#sliceFill)
      this.#sliceFill += count
      piece.at += count
      this.sentBytes += count
      if (piece.at < piece.bytes.length) continue
      this.#pieces.shift()
      this.#yields = this.#memory.pieces.giveAtOnce(piece.buffer)
      if (this.#yields) this.#onProgress()
    }
    return true
  }

  /** False: the socket has not taken it yet, and its memory is not ours. */
  #send(): boolean {
    const slice = this.#slice!
    this.#slice = null
    this.#lent = slice
    this.isBegun = true
    if (!this.#socket.write(slice.subarray(0, this.#sliceEnd))) return false
    this.#memory.slices.give(slice)
    return true
  }

  // --- pieces

  #read(): void {
    if (this.#isReading || this.#isWaiting || this.#isCancelled || this.#yields) return
    if (this.#readBytes >= this.#totalBytes || this.#pieces.length >= PIECES_AHEAD) return
    const { pieces } = this.#memory
    const isNeeded = this.#pieces.length === 0
    this.#isWaiting = isNeeded
    const buffer = isNeeded ? pieces.take(this) : pieces.takeSpare()
    if (buffer === null) return
    this.#isWaiting = false
    this.#isReading = true
    const round = this.#round
    this.#stream.readInto(buffer).then(
      (bytes) => this.#onPiece(buffer, bytes, round),
      (error) => this.#onFailure(buffer, error),
    )
  }

  #onPiece(buffer: Uint8Array, bytes: Uint8Array | null, round: number): void {
    this.#isReading = false
    if (this.#isCancelled || round !== this.#round) this.#memory.pieces.giveAtOnce(buffer)
    else if (bytes === null) return this.#onFailure(buffer, new Error('the value ended early'))
    else {
      this.#readBytes += bytes.length
      this.#pieces.push({ buffer, bytes, at: 0 })
      if (this.#isBlocked) this.#memory.pieces.idles(this)
    }
    if (!this.#isCancelled) this.#onProgress()
  }

  #onFailure(buffer: Uint8Array, error: unknown): void {
    this.#isReading = false
    this.#memory.pieces.giveAtOnce(buffer)
    if (this.#isCancelled) return
    this.failure = error
    this.#onProgress()
  }

  mayTake(): void {
    this.#isWaiting = false
    this.#onProgress()
  }

  /** The client is slow, and others are short of buffers. */
  spill(): void {
    this.#round += 1
    this.#readBytes = this.sentBytes
    this.#stream.seek(this.#stream.start + this.sentBytes)
    this.#giveAll()
  }

  /** Reads no more; what the socket has not taken goes out all the same. Idempotent. */
  cancel(): void {
    if (this.#isCancelled) return
    this.#isCancelled = true
    this.#stream.cancel()
    this.#giveAll()
  }

  #giveAll(): void {
    const { pieces } = this.#memory
    pieces.leave(this, null)
    for (const { buffer } of this.#pieces.splice(0)) pieces.giveAtOnce(buffer)
  }
}
