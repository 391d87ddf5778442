/**
 * The body of a request, held until all of it is there: JSON texts, which must be whole to be judged, and
 * short values. What is held counts over all connections; memory grows with what arrives.
 */
import { ERROR } from '@minivault/protocol'
import type { Exchange } from './exchange.ts'

/** `then` gets the whole body; a refused or broken one never comes to it. */
export function collectBody(exchange: Exchange, bytesMax: number, then: (body: Buffer) => void): void {
  const { request, context } = exchange
  const { held } = context
  const pieces: Buffer[] = []
  let length = 0
  let heldBytes = 0
  request.on('data', (piece: Buffer) => {
    if (exchange.isOver) return
    length += piece.length
    if (length > bytesMax) return exchange.refuse(ERROR.VALUE_TOO_LARGE)
    if (!held.take(piece.length)) {
      pieces.length = 0
      return exchange.refuse(ERROR.OVERLOADED)
    }
    heldBytes += piece.length
    pieces.push(piece)
  })
  request.on('end', () => {
    if (!exchange.isOver) then(pieces.length === 1 ? pieces[0]! : Buffer.concat(pieces))
  })
  request.once('close', () => held.give(heldBytes))
  exchange.welcomeBody()
}
