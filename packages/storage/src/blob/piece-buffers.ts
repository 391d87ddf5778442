/**
 * Buffers of one piece each for the values that pass through, lent within a bound and used again. Who finds
 * none is told when to try again, and meanwhile others are asked to write down what they hold: a buffer comes
 * back after a write to the disk at the latest, however slow the clients are whose bytes lie in it. Nobody
 * has a buffer without bytes in it.
 */

/** Who may hold buffers. */
export interface PieceHolder {
  /** To try `take` again, later in this turn. */
  mayTake(): void
  /** Gives back what it holds without using it, at once or after a write to the disk. */
  spill(): void
}

export class PieceBuffers {
  readonly pieceBytes: number
  readonly #countMax: number
  readonly #keptMax: number
  readonly #kept: Uint8Array[] = []
  readonly #waiting = new Set<PieceHolder>()
  /** Who can be asked to give its buffers back, the one that was quiet for longest first. */
  readonly #idle = new Set<PieceHolder>()
  /** Lent ones that come back by themselves. */
  #returning = 0
  #lent = 0

  /** At most `countMax` are lent at a time; `keptMax` are kept for use again. */
  constructor(pieceBytes: number, countMax: number, keptMax: number) {
    this.pieceBytes = pieceBytes
    this.#countMax = countMax
    this.#keptMax = keptMax
  }

  get lent(): number {
    return this.#lent
  }

  get waiting(): number {
    return this.#waiting.size
  }

  /** Null: there is none, `mayTake` will follow. */
  take(holder: PieceHolder): Uint8Array | null {
    if (this.#lent >= this.#countMax) {
      this.#waiting.add(holder)
      this.#press()
      return null
    }
    this.#lent += 1
    return this.#kept.pop() ?? Buffer.allocUnsafeSlow(this.pieceBytes)
  }

  /** One more, but only if nobody waits for it. */
  takeSpare(): Uint8Array | null {
    if (this.#lent >= this.#countMax || this.#waiting.size > 0) return null
    this.#lent += 1
    return this.#kept.pop() ?? Buffer.allocUnsafeSlow(this.pieceBytes)
  }

  /**
   * What the holder has waits for somebody outside: for more bytes, or for a client that takes them. It can
   * be asked to give it back.
   */
  idles(holder: PieceHolder): void {
    this.#idle.delete(holder)
    this.#idle.add(holder)
    if (this.#waiting.size > 0) this.#press()
  }

  /** It is used again. */
  wakes(holder: PieceHolder): void {
    this.#idle.delete(holder)
  }

  /** The holder's buffer is on its way to the disk; `give` follows. */
  returns(holder: PieceHolder): void {
    this.#idle.delete(holder)
    this.#returning += 1
  }

  /** A buffer that was announced by `returns`. */
  give(buffer: Uint8Array): void {
    this.#returning -= 1
    this.#free(buffer)
  }

  /** The holder wants no buffer any more; `buffer` is the one it was filling. */
  leave(holder: PieceHolder, buffer: Uint8Array | null): void {
    this.#waiting.delete(holder)
    this.#idle.delete(holder)
    if (buffer === null) this.#wake()
    else this.#free(buffer)
  }

  /** A buffer that was not announced. True: somebody who waited goes first. */
  giveAtOnce(buffer: Uint8Array): boolean {
    const isAwaited = this.#waiting.size > 0
    this.#free(buffer)
    return isAwaited
  }

  #free(buffer: Uint8Array): void {
    this.#lent -= 1
    if (this.#kept.length < this.#keptMax) this.#kept.push(buffer)
    this.#wake()
  }

  /** As many as there are buffers; some of them may not come. */
  #wake(): void {
    let free = this.#countMax - this.#lent
    for (const holder of this.#waiting) {
      if (free-- <= 0) break
      this.#waiting.delete(holder)
      holder.mayTake()
    }
    if (this.#waiting.size > 0) this.#press()
  }

  /** As many buffers as are waited for shall be on their way back. */
  #press(): void {
    for (const holder of this.#idle) {
      if (this.#returning >= this.#waiting.size) return
      holder.spill()
    }
  }
}
