/**
 * A client of one connection that does nothing unusual: writes its key, reads it back, and remembers what was
 * wrong and how long it ever waited. Its values have all the same length.
 */

import { setTimeout as sleep } from 'node:timers/promises'
import { DOCUMENTED, documentedRequest, getRequest, setRequest } from './requests.ts'
import type { Beginning } from './talk.ts'
import { GOOD_KEY } from './transcript.ts'
import { WireClient } from './wire-client.ts'

const PAUSE_MS = 5

export class GoodClient {
  readonly #client: WireClient
  #isOver = false
  readonly #ended: Promise<void>
  #begin: () => void = () => {}
  /** Its key is there from now on. */
  readonly #began = new Promise<void>((resolve) => (this.#begin = resolve))
  count = 0
  longestMs = 0
  problem: string | null = null

  static async at(port: number, key: Buffer, beginning: Beginning): Promise<GoodClient> {
    const client = await WireClient.connect({ port, form: 'documented' })
    if (beginning === 'key') await client.ask(documentedRequest({ opcode: DOCUMENTED.auth, key }))
    const good = new GoodClient(client)
    await good.#began
    return good
  }

  private constructor(client: WireClient) {
    this.#client = client
    this.#ended = this.#work().catch((error: Error) => {
      this.problem ??= error.message
      this.#begin()
    })
  }

  async #work(): Promise<void> {
    const key = Buffer.from(GOOD_KEY)
    for (; !this.#isOver; this.count++) {
      const value = Buffer.from(String(this.count).padStart(12, '0'))
      const startedAt = performance.now()
      const written = await this.#client.ask(setRequest('documented', key, value))
      const read = await this.#client.ask(getRequest('documented', key))
      this.longestMs = Math.max(this.longestMs, performance.now() - startedAt)
      if (!written.ok) this.problem ??= 'its write was refused'
      else if (!read.ok || !read.value.equals(value)) this.problem ??= `it read ${read.value} for ${value}`
      this.#begin()
      await sleep(PAUSE_MS)
    }
  }

  async end(): Promise<void> {
    this.#isOver = true
    await this.#ended
    this.#client.close()
  }
}
