/**
 * Row 10: streams that are nearly right. The decoders find in them what a plain reader finds, in whatever
 * pieces they arrive; and a node that is told them in pieces answers as its twin does that is told them
 * whole, goes on, keeps its memory, and lets a good client do its work.
 */
import * as protocol from '@minivault/protocol'
import { type PlantedFault, plantedNode, protocolWith } from '../planted-source.ts'
import type { Context, Findings, Row } from '../row.ts'
import { fuzzDecoders } from '../wire/decoder-fuzz.ts'
import { descriptorObstacle } from '../wire/descriptors.ts'
import { BINARY_FORMS, FORMS, type Form } from '../wire/requests.ts'
import { MODES, type Mode, twinNodes } from '../wire/twin-nodes.ts'

/** One stream in so many goes to real nodes, too. */
const STREAM_EVERY = 100
const CONTROL_STREAMS = 400
const CONTROL_CASES = 20_000

async function talkToNodes(
  context: Context,
  streams: number,
  modes: readonly Mode[],
  forms: readonly Form[] = FORMS,
  main?: string,
): Promise<Findings> {
  const failures: string[] = []
  const measured: string[] = []
  let n = 0
  const each = Math.ceil(streams / modes.length)
  for (const mode of modes) {
    const onStream = () => context.progress(++n, streams)
    const { grownBytes, longestMs, ...found } = await twinNodes(context, {
      ...{ mode, forms, main, onStream },
      streams: each,
    })
    failures.push(...found.failures)
    const [megabytes, waited] = [Math.round(grownBytes / 2 ** 20), Math.round(longestMs)]
    measured.push(`-authmode ${mode}: ${megabytes} MiB more, a good client waited ${waited} ms at most`)
  }
  return { n, failures, measured: `${n} streams to nodes; ${measured.join('; ')}` }
}

async function run(context: Context, cases: number): Promise<Findings> {
  const decoded = await fuzzDecoders(context, cases, protocol)
  const streams = Math.ceil(cases / STREAM_EVERY)
  const told = await talkToNodes(context, streams, MODES)
  return {
    n: decoded.n + told.n,
    wanted: cases + streams,
    failures: [...decoded.failures, ...told.failures],
    measured: `${decoded.measured}; ${told.measured}`,
  }
}

export const KEY_IS_TRUSTED: PlantedFault = {
  file: 'protocol/src/frame-request.ts',
  edits: [['  if (length < FRAME_REQUEST_HEAD_BYTES + keyBytes) return -ERROR.BAD_REQUEST\n', '']],
}

export const ONE_BYTE_EARLY: PlantedFault = {
  file: 'protocol/src/documented-form.ts',
  edits: [['return available < into.needed ? 0', 'return available < into.needed - 1 ? 0']],
}

export const MEMORY_BY_ANNOUNCEMENT: PlantedFault = {
  file: 'protocol/src/documented-form.ts',
  edits: [
    ['export class DocumentedRequest {', 'const room: Uint8Array[] = []\nexport class DocumentedRequest {'],
    [
      '  into.compressed = bytes',
      '  room.push(new Uint8Array(valueBytes).fill(1))\n  into.compressed = bytes',
    ],
  ],
}

export const BODY_IS_ITS_FIRST_PIECE: PlantedFault = {
  file: 'node/src/http/incoming-body.ts',
  edits: [['then(pieces.length === 1 ? pieces[0]! : Buffer.concat(pieces))', 'then(pieces[0]!)']],
}

export const ARGUMENT_ONE_BYTE_EARLY: PlantedFault = {
  file: 'protocol/src/resp/resp-request.ts',
  edits: [['if (next > end) return', 'if (next - 1 > end) return']],
}

async function toldTo(context: Context, forms: readonly Form[], fault: PlantedFault): Promise<Findings> {
  return talkToNodes(context, CONTROL_STREAMS, ['none'], forms, await plantedNode(fault, context.folder()))
}

export const malformedRow: Row = {
  number: 10,
  claim:
    'streams that are nearly right, split anywhere: read as a plain reader does, no crash, nobody harmed',
  cases: { smoke: 100_000, ci: 1_000_000, long: 100_000_000 },
  obstacle: () => descriptorObstacle(1000),
  run,
  controls: [
    {
      fault: 'a decoder that trusts the length of a key',
      run: async (context) =>
        fuzzDecoders(context, CONTROL_CASES, await protocolWith(KEY_IS_TRUSTED, context.folder())),
    },
    {
      fault: 'a node that takes a request one byte before its end',
      run: (context) => toldTo(context, BINARY_FORMS, ONE_BYTE_EARLY),
    },
    {
      fault: 'a node that takes memory by the announced length',
      run: (context) => toldTo(context, BINARY_FORMS, MEMORY_BY_ANNOUNCEMENT),
    },
    {
      fault: 'an HTTP body is the first piece of it',
      run: (context) => toldTo(context, ['http'], BODY_IS_ITS_FIRST_PIECE),
    },
    {
      fault: 'a RESP argument is taken one byte before its end',
      run: (context) => toldTo(context, ['resp'], ARGUMENT_ONE_BYTE_EARLY),
    },
  ],
}
