/** One request on its way, and what becomes of it: told once. */
import type { ClientRequest } from 'node:http'

export interface HttpReply {
  readonly status: number
  readonly body: Uint8Array
}

export class HttpPost {
  readonly startedAt: number
  /** Of its body. */
  readonly bytes: number
  readonly #request: ClientRequest
  readonly #onOutcome: (outcome: HttpReply | Error) => void
  #isOver = false

  /** @param bytesMax of the reply */
  constructor(
    request: ClientRequest,
    startedAt: number,
    bytes: number,
    bytesMax: number,
    onOutcome: (outcome: HttpReply | Error) => void,
  ) {
    this.#request = request
    this.startedAt = startedAt
    this.bytes = bytes
    this.#onOutcome = onOutcome
    const fail = (error: Error) => this.#end(error)
    request.on('error', fail)
    request.once('close', () => fail(new Error('closed by the peer')))
    request.once('response', (response) => {
      const pieces: Buffer[] = []
      let length = 0
      response.on('error', fail)
      response.on('data', (piece: Buffer) => {
        length += piece.length
        pieces.push(piece)
        if (length > bytesMax) this.abort('answers with something else')
      })
      response.once('end', () => this.#end({ status: response.statusCode ?? 0, body: Buffer.concat(pieces) }))
    })
  }

  abort(why: string): void {
    this.#request.destroy()
    this.#end(new Error(why))
  }

  #end(outcome: HttpReply | Error): void {
    if (this.#isOver) return
    this.#isOver = true
    this.#onOutcome(outcome)
  }
}
