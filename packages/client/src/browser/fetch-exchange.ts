/*
 * HTTP by `fetch`, which is what pages have.
 *
 * It resolves targets as if they were paths of files, so that two keys cannot be asked for: `.` and `..`. A
 * body cannot be sent while it is made, so that values from sources are gathered. And it does not say whether
 * anything had left: a write whose connection fails is always in doubt.
 */

import { VALUE_BYTES_MAX } from '@minivault/protocol'
import { type Address, placeOf } from '../address.ts'
import { unsupported } from '../client-error.ts'
import type { Connectivity } from '../connectivity.ts'
import type { HttpExchange } from '../http-exchange.ts'
import type { HttpReply } from '../http-reply.ts'
import { bodyOf, headersOf, methodOf, targetOf } from '../http-request.ts'
import type { Request } from '../request.ts'

/** Nothing is kept, and nothing of other sites is sent along. Node's types do not know all of these. */
const OF_EVERY_REQUEST: RequestInit = Object.assign({ credentials: 'omit', redirect: 'error' } as const, {
  cache: 'no-store',
})

export class FetchExchange implements HttpExchange {
  readonly gatheredBytesMax = VALUE_BYTES_MAX
  readonly #address: Address
  readonly #connectivity: Connectivity
  /** of the last exchange; null: there was none */
  #isConnected: boolean | null = null

  constructor(address: Address, connectivity: Connectivity) {
    this.#address = address
    this.#connectivity = connectivity
  }

  cannotCarry({ key }: Request): string {
    const isDots = key.length > 0 && key.length <= 2 && key.every((byte) => byte === 0x2e)
    return isDots ? 'the keys . and .. in a browser' : ''
  }

  async call(request: Request, signal: AbortSignal): Promise<HttpReply> {
    const { scheme, token } = this.#address
    const url = `${scheme}://${placeOf(this.#address)}${targetOf(request)}`
    try {
      const response = await fetch(url, {
        method: methodOf(request),
        headers: headersOf(request, token),
        body: bodyOf(request),
        signal,
        ...OF_EVERY_REQUEST,
      })
      request.isBegun = true
      this.#heard()
      const body = new Uint8Array(await response.arrayBuffer())
      return { status: response.status, headers: Object.fromEntries(response.headers), body }
    } catch (error) {
      if (!signal.aborted) this.#lost(error)
      throw error
    }
  }

  async upload(): Promise<never> {
    throw unsupported('fetch', 'a value while it is made')
  }

  #heard(): void {
    if (this.#isConnected !== true) this.#connectivity.connected(this.#address)
    this.#isConnected = true
  }

  #lost(error: unknown): void {
    if (this.#isConnected !== false) this.#connectivity.disconnected(this.#address, error)
    this.#isConnected = false
  }

  isNotSent(): boolean {
    return false
  }

  close(): void {}
}
