/** What the master asks of members about their layout: whichever is live answers for all. */
import { type CallSecurity, callJson, type JsonReply } from '../json-call.ts'
import { ADMIN_TIMEOUT_MS, REPLY_BYTES_MAX } from '../limits.ts'
import { urlOf } from '../messages.ts'
import type { Worker, Workers } from '../workers/workers.ts'

export interface MembersParts {
  readonly workers: Workers
  readonly authKey: string | null
  readonly security: () => CallSecurity | null
}

export const LAYOUT_TARGET = '/-/admin/layout'
export const SETTLE_TARGET = '/-/admin/settle'

/** No live member could be asked: one line. */
export class NobodyError extends Error {
  override readonly name = 'NobodyError'
}

export class Members {
  readonly #parts: MembersParts

  constructor(parts: MembersParts) {
    this.#parts = parts
  }

  /** By the first that answers. Throws NobodyError. */
  async ask(path: string, body?: unknown): Promise<JsonReply> {
    const failures: string[] = []
    for (const worker of this.#parts.workers.liveMembers) {
      try {
        return await this.#askOne(worker, path, body)
      } catch (error) {
        failures.push(`${worker.name} (${(error as Error).message})`)
      }
    }
    throw new NobodyError(
      failures.length === 0 ? 'no member of the cluster is heard' : `no answer from ${failures.join(', ')}`,
    )
  }

  #askOne(worker: Worker, path: string, body: unknown): Promise<JsonReply> {
    const { authKey, security } = this.#parts
    return callJson({
      url: urlOf(worker.name, worker.isSecure),
      path,
      body,
      authKey,
      security: security(),
      timeoutMs: ADMIN_TIMEOUT_MS,
      bytesMax: REPLY_BYTES_MAX,
    })
  }
}
