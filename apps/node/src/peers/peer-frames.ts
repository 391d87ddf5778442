/** What another member does on a connection of the frame form: it names itself in HELLO, then sends PEER. */
import {
  ERROR,
  type ErrorNumber,
  FRAME_FLAG,
  type FrameRequest,
  MEMBER_NAME_BYTES_MAX,
  PEER_BATCH_BYTES_MAX,
  ProtocolError,
} from '@minivault/protocol'
import type { StreamDoor, ValueStream } from '@minivault/storage'
import { readReference } from '../cluster/large/large-value.ts'
import type { ChunkAssembly } from '../door/chunk-assembly.ts'
import type { Wire } from '../door/session.ts'
import { errorOf } from '../local/storage-errors.ts'
import { BatchReplies } from './batch-replies.ts'
import type { PeerDoor } from './peer-door.ts'

export class PeerFrames {
  /** Of the error returned last, where its own sentence does not say enough. */
  words: string | null = null
  /** Empty: it has not said. */
  #name = ''
  #replies: BatchReplies | null = null
  readonly #door: PeerDoor | null
  /** It has sent a batch that was taken. */
  isMember = false

  constructor(door: PeerDoor | null) {
    this.#door = door
  }

  /** HELLO says who it is; nobody: a client. Throws ProtocolError. */
  greet({ keyStart, keyEnd }: FrameRequest, bytes: Uint8Array): void {
    const words = `the name of a member has at most ${MEMBER_NAME_BYTES_MAX} bytes`
    if (keyEnd - keyStart > MEMBER_NAME_BYTES_MAX) throw new ProtocolError('BAD_REQUEST', words)
    this.#name = Buffer.from(bytes.subarray(keyStart, keyEnd)).toString('latin1')
  }

  /** Whether it may send batches, and this piece of one. */
  judge({ codec, flags, totalBytes }: FrameRequest, isProved: boolean): ErrorNumber {
    this.words = null
    if (this.#door === null) return this.#refused(ERROR.UNSUPPORTED, 'this node is in no cluster')
    if (!isProved) return ERROR.UNAUTHORIZED
    if (this.#name === '') return this.#refused(ERROR.BAD_REQUEST, 'a member names itself in HELLO')
    if (codec !== 0) return this.#refused(ERROR.BAD_REQUEST, 'batches are not compressed')
    if ((flags & FRAME_FLAG.chunk) === 0)
      return flags === 0 ? ERROR.NONE : this.#refused(ERROR.BAD_REQUEST, 'more goes with chunk')
    const isTooLarge = totalBytes > PEER_BATCH_BYTES_MAX
    return isTooLarge
      ? this.#refused(ERROR.BAD_REQUEST, `a batch has at most ${PEER_BATCH_BYTES_MAX} bytes`)
      : ERROR.NONE
  }

  /**
   * Takes the frame. Null: it is a chunk, and more of its batch will follow. Anything but ERROR.NONE of a
   * chunk: `chunks.refuse` it.
   */
  take(request: FrameRequest, bytes: Uint8Array, chunks: ChunkAssembly): ErrorNumber | null {
    let batch = bytes
    if ((request.flags & FRAME_FLAG.chunk) !== 0) {
      const error = chunks.admit(request, bytes) || chunks.keep(request, bytes)
      if (error !== ERROR.NONE) return error as ErrorNumber
      if ((request.flags & FRAME_FLAG.more) !== 0) return null
      batch = chunks.finish(request)!
    }
    const refusal = this.#door!.take(this.#name, batch, request.valueStart, request.valueEnd)
    this.isMember ||= refusal === null
    return refusal === null ? ERROR.NONE : this.#refused(refusal.error, refusal.words)
  }

  /** The file that PEER_VALUE asks for; an error, where it cannot be given. */
  open(
    request: FrameRequest,
    bytes: Uint8Array,
    isProved: boolean,
    streams: StreamDoor,
  ): ValueStream | ErrorNumber {
    const error = this.judge(request, isProved)
    if (error !== ERROR.NONE) return error
    const blob = readReference(request.totalBytes, bytes, request.valueStart, request.valueEnd)
    if (blob === null) return this.#refused(ERROR.BAD_REQUEST, 'the reference to a value cannot be read')
    try {
      return streams.openBlob(blob)
    } catch (thrown) {
      return this.#refused(errorOf(thrown), (thrown as Error).message)
    }
  }

  /** A batch was taken: the reply to it comes under this token. */
  owe(token: number, wire: Wire): void {
    this.#replies ??= new BatchReplies(this.#door!.time)
    this.#replies.owe(token, wire)
  }

  #refused(error: ErrorNumber, words: string): ErrorNumber {
    this.words = words
    return error
  }
}
