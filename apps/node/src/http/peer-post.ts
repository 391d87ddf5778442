/**
 * `POST /-/peer`: a batch of another member as the body; an empty one asks only who is there. The reply to a
 * batch that was taken, and to an empty one: the node's time in milliseconds (u48, little-endian) and its id.
 *
 * `POST /-/peer/value`: a reference to a large value as the body; the reply is its bytes.
 */
import { ERROR, type ErrorNumber, MEMBER_NAME_BYTES_MAX, PEER_BATCH_BYTES_MAX } from '@minivault/protocol'
import type { ValueStream } from '@minivault/storage'
import { readReference } from '../cluster/large/large-value.ts'
import { errorOf } from '../local/storage-errors.ts'
import type { Exchange } from './exchange.ts'
import { collectBody } from './incoming-body.ts'
import { OutgoingBody } from './outgoing-body.ts'
import { RAW_TYPE } from './reply-head.ts'
import { PEER_VALUE_TARGET } from './target.ts'

const TIME_BYTES = 6
const SIZE_BYTES = 4

export class PeerPost {
  readonly #exchange: Exchange
  readonly #path: string

  constructor(exchange: Exchange, path: string) {
    this.#exchange = exchange
    this.#path = path
  }

  /** @param isProved it shows the key of a node that has one */
  start(isProved: boolean): void {
    const exchange = this.#exchange
    const { peers } = exchange.context
    if (peers === null) return exchange.refuse(ERROR.UNSUPPORTED, 'this node is in no cluster')
    if (!isProved) return exchange.refuse(ERROR.UNAUTHORIZED)
    const from = exchange.headers['minivault-member'] ?? ''
    if (typeof from !== 'string' || from === '' || from.length > MEMBER_NAME_BYTES_MAX)
      return exchange.refuse(ERROR.BAD_REQUEST, 'a member names itself in Minivault-Member')
    collectBody(exchange, PEER_BATCH_BYTES_MAX, (body) => {
      if (this.#path === PEER_VALUE_TARGET) return this.#giveFile(body)
      const refusal = body.length === 0 ? null : peers.take(from, body, 0, body.length)
      if (refusal === null) this.#tell()
      else this.#refuse(refusal.error, refusal.words)
    })
  }

  /** The body: the size of the value (u32, little-endian), then its reference. */
  #giveFile(body: Buffer): void {
    const exchange = this.#exchange
    const { context, head, response } = exchange
    const size = body.length < SIZE_BYTES ? 0 : body.readUInt32LE(0)
    const blob = readReference(size, body, SIZE_BYTES, body.length)
    if (blob === null) return exchange.refuse(ERROR.BAD_REQUEST, 'the reference to a value cannot be read')
    let stream: ValueStream
    try {
      stream = context.streams.openBlob(blob)
    } catch (error) {
      return exchange.refuse(errorOf(error), (error as Error).message)
    }
    head.contentType = RAW_TYPE
    head.contentLength = size
    exchange.begin(200)
    new OutgoingBody(response, stream, context.outgoing, null)
  }

  #tell(): void {
    const { context, head } = this.#exchange
    const id = Buffer.from(context.nodeId, 'hex')
    const reply = Buffer.alloc(TIME_BYTES + id.length)
    reply.writeUIntLE(context.now(), 0, TIME_BYTES)
    id.copy(reply, TIME_BYTES)
    head.contentType = RAW_TYPE
    this.#exchange.succeed(200, reply)
  }

  #refuse(error: ErrorNumber, words: string): void {
    if (error === ERROR.BAD_REQUEST) this.#exchange.response.shouldKeepAlive = false
    this.#exchange.refuse(error, words)
  }
}
