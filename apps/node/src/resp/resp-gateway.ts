/** What all RESP connections of a node share. */
import { RespRequest } from '@minivault/protocol'
import type { SessionContext } from '../door/session-context.ts'
import type { HealthSources } from '../health.ts'
import { Answer } from '../key-value.ts'
import { RESP_REQUESTS_POOLED } from '../limits.ts'
import type { Asking, CommandTable } from './command.ts'
import { HotRequests } from './hot-requests.ts'
import { SessionState } from './session-state.ts'
import type { ValuesAtHand } from './values-at-hand.ts'

export interface RespGatewayParts {
  readonly session: SessionContext
  readonly commands: CommandTable
  readonly ask: Asking
  readonly values: ValuesAtHand
  readonly node: () => HealthSources
}

export class RespGateway {
  readonly session: SessionContext
  readonly commands: CommandTable
  readonly ask: Asking
  readonly values: ValuesAtHand
  readonly node: () => HealthSources
  /** Of the connections that are open. */
  readonly sessions = new Set<SessionState>()
  readonly hot = new HotRequests()
  /** Reused for whatever a session answers by itself. */
  readonly answer = new Answer()
  /** For requests that are whole. */
  request = new RespRequest()
  readonly #free: RespRequest[] = []
  #lastId = 0

  constructor({ session, commands, ask, values, node }: RespGatewayParts) {
    this.session = session
    this.commands = commands
    this.ask = ask
    this.values = values
    this.node = node
  }

  open(): SessionState {
    this.#lastId += 1
    const state = new SessionState(this.#lastId, this.session.now(), this.session.held)
    this.sessions.add(state)
    return state
  }

  close(state: SessionState): void {
    this.sessions.delete(state)
    state.held.release()
  }

  /** The request is not whole: it stays with its connection. */
  lend(): RespRequest {
    const { request } = this
    this.request = this.#free.pop() ?? new RespRequest()
    return request
  }

  giveBack(request: RespRequest): void {
    request.forget()
    if (this.#free.length < RESP_REQUESTS_POOLED) this.#free.push(request)
  }
}
