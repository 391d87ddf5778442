/** The targets of an operator (docs/ADMIN.md): JSON in, JSON out. */
import { ERROR } from '@minivault/protocol'
import { TopologyError } from '@minivault/topology'
import { AdminError } from '../admin/admin-error.ts'
import type { LayoutAdmin, LayoutReply } from '../admin/layout-admin.ts'
import { readLayoutRequest } from '../admin/layout-request.ts'
import { ADMIN_BODY_BYTES_MAX } from '../limits.ts'
import type { Exchange } from './exchange.ts'
import { collectBody } from './incoming-body.ts'

/** Below `/-/admin/`. */
export const ADMIN = { layout: '/-/admin/layout', settle: '/-/admin/settle' } as const

const OK = 200

export class AdminExchange {
  readonly #exchange: Exchange
  readonly #path: string

  constructor(exchange: Exchange, path: string) {
    this.#exchange = exchange
    this.#path = path
  }

  /** @param isProved it shows the key of a node that has one */
  start(isProved: boolean): void {
    const exchange = this.#exchange
    const { admin } = exchange.context
    if (admin === null) return exchange.refuse(ERROR.UNSUPPORTED, 'this node is in no cluster')
    if (!isProved) return exchange.refuse(ERROR.UNAUTHORIZED)
    if (exchange.request.method !== 'POST') {
      return void this.#answer(async () => ({ status: OK, document: admin.describe() }))
    }
    collectBody(exchange, ADMIN_BODY_BYTES_MAX, (body) => void this.#answer(() => this.#post(admin, body)))
  }

  async #post(admin: LayoutAdmin, body: Buffer): Promise<LayoutReply> {
    return this.#path === ADMIN.settle ? admin.settle() : admin.change(readLayoutRequest(body))
  }

  async #answer(act: () => Promise<LayoutReply>): Promise<void> {
    const exchange = this.#exchange
    try {
      const { status, document } = await act()
      if (exchange.isOver) return
      exchange.succeed(status, Buffer.from(JSON.stringify({ success: true, ...document })))
    } catch (error) {
      if (exchange.isOver) return
      if (error instanceof AdminError) exchange.refuse(error.error, error.message)
      else if (error instanceof TopologyError) exchange.refuse(ERROR.BAD_REQUEST, error.message)
      else throw error
    }
  }
}
