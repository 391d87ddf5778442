/**
 * Streams that are nearly right: messages as a good client sends them, changed in up to three places, and the
 * sizes of the pieces in which they arrive. All of it follows from the random numbers of a seed.
 */
import { type FormName, MUTATION_KINDS, mutated, validMessage } from '@minivault/protocol/testing'

const MESSAGES_MAX = 5
const MUTATIONS_MAX = 3
const SIZES = 4
/** However long the stream, it is not cut into many more pieces than this. */
const PIECES = 24

export interface MutatedStream {
  bytes: Uint8Array
  /** Of the pieces, over and over. */
  sizes: number[]
}

export function mutatedStream(form: FormName, random: () => number): MutatedStream {
  const integer = (below: number) => Math.floor(random() * below)
  const uint32 = () => integer(2 ** 32)
  const messages = Array.from({ length: 1 + integer(MESSAGES_MAX) }, () => validMessage(form, random))
  const mutations = Array.from({ length: integer(MUTATIONS_MAX + 1) }, () => ({
    ...{ kind: MUTATION_KINDS[integer(MUTATION_KINDS.length)]!, place: uint32(), other: uint32() },
    value: uint32(),
  }))
  const bytes = mutated(form, messages, mutations)
  const largest = Math.max(4, Math.ceil((2 * bytes.length) / PIECES))
  return { bytes, sizes: Array.from({ length: SIZES }, () => 1 + integer(largest)) }
}
