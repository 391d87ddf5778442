/** Connections that have to get on within a time; it is looked at in every sweep. */

interface Endable {
  destroy(): unknown
}

export class Deadlines {
  readonly #leftMs = new Map<Endable, number>()
  readonly #timeoutMs: number

  constructor(timeoutMs: number) {
    this.#timeoutMs = timeoutMs
  }

  add(socket: Endable): void {
    this.#leftMs.set(socket, this.#timeoutMs)
  }

  /** It has got on, or has ended. */
  delete(socket: Endable): void {
    this.#leftMs.delete(socket)
  }

  /** Called about every `elapsedMs`. */
  sweep(elapsedMs: number): void {
    for (const [socket, leftMs] of this.#leftMs) {
      if (leftMs < elapsedMs) socket.destroy()
      else this.#leftMs.set(socket, leftMs - elapsedMs)
    }
  }

  /** Ends them all. */
  destroy(): void {
    for (const socket of this.#leftMs.keys()) socket.destroy()
  }
}
