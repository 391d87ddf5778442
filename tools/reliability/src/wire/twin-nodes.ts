/**
 * Two nodes that are told the same, one in whole streams and one in pieces: what they answer must be the
 * same. Meanwhile a good client works on each, and requests that never go on hang on the second.
 */
import { FRAME_OPCODE } from '@minivault/protocol'
import { type Message, readBatch, readStream } from '@minivault/protocol/testing'
import { seededRandom } from '@minivault/wal/testing'
import { type Context, NOTICED_ENOUGH } from '../row.ts'
import { GoodClient } from './good-client.ts'
import { HangingRequests } from './hanging-requests.ts'
import { mutatedStream } from './mutated-streams.ts'
import { NodeProgram } from './node-program.ts'
import { type BinaryForm, type Form, helloRequest, isBinary, type TextForm } from './requests.ts'
import { BEGINNINGS, type Beginning, Talk } from './talk.ts'
import { mutatedText } from './text-streams.ts'
import { agreeingLines, textTranscript } from './text-transcript.ts'
import { transcriptOf } from './transcript.ts'

/** By how much the resident memory of a node may grow: its cache of 16 MiB, heap, and what it holds. */
const GROWTH_BYTES_MAX = 96 * 1024 * 1024
/** The good client waits no longer than this, on a machine that does much else. */
const PATIENCE_MS = 2000
const WARM_STREAMS = 40
/** What is real is looked at a little longer than a control. */
const FAILURES_MAX = 3
const SHORT_MS = 3_600_000
const KEY = Buffer.from('the key of both nodes')

export const MODES = ['none', 'all'] as const
export type Mode = (typeof MODES)[number]

export interface Twins {
  n: number
  failures: string[]
  grownBytes: number
  longestMs: number
}

export interface Telling {
  mode: Mode
  streams: number
  onStream: () => void
  /** What the streams speak, each one of these. */
  forms: readonly Form[]
  /** Of a copy with a fault in it. */
  main: string | undefined
}

export async function twinNodes(context: Context, telling: Telling): Promise<Twins> {
  const { mode, streams, onStream, main } = telling
  const words = ['-durability', 'memory', '-cache', '16']
  if (mode === 'all') words.push('-auth', KEY.toString(), '-authmode', mode)
  const start = () => NodeProgram.start({ directory: context.folder(), words, main })
  const nodes = await Promise.all([start(), start()])
  const [whole, split] = nodes
  const beginning = mode === 'all' ? 'key' : 'nothing'
  const clients = await Promise.all(nodes.map(({ port }) => GoodClient.at(port, KEY, beginning)))
  const hanging = new HangingRequests(split.port)
  const found: Twins = { n: 0, failures: [], grownBytes: 0, longestMs: 0 }
  const enough = main === undefined ? FAILURES_MAX : NOTICED_ENOUGH
  let before = 0
  try {
    for (let index = 0; index < streams + WARM_STREAMS && found.failures.length < enough; index++) {
      if (index === WARM_STREAMS) before = split.residentBytes
      if (index >= WARM_STREAMS) hanging.add(seededRandom(index))
      const wrong = await oneStream(context.seed + index, telling, whole.port, split.port)
      if (wrong !== null) found.failures.push(`-authmode ${mode}, seed ${context.seed + index}: ${wrong}`)
      if (nodes.some(({ isEnded }) => isEnded)) break
      if (index < WARM_STREAMS) continue
      found.n++
      onStream()
      found.grownBytes = split.peakBytes - before
      if (found.grownBytes > GROWTH_BYTES_MAX) break
    }
    for (const node of nodes) if (node.isEnded) found.failures.push(`a node ended: ${node.said}`)
    await judge(found, clients)
  } finally {
    hanging.end()
    await Promise.all(nodes.map((node) => node.stop()))
  }
  return found
}

async function judge(found: Twins, clients: readonly GoodClient[]): Promise<void> {
  for (const client of clients) {
    await client.end()
    found.longestMs = Math.max(found.longestMs, client.longestMs)
    if (client.problem !== null) found.failures.push(`the good client: ${client.problem}`)
  }
  const waited = Math.round(found.longestMs)
  if (waited > PATIENCE_MS) found.failures.push(`the good client waited for ${waited} ms`)
  if (found.grownBytes > GROWTH_BYTES_MAX) {
    found.failures.push(`the memory grew by ${Math.round(found.grownBytes / 2 ** 20)} MiB`)
  }
}

