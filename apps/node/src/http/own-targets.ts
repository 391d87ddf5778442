/** What stands at the node's own addresses but keys: health, and two answers for supervisors. */
import { ERROR } from '@minivault/protocol'
import type { Exchange } from './exchange.ts'
import { SUCCESS } from './reply-body.ts'
import { OWN } from './target.ts'

/** Answers a GET or HEAD. */
export function giveOwn(exchange: Exchange, path: string): void {
  const { health } = exchange.context
  switch (path) {
    case OWN.health:
      return exchange.succeed(200, Buffer.from(health()))
    case OWN.livez:
      return exchange.succeed(200, SUCCESS)
    case OWN.readyz:
      return giveReadiness(exchange)
    default:
      return exchange.refuse(
        ERROR.NOT_FOUND,
        `${path} is not served; a key of this name needs one byte percent-encoded`,
      )
  }
}

function giveReadiness(exchange: Exchange): void {
  const { admission, whyNotReady } = exchange.context
  if (admission.draining) return exchange.refuse(ERROR.SHUTTING_DOWN)
  const why = whyNotReady()
  if (why === null) exchange.succeed(200, SUCCESS)
  else exchange.refuse(ERROR.NO_QUORUM, why)
}
