/**
 * The decoders beside the plain reader of the same streams, whole and in pieces: no sockets, so that a
 * million of them is a matter of a minute.
 */
import { setImmediate } from 'node:timers/promises'
import type * as Protocol from '@minivault/protocol'
import {
  bodiesOf,
  bodyDifference,
  decodersOf,
  FORM_NAMES,
  type FormName,
  readStream,
  splitDifference,
} from '@minivault/protocol/testing'
import { seededRandom } from '@minivault/wal/testing'
import { type Context, type Findings, NOTICED_ENOUGH } from '../row.ts'
import { mutatedStream } from './mutated-streams.ts'

const CASES_A_TURN = 1000

export async function fuzzDecoders(
  context: Context,
  cases: number,
  protocol: typeof Protocol,
): Promise<Findings> {
  const differenceIn = differenceBy(protocol)
  const failures: string[] = []
  let messages = 0
  let broken = 0
  let n = 0
  for (; n < cases && failures.length < NOTICED_ENOUGH; n++) {
    const seed = context.seed + n
    const form = FORM_NAMES[seed % FORM_NAMES.length]!
    const { bytes, sizes } = mutatedStream(form, seededRandom(seed))
    const expected = readStream(form, bytes)
    messages += expected.messages.length
    if (expected.end !== 'whole') broken++
    const wrong = differenceIn(form, bytes, sizes, expected)
    if (wrong !== null) failures.push(`seed ${seed}, ${form}: ${wrong}`)
    if (n % CASES_A_TURN === 0) {
      context.progress(n, cases)
      await setImmediate()
    }
  }
  return { n, failures, measured: `${messages} messages, ${broken} streams that end in something else` }
}

function differenceBy(protocol: typeof Protocol) {
  const decoders = decodersOf(protocol)
  const bodies = bodiesOf(protocol)
  return (
    form: FormName,
    bytes: Uint8Array,
    sizes: readonly number[],
    expected: ReturnType<typeof readStream>,
  ): string | null => {
    for (const message of expected.messages) {
      const wrong = bodyDifference(bodies, form, message)
      if (wrong !== null) return wrong
    }
    return (
      splitDifference(decoders[form], bytes, [bytes.length], expected) ??
      splitDifference(decoders[form], bytes, sizes, expected)
    )
  }
}
