/**
 * Batches as bodies of `POST /-/peer`, for members named `http(s)://…`: they may stand behind a proxy that
 * ends TLS. Connections are kept and used again; each has one batch on its way. Before the first, and after
 * every failure, an empty one asks who is there.
 */
import type http from 'node:http'
import { ERROR, type ErrorNumber, isErrorName, readU48 } from '@minivault/protocol'
import {
  PEER_CONNECT_TIMEOUT_MS,
  PEER_CONNECTIONS_MAX,
  PEER_DEADLINE_MS,
  PEER_REPLY_BYTES_MAX,
} from '../limits.ts'
import type { Time } from '../time.ts'
import type { Carrier, CarrierOwner, Parcel } from './carrier.ts'
import type { PeerSecurity } from './dialling.ts'
import { headersOf } from './http-headers.ts'
import { HttpPost, type HttpReply } from './http-post.ts'
import { Redial } from './redial.ts'

export interface HttpCarrierParts {
  /** `http://host:port` or `https://host:port` */
  readonly member: string
  readonly ownName: string
  readonly authKey: string | null
  /** What is shown, and who is trusted; null: nothing, and whom Node trusts. */
  readonly security: () => PeerSecurity | null
  readonly batchesMax: number
  readonly time: Time
  readonly owner: CarrierOwner
}

const EMPTY = Buffer.alloc(0)
const TIME_BYTES = 6
const OK = 200

export class HttpCarrier implements Carrier {
  /** Who is there was told, and nothing went wrong since. */
  isConnected = false
  readonly #parts: HttpCarrierParts
  readonly #redial = new Redial()
  readonly #posts = new Set<HttpPost>()
  readonly #headers: Readonly<Record<string, string>>
  #agent: http.Agent | null = null
  #send: typeof http.request | null = null
  #isAsking = false
  #isClosed = false

  constructor(parts: HttpCarrierParts) {
    this.#parts = parts
    this.#headers = headersOf(parts.ownName, parts.authKey)
    this.#ask()
  }

  get isReady(): boolean {
    return this.isConnected && this.#posts.size < Math.min(this.#parts.batchesMax, PEER_CONNECTIONS_MAX)
  }

  get unsentBytes(): number {
    let bytes = 0
    for (const post of this.#posts) bytes += post.bytes
    return bytes
  }

  carry({ head, bytes, length, messages }: Parcel): void {
    const body = Buffer.concat([head, bytes.subarray(0, length)])
    this.#post(body, messages, (reply, roundTripMs) => this.#hear(reply, messages, roundTripMs))
  }

  /** Who is there? */
  async #ask(): Promise<void> {
    this.#isAsking = true
    await this.#renew()
    if (this.#isClosed) return
    this.#post(EMPTY, 0, (reply, roundTripMs) => {
      this.#isAsking = false
      if (!this.#hear(reply, 0, roundTripMs)) return
      this.isConnected = true
      this.#redial.succeeded()
      this.#parts.owner.onConnected(Buffer.from(reply.body.subarray(TIME_BYTES)).toString('hex'))
    })
  }

  /** New connections, which show what the files of certificates hold now. */
  async #renew(): Promise<void> {
    const isSecure = this.#parts.member.startsWith('https:')
    const { request, Agent } = isSecure ? await import('node:https') : await import('node:http')
    const security = isSecure ? this.#parts.security() : null
    this.#agent?.destroy()
    const kept = { keepAlive: true, noDelay: true, maxSockets: PEER_CONNECTIONS_MAX }
    this.#agent = new Agent({ ...security, ...kept })
    this.#send = request
  }

  #post(body: Buffer, messages: number, onReply: (reply: HttpReply, roundTripMs: number) => void): void {
    const { member, time } = this.#parts
    const startedAt = time.elapsedMs()
    const request = this.#send!(`${member}/-/peer`, {
      method: 'POST',
      agent: this.#agent!,
      headers: { ...this.#headers, 'Content-Length': body.length },
    })
    const post: HttpPost = new HttpPost(request, startedAt, body.length, PEER_REPLY_BYTES_MAX, (outcome) => {
      this.#posts.delete(post)
      if (this.#isClosed) return this.#endAgent()
      if (outcome instanceof Error) this.#break(outcome.message || `${outcome.name}`, messages)
      else onReply(outcome, time.elapsedMs() - startedAt)
      this.#parts.owner.onReady()
    })
    this.#posts.add(post)
    request.end(body)
  }

  /** Whether it was taken. */
  #hear({ status, body }: HttpReply, messages: number, roundTripMs: number): boolean {
    const { owner } = this.#parts
    if (status === OK && body.length > TIME_BYTES) {
      owner.onTaken(roundTripMs, readU48(body, 0))
      return true
    }
    const refusal = refusalIn(body)
    if (refusal === null) this.#break(`HTTP ${status} of somebody else`, messages)
    else {
      owner.onRefused(refusal.error, refusal.words, messages)
      if (messages === 0) this.#break(refusal.words, 0)
    }
    return false
  }

  #break(words: string, lost: number): void {
    this.isConnected = false
    this.#isAsking = false
    this.#redial.failed(this.#parts.time.elapsedMs())
    if (lost > 0) this.#parts.owner.onLost(lost)
    this.#parts.owner.onBroken(words)
  }

  sweep(elapsedMs: number): void {
    for (const post of this.#posts) {
      const patienceMs = this.isConnected ? PEER_DEADLINE_MS : PEER_CONNECT_TIMEOUT_MS
      if (elapsedMs - post.startedAt > patienceMs) post.abort('no answer in time')
    }
    if (this.isConnected || this.#isAsking || this.#isClosed || !this.#redial.isDue(elapsedMs)) return
    this.#ask()
  }

  /** What is under way may still arrive. */
  close(): void {
    this.#isClosed = true
    this.#endAgent()
  }

  #endAgent(): void {
    if (this.#isClosed && this.#posts.size === 0) this.#agent?.destroy()
  }
}

/** As the other side refuses; null: this was somebody else. */
function refusalIn(body: Uint8Array): { error: ErrorNumber; words: string } | null {
  try {
    const { code, error } = JSON.parse(new TextDecoder().decode(body))
    return isErrorName(code) ? { error: ERROR[code], words: `${code}: ${error}` } : null
  } catch {
    return null
  }
}
