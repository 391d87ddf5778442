/**
 * MGET where the store has every value at hand, which is nearly always: the keys are read from where they lie
 * in the request and the reply is written as the values are told, in one turn of the event loop. Where one is
 * told late, is large or cannot be read, it is given up, and the command is run as any other.
 */
import { copyBytes, hashKey, KeyHash } from '@minivault/codec'
import { ERROR, OUTCOME, type RespRequest, type RespVersion, writeRespLength } from '@minivault/protocol'
import { type Durability, FORESEEN_MAX, Foresight } from '@minivault/storage'
import { type Answer, type KeyValue, KIND, Operation } from '../key-value.ts'
import { REPLY_SLOTS, VALUES_AT_HAND_BYTES_MAX } from '../limits.ts'
import type { Receiver, Receivers } from '../receivers.ts'
import type { Reply } from './command.ts'

const CR = 0x0d
const LF = 0x0a
const DOLLAR = 0x24
const STAR = 0x2a
/** Of a length and the ends of two lines. */
const HEAD_BYTES_MAX = 24
const NULL_2 = Buffer.from('$-1\r\n')
const NULL_3 = Buffer.from('_\r\n')
const NONE = -1

export class ValuesAtHand implements Receiver {
  readonly #keyValue: KeyValue
  readonly #durability: Durability
  readonly #operation = new Operation()
  readonly #foresight = new Foresight()
  readonly #hash = new KeyHash()
  readonly #firstToken: number
  /** Those of keys that are still to be told are missing. */
  readonly #slots = Array.from({ length: REPLY_SLOTS }, (_, slot) => slot)
  #slot = 0
  #isTold = false
  readonly #reply = Buffer.alloc(VALUES_AT_HAND_BYTES_MAX)
  /** Of the reply; NONE: it is given up. */
  #end = 0
  #null = NULL_2

  constructor(keyValue: KeyValue, receivers: Receivers, durability: Durability) {
    this.#keyValue = keyValue
    this.#durability = durability
    this.#firstToken = receivers.add(this)
  }

  /** The values of all arguments but the name; null: not so. Valid until the next call. */
  read(bytes: Uint8Array, start: number, request: RespRequest, version: RespVersion): Reply | null {
    const { count } = request
    this.#null = version === 3 ? NULL_3 : NULL_2
    this.#end = writeRespLength(STAR, count - 1, this.#reply, 0)
    for (let first = 1; first < count; first += FORESEEN_MAX) {
      const behind = Math.min(count, first + FORESEEN_MAX)
      this.#foresee(bytes, start, request, first, behind)
      for (let index = first; index < behind; index++) {
        this.#ask(bytes, start + request.starts[index]!, start + request.ends[index]!, index - first)
        if (this.#end === NONE) return null
      }
    }
    return { encoded: this.#reply.subarray(0, this.#end) }
  }

  #foresee(bytes: Uint8Array, start: number, request: RespRequest, first: number, behind: number): void {
    const foresight = this.#foresight
    foresight.count = 0
    for (let index = first; index < behind; index++) {
      hashKey(bytes, start + request.starts[index]!, start + request.ends[index]!, this.#hash)
      foresight.add(this.#hash)
    }
    if (foresight.count > 1) this.#keyValue.foresee(foresight)
  }

  #ask(bytes: Uint8Array, keyStart: number, keyEnd: number, place: number): void {
    const slot = this.#slots.pop() ?? NONE
    this.#slot = slot
    this.#isTold = false
    if (slot !== NONE) {
      const operation = this.#operation
      operation.begin(KIND.get, bytes, keyStart, keyEnd, this.#durability)
      operation.hash.high = this.#foresight.high[place]!
      operation.hash.low = this.#foresight.low[place]!
      operation.wantsStream = true
      this.#keyValue.submit(operation, this.#firstToken + slot)
    }
    this.#slot = NONE
    if (!this.#isTold) this.#end = NONE
  }

  complete(slot: number, answer: Answer): void {
    this.#slots.push(slot)
    if (answer.stream !== null) answer.stream.cancel()
    if (slot !== this.#slot) return
    this.#isTold = true
    if (answer.outcome === OUTCOME.ok && answer.stream === null) {
      this.#write(answer.value, answer.valueStart, answer.valueEnd)
    } else if (answer.error === ERROR.KEY_NOT_FOUND && this.#hasRoom(0)) {
      copyBytes(this.#null, 0, this.#null.length, this.#reply, this.#end)
      this.#end += this.#null.length
    } else this.#end = NONE
  }

  #hasRoom(bytes: number): boolean {
    return this.#end + bytes + HEAD_BYTES_MAX <= this.#reply.length
  }

  #write(value: Uint8Array, start: number, end: number): void {
    const length = end - start
    if (!this.#hasRoom(length)) {
      this.#end = NONE
      return
    }
    const reply = this.#reply
    const at = writeRespLength(DOLLAR, length, reply, this.#end)
    copyBytes(value, start, end, reply, at)
    reply[at + length] = CR
    reply[at + length + 1] = LF
    this.#end = at + length + 2
  }
}
