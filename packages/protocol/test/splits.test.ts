/**
 * Streams that are nearly right, in pieces of any size: the decoders find what the plain reader finds in the
 * whole, message for message, and end where it ends.
 */
import fc from 'fast-check'
import t from 'tap'
import * as protocol from '../src/index.ts'
import {
  bodiesOf,
  bodyDifference,
  decodersOf,
  FORM_NAMES,
  type FormName,
  MUTATION_KINDS,
  mutated,
  readStream,
  splitDifference,
  validMessage,
} from '../src/testing/index.ts'
import { vector, vectorNames } from './support/vectors.ts'

const RUNS = 4000
const uint32 = fc.nat(2 ** 32 - 1)
const mutation = fc.record({
  kind: fc.constantFrom(...MUTATION_KINDS),
  place: uint32,
  other: uint32,
  value: uint32,
})
const sizes = fc.oneof(
  fc.array(fc.integer({ min: 1, max: 9 }), { minLength: 1, maxLength: 5 }),
  fc.array(fc.integer({ min: 1, max: 400 }), { minLength: 1, maxLength: 5 }),
)

/** Numbers from 0 to 1 out of one seed. */
function randomOf(seed: number): () => number {
  let state = seed
  return () => {
    state = (Math.imul(state ^ (state >>> 15), 0x2c1b3c6d) + 0x6d2b79f5) | 0
    return ((state ^ (state >>> 14)) >>> 0) / 2 ** 32
  }
}

const decoders = decodersOf(protocol)
const bodies = bodiesOf(protocol)

function firstDifference(form: FormName, bytes: Uint8Array, pieces: readonly number[]): string | null {
  const expected = readStream(form, bytes)
  for (const message of expected.messages) {
    const wrong = bodyDifference(bodies, form, message)
    if (wrong !== null) return wrong
  }
  return (
    splitDifference(decoders[form], bytes, [bytes.length], expected) ??
    splitDifference(decoders[form], bytes, pieces, expected)
  )
}

for (const form of FORM_NAMES) {
  t.test(`${form}: mutated streams, split anywhere`, async () => {
    fc.assert(
      fc.property(
        fc.array(uint32, { maxLength: 5 }),
        fc.array(mutation, { maxLength: 4 }),
        sizes,
        (seeds, mutations, pieces) => {
          const messages = seeds.map((seed) => validMessage(form, randomOf(seed)))
          const wrong = firstDifference(form, mutated(form, messages, mutations), pieces)
          if (wrong !== null) throw new Error(wrong)
        },
      ),
      { numRuns: RUNS },
    )
  })
}

t.test('every vector in pieces of every size', async (t) => {
  for (const name of [...vectorNames('documented-'), ...vectorNames('frame-')]) {
    const bytes = vector(name)
    const isReply = name.includes('reply')
    const form = name.startsWith('documented')
      ? isReply
        ? 'documentedReply'
        : 'documented'
      : isReply
        ? 'frameReply'
        : 'frameRequest'
    const expected = readStream(form, bytes)
    t.equal(expected.end, 'whole', name)
    for (let size = 1; size <= bytes.length; size++) {
      const wrong = splitDifference(decoders[form], bytes, [size], expected)
      if (wrong !== null) t.fail(`${name} in pieces of ${size}: ${wrong}`)
    }
  }
})