async function oneStream(
  seed: number,
  { mode, forms }: Telling,
  whole: number,
  split: number,
): Promise<string | null> {
  const random = seededRandom(seed)
  const form = forms[Math.floor(random() * forms.length)]!
  if (!isBinary(form)) return textStream(form, mode, random, whole, split)
  let beginning: Beginning = BEGINNINGS[Math.floor(random() * BEGINNINGS.length)]!
  if (mode === 'none' && beginning === 'key') beginning = 'greeting'
  const { bytes, sizes } = streamOf(form, beginning, random)
  const [one, other] = await Promise.all([
    Talk.begin({ port: whole, form, beginning, key: KEY }),
    Talk.begin({ port: split, form, beginning, key: KEY }),
  ])
  const [said, saidToPieces] = await Promise.all([one.send(bytes, [bytes.length]), other.send(bytes, sizes)])
  const what = `${form} behind ${beginning}, pieces of ${sizes.join(', ')}`
  if (said === null || saidToPieces === null) return `${what}: the connection stays open`
  const isFirst = beginning === 'nothing' || (form === 'documented' && beginning === 'greeting')
  const spoken = isFirst ? formOf(bytes[0]!) : form
  const [expected, got] = [transcriptOf(spoken, said), transcriptOf(spoken, saidToPieces)]
  const problem = expected.problem ?? got.problem
  if (problem !== null) return `${what}: ${problem}`
  const wrong = firstDifference(expected.lines, got.lines)
  return wrong === null ? null : `${what}: ${wrong}`
}

/** The same of HTTP or RESP; the key is shown within the stream. */
async function textStream(
  form: TextForm,
  mode: Mode,
  random: () => number,
  whole: number,
  split: number,
): Promise<string | null> {
  const { bytes, sizes } = mutatedText(form, mode === 'all' && random() < 0.8 ? KEY : null, random)
  const talks = await Promise.all([whole, split].map((port) => Talk.begin({ port, beginning: 'nothing' })))
  const [said, saidToPieces] = await Promise.all([
    talks[0]!.send(bytes, [bytes.length]),
    talks[1]!.send(bytes, sizes),
  ])
  const text = JSON.stringify(Buffer.from(bytes).toString('latin1'))
  const what = `${form}, pieces of ${sizes.join(', ')} of ${text}`
  if (said === null || saidToPieces === null) return `${what}: the connection stays open`
  const [expected, got] = [textTranscript(form, said), textTranscript(form, saidToPieces)]
  const problem = expected.problem ?? got.problem
  if (problem !== null) return `${what}: ${problem}`
  const wrong = firstDifference(...agreeingLines(expected.lines, got.lines))
  return wrong === null ? null : `${what}: ${wrong}`
}

/** What a connection that begins with this byte speaks; what is refused at once has no replies to read. */
function formOf(first: number): BinaryForm | 'http' {
  if (first >= 0x41 && first <= 0x5a) return 'http'
  return first < 0x10 ? 'documented' : 'frame'
}

/** A stream whose answers do not hang on the clock: no short time to live, no short deadline. */
function streamOf(form: BinaryForm, beginning: Beginning, random: () => number) {
  const name = form === 'frame' ? 'frameRequest' : 'documented'
  for (;;) {
    const stream = mutatedStream(name, random)
    if (stream.bytes.length === 0) continue
    if (name === 'documented') return stream
    if (readStream(name, stream.bytes).messages.some(isTimed)) continue
    const isGreeted = beginning !== 'nothing' || random() < 0.2
    return isGreeted ? stream : { ...stream, bytes: Buffer.concat([helloRequest(), stream.bytes]) }
  }
}

function isTimed({ opcode, ttlMs, deadlineMs, value }: Message): boolean {
  const isShort = (ms: unknown) => Number(ms) > 0 && Number(ms) < SHORT_MS
  if (isShort(ttlMs) || isShort(deadlineMs)) return true
  if (opcode !== FRAME_OPCODE.batch) return false
  const operations = readBatch(Buffer.from(String(value), 'latin1')) ?? []
  return operations.some((one) => isShort((one as { ttlMs: number }).ttlMs))
}

function firstDifference(expected: readonly string[], got: readonly string[]): string | null {
  const short = (line: string | undefined) => (line === undefined ? 'nothing' : line.slice(0, 200))
  const index = expected.findIndex((line, place) => line !== got[place])
  if (index >= 0) return `reply ${index}: in pieces ${short(got[index])}, whole ${short(expected[index])}`
  return got.length > expected.length ? `in pieces one more: ${short(got[expected.length])}` : null
}
