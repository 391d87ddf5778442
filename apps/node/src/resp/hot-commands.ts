/**
 * The commands that clients send all the time, taken from where they lie in the bytes: no copy, no text, no
 * promise. `hotCommand` tells them by length and letters, in any case; it names those only whose arguments
 * are plain, all others are for the table of commands.
 *
 *   GET key · SET key value [EX|PX n] [NX] · SETNX key value · SETEX|PSETEX key n value
 *   DEL|UNLINK|EXISTS key · INCR|DECR key · INCRBY|DECRBY key n · PING [text] · ECHO text
 */
import type { RespRequest } from '@minivault/protocol'
import { KIND, type Kind } from '../key-value.ts'
import { SHAPE, type Shape } from './reply-shapes.ts'

const LOWER = 0x20

/** Letters as one number: of names up to six letters there are no two alike. */
function packed(name: string): number {
  let word = 0
  for (const letter of name) word = word * 256 + letter.charCodeAt(0)
  return word
}

const NAME = {
  get: packed('get'),
  set: packed('set'),
  setnx: packed('setnx'),
  setex: packed('setex'),
  psetex: packed('psetex'),
  del: packed('del'),
  unlink: packed('unlink'),
  exists: packed('exists'),
  incr: packed('incr'),
  decr: packed('decr'),
  incrby: packed('incrby'),
  decrby: packed('decrby'),
  ping: packed('ping'),
  echo: packed('echo'),
  ex: packed('ex'),
  px: packed('px'),
  nx: packed('nx'),
} as const
const NAME_BYTES_MAX = 6
/** Milliseconds that an expiry may be away; more is for the other way to refuse. */
const TTL_DIGITS_MAX = 12

/** What a hot command asks for. Reused. */
export class HotCommand {
  /** Null: nothing is asked of the store (PING, ECHO). */
  kind: Kind | null = null
  shape: Shape = SHAPE.none
  /** Argument of the key, or of the text; -1: none. */
  key = -1
  /** Argument of the value; -1: none. */
  value = -1
  ttlMs = 0
  noValue = false
  delta = 0n

  /** False: it is none of these. `start` is where the request begins. */
  read(bytes: Uint8Array, start: number, request: RespRequest): boolean {
    const { count } = request
    const name = count > 5 || count === 0 ? 0 : wordAt(bytes, start, request, 0)
    if (name === 0) return false
    this.value = -1
    this.ttlMs = 0
    this.noValue = false
    if (count === 2) return this.#readOfKey(name)
    if (count === 3) return this.#readOfTwo(name, bytes, start, request)
    if (count === 1) return name === NAME.ping && this.#is(null, SHAPE.pong, -1)
    if (name === NAME.set) return this.#readSet(bytes, start, request)
    const isSeconds = name === NAME.setex
    if (count !== 4 || !(isSeconds || name === NAME.psetex)) return false
    this.value = 3
    this.#is(KIND.set, SHAPE.ok, 1)
    return this.#readTtl(bytes, start, request, 2, isSeconds)
  }

  #is(kind: Kind | null, shape: Shape, key: number): true {
    this.kind = kind
    this.shape = shape
    this.key = key
    return true
  }

  #readOfKey(name: number): boolean {
    switch (name) {
      case NAME.get:
        return this.#is(KIND.get, SHAPE.value, 1)
      case NAME.del:
      case NAME.unlink:
        return this.#is(KIND.delete, SHAPE.removed, 1)
      case NAME.exists:
        this.noValue = true
        return this.#is(KIND.get, SHAPE.found, 1)
      case NAME.incr:
        this.delta = 1n
        return this.#is(KIND.increment, SHAPE.sum, 1)
      case NAME.decr:
        this.delta = -1n
        return this.#is(KIND.increment, SHAPE.sum, 1)
      case NAME.ping:
      case NAME.echo:
        return this.#is(null, SHAPE.value, 1)
      default:
        return false
    }
  }

  #readOfTwo(name: number, bytes: Uint8Array, start: number, request: RespRequest): boolean {
    if (name === NAME.set || name === NAME.setnx) {
      this.value = 2
      return name === NAME.set ? this.#is(KIND.set, SHAPE.ok, 1) : this.#is(KIND.create, SHAPE.isDone, 1)
    }
    if (name !== NAME.incrby && name !== NAME.decrby) return false
    const isNegative = bytes[start + request.starts[2]!] === 0x2d
    const amount = digitsAt(bytes, start, request, 2, isNegative ? 1 : 0)
    if (amount < 0 || (isNegative && amount === 0)) return false
    this.delta = BigInt(isNegative === (name === NAME.incrby) ? -amount : amount)
    return this.#is(KIND.increment, SHAPE.sum, 1)
  }

  /** With one or two of EX, PX, NX. */
  #readSet(bytes: Uint8Array, start: number, request: RespRequest): boolean {
    this.value = 2
    this.#is(KIND.set, SHAPE.ok, 1)
    for (let index = 3; index < request.count; index++) {
      const option = wordAt(bytes, start, request, index)
      if (option === NAME.nx) this.kind = KIND.create
      else if (this.ttlMs !== 0 || (option !== NAME.ex && option !== NAME.px)) return false
      else if (!this.#readTtl(bytes, start, request, ++index, option === NAME.ex)) return false
    }
    return true
  }

  #readTtl(
    bytes: Uint8Array,
    start: number,
    request: RespRequest,
    index: number,
    isSeconds: boolean,
  ): boolean {
    const digits = index < request.count ? digitsAt(bytes, start, request, index, 0) : 0
    this.ttlMs = isSeconds ? digits * 1000 : digits
    return digits > 0
  }
}

/** The letters of an argument; 0 for one that is no short word. */
function wordAt(bytes: Uint8Array, start: number, request: RespRequest, index: number): number {
  const end = start + request.ends[index]!
  let at = start + request.starts[index]!
  if (end - at > NAME_BYTES_MAX) return 0
  let word = 0
  for (; at < end; at++) word = word * 256 + (bytes[at]! | LOWER)
  return word
}

/** A plain number without a sign; -1 for anything else, and for a long one. */
function digitsAt(
  bytes: Uint8Array,
  start: number,
  request: RespRequest,
  index: number,
  skipped: number,
): number {
  const from = start + request.starts[index]! + skipped
  const end = start + request.ends[index]!
  if (end === from || end - from > TTL_DIGITS_MAX || (bytes[from] === 0x30 && end - from > 1)) return -1
  let value = 0
  for (let at = from; at < end; at++) {
    const digit = bytes[at]! - 0x30
    if (digit < 0 || digit > 9) return -1
    value = value * 10 + digit
  }
  return value
}
