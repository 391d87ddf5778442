/**
 * What is done to a valid stream: bits flipped, lengths changed, messages and pieces cut out, repeated,
 * swapped, put between. A mutation is four numbers, each taken modulo what there is, so that whoever invents
 * or shrinks them needs to know nothing of the stream.
 */
import type { FormName } from './decoders.ts'

export const MUTATION_KINDS = [
  'flip',
  'byte',
  'number',
  'cut',
  'repeat',
  'insert',
  'swap',
  'drop',
  'end',
] as const

export interface Mutation {
  kind: (typeof MUTATION_KINDS)[number]
  /** Of a message, or of a byte. */
  place: number
  /** The other message, the number's place, or how many bytes. */
  other: number
  value: number
}

/** Where numbers stand in a message, and how wide they are; -1: behind the key. */
const NUMBERS: Readonly<Record<FormName, readonly (readonly [at: number, width: number])[]>> = {
  documented: [
    [0, 1],
    [1, 2],
    [-1, 4],
  ],
  documentedReply: [
    [0, 1],
    [1, 4],
  ],
  frameRequest: [
    [0, 1],
    [1, 1],
    [4, 4],
    [8, 4],
    [25, 1],
    [26, 2],
    [44, 4],
    [48, 4],
    [60, 4],
    [64, 4],
    [70, 2],
    [72, 2],
    [76, 4],
  ],
  frameReply: [
    [0, 1],
    [1, 1],
    [2, 1],
    [4, 4],
    [12, 2],
    [32, 4],
    [36, 4],
    [40, 4],
    [44, 4],
    [48, 2],
    [52, 4],
  ],
}

const INTERESTING = [
  0, 1, 2, 3, 19, 20, 39, 40, 41, 59, 60, 61, 127, 128, 255, 256, 4095, 4096, 65_534, 65_535,
]
INTERESTING.push(196_608, 262_143, 262_144, 262_145, 104_857_600, 104_857_601, 2 ** 30 - 1, 2 ** 30)
INTERESTING.push(2 ** 31 - 1, 2 ** 31, 2 ** 32 - 2, 2 ** 32 - 1)

export function mutated(
  form: FormName,
  messages: readonly Uint8Array[],
  mutations: readonly Mutation[],
): Uint8Array {
  const parts = messages.map((message) => new Uint8Array(message))
  for (const mutation of mutations) changeMessages(form, parts, mutation)
  let bytes: Uint8Array = Buffer.concat(parts)
  for (const mutation of mutations) bytes = changeBytes(bytes, mutation)
  return bytes
}

function changeMessages(form: FormName, parts: Uint8Array[], { kind, place, other, value }: Mutation): void {
  if (parts.length === 0) return
  const index = place % parts.length
  if (kind === 'drop') parts.splice(index, 1)
  else if (kind === 'swap') {
    const second = other % parts.length
    ;[parts[index], parts[second]] = [parts[second]!, parts[index]!]
  } else if (kind === 'repeat') parts.splice(other % parts.length, 0, parts[index]!)
  else if (kind === 'number') writeNumber(form, parts[index]!, other, value)
}

function writeNumber(form: FormName, message: Uint8Array, which: number, value: number): void {
  const numbers = NUMBERS[form]
  const [place, width] = numbers[which % numbers.length]!
  const at = place >= 0 ? place : 3 + message[1]! + message[2]! * 256
  if (at + width > message.length) return
  const view = new DataView(message.buffer, message.byteOffset)
  const old = width === 4 ? view.getUint32(at, true) : width === 2 ? view.getUint16(at, true) : message[at]!
  // Half of them near to what was there, half near to a limit.
  const near = old + ((value >>> 1) % 7) - 3
  const now = value % 2 === 0 ? near : INTERESTING[(value >>> 1) % INTERESTING.length]!
  for (let index = 0; index < width; index++) message[at + index] = Math.floor(now / 256 ** index)
}

function changeBytes(bytes: Uint8Array, { kind, place, other, value }: Mutation): Uint8Array {
  if (bytes.length === 0) return bytes
  const at = place % bytes.length
  if (kind === 'flip') bytes[at]! ^= 1 << (value % 8)
  else if (kind === 'byte') bytes[at] = value
  else if (kind === 'end') return bytes.subarray(0, at)
  else if (kind === 'cut')
    return Buffer.concat([bytes.subarray(0, at), bytes.subarray(at + 1 + (other % 80))])
  else if (kind === 'insert') {
    const piece = new Uint8Array(1 + (other % 80)).map((_, index) => value + index * (other % 3))
    return Buffer.concat([bytes.subarray(0, at), piece, bytes.subarray(at)])
  }
  return bytes
}
