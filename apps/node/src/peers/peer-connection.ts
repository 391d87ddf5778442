/**
 * One connection to a peer in the frame form: HELLO with our name, AUTH where there is a key, then batches.
 * They leave in one write each and are answered in their order; the oldest without an answer tells whether
 * the other side is still there.
 *
 *   dial ─ HELLO ─ AUTH ─ open ─ PEER, PEER, …
 */
import {
  CHUNK_BYTES,
  decodeFrameReply,
  ERROR,
  type ErrorNumber,
  encodeFrameRequest,
  FRAME_BYTES_MAX,
  FRAME_FLAG,
  FRAME_OPCODE,
  FRAME_REQUEST_HEAD_BYTES,
  FrameReply,
  FrameRequest,
  readU48,
} from '@minivault/protocol'
import type { ByteSocket, SocketListener } from '../door/byte-socket.ts'
import { type ChunkPool, Output } from '../door/output.ts'
import { PEER_CONNECT_TIMEOUT_MS, PEER_DEADLINE_MS, PEER_REPLY_BYTES_MAX } from '../limits.ts'
import type { Time } from '../time.ts'
import type { Parcel } from './carrier.ts'
import { type DialListener, dial, type PeerSecurity } from './dialling.ts'
import { Opening, RefusedError, wordsIn } from './opening.ts'
import { Unanswered } from './unanswered.ts'

export interface PeerConnectionParts {
  readonly member: string
  readonly ownName: string
  readonly authKey: string | null
  /** Null: without TLS. */
  readonly security: PeerSecurity | null
  readonly batchesMax: number
  readonly chunks: ChunkPool
  readonly time: Time
  readonly owner: PeerConnectionOwner
}

export interface PeerConnectionOwner {
  onOpen(connection: PeerConnection, nodeId: string): void
  /** A batch is answered, or all that was written has left. */
  onRoom(): void
  onTaken(roundTripMs: number, peerTimeMs: number): void
  onRefused(error: ErrorNumber, words: string, messages: number): void
  /** Once, and the last. `lost`: messages without an answer, in so many batches. */
  onClosed(connection: PeerConnection, words: string, lost: number, batches: number): void
}

const EMPTY = new Uint8Array(0)
const TIME_BYTES = 6

/** Used while one call runs. */
const request = new FrameRequest()
const reply = new FrameReply()

export class PeerConnection implements SocketListener, DialListener {
  readonly unanswered: Unanswered
  /** Batches may be carried. */
  isOpen = false
  readonly #parts: PeerConnectionParts
  readonly #giveUpDialling: () => void
  #socket: ByteSocket | null = null
  #output: Output | null = null
  readonly #opening: Opening
  readonly #startedAt: number
  #frameId = 0
  /** Of the answer that comes next. */
  #answeredId = 0
  #rest: Uint8Array = EMPTY
  #why = ''
  #isClosed = false

  constructor(parts: PeerConnectionParts) {
    this.#parts = parts
    this.unanswered = new Unanswered(parts.batchesMax)
    this.#startedAt = parts.time.elapsedMs()
    this.#opening = new Opening(parts.ownName, parts.authKey)
    this.#giveUpDialling = dial(parts.member, parts.security, this, this)
  }

  get unsentBytes(): number {
    return this.#socket?.unsentBytes ?? 0
  }

  onError(error: NodeJS.ErrnoException): void {
    this.#why ||= wordsOf(error)
  }

  onFailed(): void {
    this.#close()
  }

  // --- out

