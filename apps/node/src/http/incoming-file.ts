/**
 * Large values on their way into a file of the store while they arrive: pushed where the length is known,
 * pulled where the body comes in chunks. What fails or ends early leaves no file.
 */
import { ERROR } from '@minivault/protocol'
import type { StagedValue } from '@minivault/storage'
import { IncomingValue } from '../door/incoming-value.ts'
import type { Answer } from '../key-value.ts'
import { HTTP_STAGING_BYTES, INTAKES_MAX } from '../limits.ts'
import { errorOf } from '../local/storage-errors.ts'
import type { Exchange } from './exchange.ts'

/**
 * A body of so many bytes, more than BLOB_ABOVE_BYTES. The context's operation is filled, and carried out
 * behind the last byte; `then` hears what came of it.
 */
export function pushBody(exchange: Exchange, bytes: number, then: (answer: Answer) => void): void {
  const { request, context } = exchange
  const { streams, receivers } = context
  if (streams.intakeCount >= INTAKES_MAX) return exchange.refuse(ERROR.OVERLOADED)
  let incoming: IncomingValue
  try {
    incoming = new IncomingValue(
      context,
      {
        wait: () => request.pause(),
        goOn: () => request.resume(),
        answer: (token, answer) => receivers.complete(token, answer),
      },
      bytes,
    )
  } catch (error) {
    return exchange.refuse(errorOf(error), (error as Error).message)
  }
  const failed = () => {
    const { failure } = incoming
    if (failure !== null) exchange.refuse(errorOf(failure), failure.message)
    return failure !== null
  }
  request.on('data', (piece: Buffer) => {
    if (!exchange.isOver && !failed()) incoming.write(piece, 0, piece.length)
  })
  request.on('end', () => {
    if (!exchange.isOver && !failed()) incoming.complete(exchange.ask(then))
  })
  request.once('close', () => incoming.abort())
  exchange.welcomeBody()
}

/**
 * A body in chunks, short or large, under the key of the context's operation. `then` owns what was staged.
 */
export function stageBody(exchange: Exchange, then: (staged: StagedValue) => void): void {
  const { request, context } = exchange
  const { streams, held, operation } = context
  if (!held.take(HTTP_STAGING_BYTES)) return exchange.refuse(ERROR.OVERLOADED)
  // Refused in the middle, the rest of the body is still to be passed over.
  const source = { [Symbol.asyncIterator]: () => request.iterator({ destroyOnReturn: false }) }
  streams
    .stage(operation.hash, source)
    .then(
      (staged) => {
        if (exchange.isOver) streams.discard(staged)
        else then(staged)
      },
      (error) => {
        if (!exchange.isOver) exchange.refuse(errorOf(error), (error as Error).message)
      },
    )
    .finally(() => held.give(HTTP_STAGING_BYTES))
  exchange.welcomeBody()
}
