/**
 * Row 11: sizes that are announced and not sent, sizes at and above the bounds, and compressed values that
 * grow without measure, at the real node. Each is answered as the protocol says; the node's peak of resident
 * memory stays below a bound, and a bystander goes on being served.
 */
import { type PlantedFault, plantedNode } from '../planted-source.ts'
import type { Context, Findings, Profile, Row } from '../row.ts'
import { Bystander } from '../wire/bystander.ts'
import { descriptorObstacle } from '../wire/descriptors.ts'
import { NodeProgram } from '../wire/node-program.ts'
import { type Scene, SIZE_SCENES } from '../wire/size-scenes.ts'
import { TEXT_SIZE_SCENES } from '../wire/text-size-scenes.ts'

const SCENES = [...SIZE_SCENES, ...TEXT_SIZE_SCENES]
const MEBIBYTE = 1024 * 1024
/** The built program, runtime and all. */
const PEAK_MEBIBYTES_MAX = 256
/**
 * The longest a bystander may wait, in milliseconds. The short profile shows a node that stands still, and no
 * more: it runs wherever, and a machine that is busy besides adds its own.
 */
const PAUSE_MS_MAX: Readonly<Record<Profile, number>> = { smoke: 1000, ci: 200, long: 200 }

async function besiege(
  context: Context,
  connections: number,
  scenes: readonly Scene[] = SCENES,
  main?: string,
): Promise<Findings> {
  const node = await NodeProgram.start({
    directory: context.folder(),
    words: ['-durability', 'os'],
    main,
  })
  const bystander = await Bystander.at(node.port)
  const failures: string[] = []
  const measured: string[] = []
  let n = 0
  try {
    for (const [index, scene] of scenes.entries()) {
      context.progress(index, scenes.length)
      node.forgetPeak()
      const run = () => scene.run({ port: node.port, connections })
      const { result, suffered } = await bystander.during(run)
      n += result.cases
      for (const failure of result.failures) failures.push(`${scene.name}: ${failure}`)
      const peak = node.peakBytes / MEBIBYTE
      const pause = suffered.max
      measured.push(`${scene.name}: peak ${peak.toFixed(0)} MiB, pause ${pause.toFixed(0)} ms`)
      if (peak > PEAK_MEBIBYTES_MAX) failures.push(`${scene.name}: the peak is ${peak.toFixed(0)} MiB`)
      if (suffered.failed > 0) failures.push(`${scene.name}: ${suffered.failed} others were refused`)
      if (pause > PAUSE_MS_MAX[context.profile])
        failures.push(`${scene.name}: others waited ${pause.toFixed(0)} ms`)
      if (node.isEnded) throw new Error(`${scene.name}: the node ended: ${node.said}`)
    }
  } finally {
    bystander.end()
    await node.stop()
  }
  return { n, failures, measured: measured.join('; ') }
}

function scenesNamed(name: string): readonly Scene[] {
  return SCENES.filter((scene) => scene.name === name)
}

const LARGER_VALUES: PlantedFault = {
  file: 'protocol/src/limits.ts',
  edits: [['VALUE_BYTES_MAX = 100 * 1024 * 1024', 'VALUE_BYTES_MAX = 101 * 1024 * 1024']],
  also: {
    file: 'storage/src/limits.ts',
    edits: [['VALUE_BYTES_MAX = 100 * 1024 * 1024', 'VALUE_BYTES_MAX = 101 * 1024 * 1024']],
  },
}

/** As large as it becomes, and in the turn in which it came. */
const AT_ONCE: PlantedFault = {
  file: 'node/src/door/handed-value.ts',
  edits: [
    ['rawBytesBound(codec as Codec, packed) > ', '0 > '],
    ['packed, VALUE_BYTES_MAX)', 'packed, 1e9)'],
  ],
}

/** Memory is taken, and touched, by what a request says that it will have. */
const TRUSTED_SIZES: PlantedFault = {
  file: 'node/src/door/rest.ts',
  edits: [
    ['Math.max(length, Math.min(before.length * 2, needed))', 'needed'],
    ['Buffer.allocUnsafeSlow(room)', 'Buffer.alloc(room, 1)'],
  ],
}

const BEGUN_TEXTS = 'announced 100 MiB over HTTP and RESP and a few bytes of it sent'

const TRUSTED_CONTENT_LENGTH: PlantedFault = {
  file: 'node/src/http/incoming-body.ts',
  edits: [
    [
      'const pieces: Buffer[] = []',
      `const pieces: Buffer[] = []
  const room = Buffer.alloc(Number(request.headers['content-length'] ?? 0), 1)
  request.once('close', () => room.fill(0))`,
    ],
  ],
}

const TRUSTED_ARGUMENT_COUNT: PlantedFault = {
  file: 'protocol/src/resp/resp-request.ts',
  edits: [
    [
      'this.announced = Math.max(0, count)',
      `this.announced = Math.max(0, count)
    this.starts = new Int32Array(Math.max(8, 4 * count)).fill(1)
    this.ends = new Int32Array(Math.max(8, 4 * count)).fill(1)`,
    ],
  ],
}

export const announcedSizesRow: Row = {
  number: 11,
  claim: 'announced 4 GiB, values and keys at their bounds and above, zstd bombs: answered, in 256 MiB',
  cases: { smoke: 100, ci: 1_000, long: 10_000 },
  obstacle: () => descriptorObstacle(1200),
  run: (context, cases) => besiege(context, cases),
  controls: [
    {
      fault: 'values of one MiB more are taken',
      run: async (context) =>
        besiege(
          context,
          10,
          scenesNamed('values at the bound'),
          await plantedNode(LARGER_VALUES, context.folder()),
        ),
    },
    {
      fault: 'decompression without a bound',
      run: async (context) =>
        besiege(context, 8, scenesNamed('bombs'), await plantedNode(AT_ONCE, context.folder())),
    },
    {
      fault: 'memory is taken by the announced size',
      run: async (context) =>
        besiege(
          context,
          10,
          scenesNamed('announced 100 MiB and a few bytes of it sent'),
          await plantedNode(TRUSTED_SIZES, context.folder()),
        ),
    },
    {
      fault: 'memory is taken by the Content-Length',
      run: async (context) =>
        besiege(
          context,
          16,
          scenesNamed(BEGUN_TEXTS),
          await plantedNode(TRUSTED_CONTENT_LENGTH, context.folder()),
        ),
    },
    {
      fault: 'memory is taken by the number of arguments',
      run: async (context) =>
        besiege(
          context,
          48,
          scenesNamed(BEGUN_TEXTS),
          await plantedNode(TRUSTED_ARGUMENT_COUNT, context.folder()),
        ),
    },
  ],
}