  onOpen(socket: ByteSocket): void {
    if (this.#isClosed) return socket.destroy()
    this.#socket = socket
    this.#output = new Output(this.#parts.chunks, socket)
    socket.write(this.#opening.hello())
  }

  carry({ head, bytes, length, messages }: Parcel): void {
    const whole = head.length + length
    const frame = request.begin(FRAME_OPCODE.peer, this.#frameId++)
    frame.totalBytes = whole
    if (FRAME_REQUEST_HEAD_BYTES + whole <= FRAME_BYTES_MAX) this.#write(head, bytes, 0, length)
    else {
      let end = 0
      for (let start = 0; start < length; start = end) {
        const first = start === 0 ? head : EMPTY
        end = Math.min(length, start + CHUNK_BYTES - first.length)
        frame.flags = FRAME_FLAG.chunk | (end < length ? FRAME_FLAG.more : 0)
        this.#write(first, bytes, start, end)
        frame.chunkOffset = head.length + end
      }
    }
    this.#output!.flush()
    this.unanswered.add(messages, this.#parts.time.elapsedMs())
  }

  /** A frame with the head and bytes[start, end); one write, where that fits a chunk of output. */
  #write(head: Uint8Array, bytes: Uint8Array, start: number, end: number): void {
    const output = this.#output!
    const at = output.reserve(FRAME_REQUEST_HEAD_BYTES + head.length)
    encodeFrameRequest(request, EMPTY, head, 0, head.length, output.bytes, at)
    setLength(output.bytes, at, FRAME_REQUEST_HEAD_BYTES + head.length + end - start)
    output.append(bytes, start, end)
  }

  // --- in

  receive(bytes: Uint8Array, from: number, end: number): void {
    let start = from
    let all = bytes
    let stop = end
    if (this.#rest.length > 0) {
      all = Buffer.concat([this.#rest, bytes.subarray(from, end)])
      start = 0
      stop = all.length
      this.#rest = EMPTY
    }
    while (start < stop && !this.#isClosed) {
      const consumed = decodeFrameReply(all, start, stop, reply)
      if (consumed < 0 || reply.needed > PEER_REPLY_BYTES_MAX)
        return this.#give('answers with something else')
      if (consumed === 0) break
      start += consumed
      this.#hear(all)
    }
    if (start < stop) this.#rest = new Uint8Array(all.subarray(start, stop))
    if (this.isOpen) this.#parts.owner.onRoom()
  }

  #hear(bytes: Uint8Array): void {
    const { opcode, frameId, error } = reply
    if (frameId !== this.#answeredId) return this.#give('answers what was not asked')
    this.#answeredId = (frameId + 1) | 0
    if (!this.isOpen) return this.#hearOpening(bytes)
    const { unanswered } = this
    if (opcode !== FRAME_OPCODE.peer || unanswered.length === 0)
      return this.#give('answers what was not asked')
    const { time, owner } = this.#parts
    const roundTripMs = time.elapsedMs() - unanswered.oldestAt
    const messages = unanswered.oldestMessages
    unanswered.shift()
    if (error !== ERROR.NONE) owner.onRefused(error as ErrorNumber, wordsIn(reply, bytes), messages)
    else if (reply.valueEnd - reply.valueStart < TIME_BYTES) this.#give('answers with something else')
    else owner.onTaken(roundTripMs, readU48(bytes, reply.valueStart))
  }

  #hearOpening(bytes: Uint8Array): void {
    const { owner } = this.#parts
    try {
      const next = this.#opening.hear(reply, bytes)
      if (next !== null) {
        this.#socket!.write(next)
        return
      }
    } catch (error) {
      const { message } = error as Error
      if (error instanceof RefusedError) owner.onRefused(error.error, message, 0)
      return this.#give(message)
    }
    this.#frameId = this.#opening.frames
    this.isOpen = true
    owner.onOpen(this, this.#opening.nodeId)
  }

  onDrained(): void {
    this.#output?.drained()
    if (this.#isClosed) return this.#socket?.destroy()
    if (this.isOpen) this.#parts.owner.onRoom()
  }

  // --- time and end

  sweep(elapsedMs: number): void {
    if (!this.isOpen) {
      if (elapsedMs - this.#startedAt > PEER_CONNECT_TIMEOUT_MS) this.#give('no connection in time')
    } else if (this.unanswered.length > 0 && elapsedMs - this.unanswered.oldestAt > PEER_DEADLINE_MS)
      this.#give('no answer in time')
  }

  onEnd(): void {
    this.#give('closed by the peer')
  }

  onClose(): void {
    this.#close()
  }

  #give(why: string): void {
    this.#why ||= why
    this.#close()
  }

  #close(): void {
    if (this.#isClosed) return
    this.#isClosed = true
    this.isOpen = false
    const { messages, length } = this.unanswered
    this.unanswered.clear()
    this.#giveUp()
    this.#output?.drained()
    this.#parts.owner.onClosed(this, this.#why || 'closed by the peer', messages, length)
  }

  /** What was written still leaves; the owner hears no more. */
  end(): void {
    this.#isClosed = true
    this.isOpen = false
    if (this.unsentBytes === 0) this.#giveUp()
  }

  #giveUp(): void {
    if (this.#socket === null) this.#giveUpDialling()
    else this.#socket.destroy()
  }
}

/** As the system says it, but for what it repeats of the address. */
function wordsOf(error: NodeJS.ErrnoException): string {
  const first = error instanceof AggregateError ? (error.errors[0] as NodeJS.ErrnoException) : error
  return first.message || String(first.code)
}

const LENGTH_AT = 4

function setLength(bytes: Uint8Array, at: number, length: number): void {
  bytes[at + LENGTH_AT] = length
  bytes[at + LENGTH_AT + 1] = length >>> 8
  bytes[at + LENGTH_AT + 2] = length >>> 16
  bytes[at + LENGTH_AT + 3] = length >>> 24
}
