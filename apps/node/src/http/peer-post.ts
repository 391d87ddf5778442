/**
 * `POST /-/peer`: a batch of another member as the body; an empty one asks only who is there. The reply to a
 * batch that was taken, and to an empty one: the node's time in milliseconds (u48, little-endian) and its id.
 */
import { ERROR, type ErrorNumber, MEMBER_NAME_BYTES_MAX, PEER_BATCH_BYTES_MAX } from '@minivault/protocol'
import type { Exchange } from './exchange.ts'
import { collectBody } from './incoming-body.ts'
import { RAW_TYPE } from './reply-head.ts'

const TIME_BYTES = 6

export class PeerPost {
  readonly #exchange: Exchange

  constructor(exchange: Exchange) {
    this.#exchange = exchange
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
      const refusal = body.length === 0 ? null : peers.take(from, body, 0, body.length)
      if (refusal === null) this.#tell()
      else this.#refuse(refusal.error, refusal.words)
    })
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
