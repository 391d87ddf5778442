/**
 * Messages as bytes, one behind the other: docs/PEERS.md draws them. An offer and its answer are two messages
 * for each replica of each write, so these are written without anything being made.
 */
import { VERSION_BYTES } from '@minivault/clock'
import type { Life } from '../marks.ts'
import type { Read, State } from '../messages.ts'
import { MESSAGE, type Message, type Offer, type Offered, type Prepare, type Promised } from '../messages.ts'
import type { PeerForms } from './forms.ts'
import { MESSAGE_BYTES_MAX } from './limits.ts'
import { FLAG, LENGTH_AT, PartWriter } from './part-writer.ts'
import { writeRare } from './rare-writer.ts'

const NO_LIVES: readonly Life[] = []

export class MessageWriter {
  readonly #out: PartWriter

  constructor(forms: PeerForms) {
    this.#out = new PartWriter(forms)
  }

  /** What was added so far stands in its first `length` bytes; another array after the next `add`. */
  get bytes(): Uint8Array {
    return this.#out.bytes
  }

  get length(): number {
    return this.#out.at
  }

  clear(): void {
    this.#out.clear()
  }

  /** False: it is longer than a message may be; nothing was added. */
  add(message: Message): boolean {
    const out = this.#out
    const start = out.at
    out.isOver = false
    this.#write(message)
    const length = out.at - start
    if (out.isOver || length > MESSAGE_BYTES_MAX) {
      out.at = start
      return false
    }
    out.setU32(start + LENGTH_AT, length)
    return true
  }

  #write(message: Message): void {
    switch (message.kind) {
      case MESSAGE.offer:
        return this.#offer(message)
      case MESSAGE.offered:
        return this.#offered(message)
      case MESSAGE.prepare:
        return this.#prepare(message)
      case MESSAGE.promised:
        return this.#promised(message)
      case MESSAGE.read:
        return this.#read(message)
      case MESSAGE.state:
        return this.#state(message)
      default:
        return writeRare(this.#out, message)
    }
  }

  #offer(offer: Offer): void {
    const out = this.#out
    out.putCommon(offer, 0, NO_LIVES)
    out.room(4)
    out.putU8(offer.durability)
    out.putU8(offer.cause)
    out.putKey(offer.key)
    out.putRecord(offer.record)
  }

  #offered(offered: Offered): void {
    const out = this.#out
    out.putCommon(offered, offered.votes ? FLAG.votes : 0, offered.lives)
    out.room(1 + VERSION_BYTES)
    out.putU8(offered.verdict)
    out.putVersion(offered.above)
  }

  #prepare(prepare: Prepare): void {
    const out = this.#out
    out.putCommon(prepare, 0, NO_LIVES)
    out.room(4 + 2 * VERSION_BYTES)
    out.putU32(prepare.attempt)
    out.putVersion(prepare.ballot)
    out.putVersion(prepare.request)
    out.putKey(prepare.key)
  }

  #promised(promised: Promised): void {
    const out = this.#out
    const { votes, lives, isHeld, isForgetful, evidence } = promised
    const flags = (votes ? FLAG.votes : 0) | (isHeld ? FLAG.isHeld : 0)
    out.putCommon(promised, flags | (isForgetful ? FLAG.isForgetful : 0), lives)
    out.room(4 + VERSION_BYTES)
    out.putU8(promised.verdict)
    out.putU8(0)
    out.putCount(evidence.length)
    out.putVersion(promised.above)
    out.putEvidence(evidence)
    out.putRecord(promised.record)
  }

  #read(read: Read): void {
    const out = this.#out
    out.putCommon(read, read.wantsValue ? FLAG.wantsValue : 0, NO_LIVES)
    out.putKey(read.key)
  }

  #state(state: State): void {
    const out = this.#out
    out.putCommon(state, (state.votes ? FLAG.votes : 0) | (state.isHeld ? FLAG.isHeld : 0), state.lives)
    out.putRecord(state.record)
  }
}
