/**
 * Whether others reach a worker under the address it gives: asked once for each data folder behind an
 * address, and again after a while where it is not.
 */
import { type CallSecurity, callJson, errorIn } from '../json-call.ts'
import { REACH_AGAIN_MS, REACH_TIMEOUT_MS, REPLY_BYTES_MAX } from '../limits.ts'
import { urlOf, type WorkerReport } from '../messages.ts'

interface Look {
  readonly refusal: Promise<string | null>
  readonly atMs: number
  isOver: boolean
}

export class Reachability {
  readonly #security: () => CallSecurity | null
  readonly #elapsedMs: () => number
  readonly #looks = new Map<string, Look>()
  readonly #reached = new Map<string, string>()

  constructor(security: () => CallSecurity | null, elapsedMs: () => number) {
    this.#security = security
    this.#elapsedMs = elapsedMs
  }

  /** In one line; null: it is reached. */
  async whyNot(report: WorkerReport): Promise<string | null> {
    const { name, nodeId } = report
    if (this.#reached.get(name) === nodeId) return null
    const id = `${name} ${nodeId}`
    const last = this.#looks.get(id)
    if (last !== undefined && (!last.isOver || this.#elapsedMs() - last.atMs < REACH_AGAIN_MS))
      return last.refusal
    const look = { refusal: this.#look(report), atMs: this.#elapsedMs(), isOver: false }
    this.#looks.set(id, look)
    const refusal = await look.refusal
    look.isOver = true
    if (refusal !== null) return refusal
    this.#looks.delete(id)
    this.#reached.set(name, nodeId)
    return null
  }

  async #look({ name, nodeId, isSecure }: WorkerReport): Promise<string | null> {
    const url = urlOf(name, isSecure)
    try {
      const reply = await callJson({
        url,
        path: '/health',
        authKey: null,
        security: this.#security(),
        timeoutMs: REACH_TIMEOUT_MS,
        bytesMax: REPLY_BYTES_MAX,
      })
      const { node_id: shown, role } = (reply.value ?? {}) as { node_id?: unknown; role?: unknown }
      if (shown === nodeId) return null
      if (role === 'master') return `at ${name} answers a master: is -public-url right?`
      if (typeof shown === 'string') return `at ${name} answers another node: give each its own -public-url`
      return `at ${name} answers something that is no node (${errorIn(reply)}): is -public-url right?`
    } catch (error) {
      return `the master does not reach ${name} (${(error as Error).message}): is -public-url right?`
    }
  }
}
