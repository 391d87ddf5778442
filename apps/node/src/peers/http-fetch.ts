/** A large value fetched by `POST /-/peer/value`: the reply goes straight into the sink. */
import type { ClientRequest, IncomingMessage } from 'node:http'
import type { PeerSecurity } from './dialling.ts'
import type { ValueSink } from './value-sink.ts'

export interface HttpFetchParts {
  /** `http(s)://host:port` */
  readonly member: string
  readonly headers: Readonly<Record<string, string>>
  readonly security: PeerSecurity | null
  /** What is asked for, behind its size (u32, little-endian). */
  readonly body: Uint8Array
}

const OK = 200

export class HttpFetch {
  readonly #parts: HttpFetchParts
  readonly #sink: ValueSink
  #request: ClientRequest | null = null
  #isOver = false

  constructor(parts: HttpFetchParts, sink: ValueSink) {
    this.#parts = parts
    this.#sink = sink
    sink.result.then(
      () => this.end(),
      () => this.end(),
    )
    void this.#ask()
  }

  async #ask(): Promise<void> {
    const { member, headers, security, body } = this.#parts
    const isSecure = member.startsWith('https:')
    const { request } = isSecure ? await import('node:https') : await import('node:http')
    if (this.#isOver) return
    this.#request = request(`${member}/-/peer/value`, {
      method: 'POST',
      agent: false,
      headers: { ...headers, 'Content-Length': body.length },
      ...(isSecure ? security : null),
    })
    this.#request.on('error', (error) => this.fail(error.message))
    this.#request.once('close', () => this.fail('closed by the peer'))
    this.#request.once('response', (response) => this.#hear(response))
    this.#request.end(body)
  }

  #hear(response: IncomingMessage): void {
    if (response.statusCode !== OK) return this.fail(`HTTP ${response.statusCode}`)
    const sink = this.#sink
    sink.onRoom = () => response.resume()
    response.on('data', (piece: Buffer) => {
      if (piece.length > sink.missing) return this.fail('answers with something else')
      sink.write(piece, 0, piece.length)
      if (sink.isFull) response.pause()
    })
    response.on('error', (error) => this.fail(error.message))
    response.once('end', () => this.fail('closed by the peer'))
  }

  fail(why: string): void {
    if (this.#isOver || this.#sink.missing === 0) return
    this.#sink.fail(new Error(why))
    this.end()
  }

  end(): void {
    this.#isOver = true
    this.#request?.destroy()
  }
}
