/**
 * Row 13: clients that ask for large values and read nothing, and clients that send a byte of their request
 * now and then. The node keeps little for them, others go on being served, and each is cut at its deadline.
 */
import { FRAME_FLAG, FRAME_OPCODE } from '@minivault/protocol'
import { type PlantedFault, plantedNode } from '../planted-source.ts'
import type { Context, Findings, Profile, Row } from '../row.ts'
import { Bystander } from '../wire/bystander.ts'
import { Crowd } from '../wire/crowd.ts'
import { descriptorObstacle } from '../wire/descriptors.ts'
import { NODE_MAIN, NodeProgram } from '../wire/node-program.ts'
import {
  DOCUMENTED,
  documentedRequest,
  type Form,
  frameRequest,
  getRequest,
  setRequest,
} from '../wire/requests.ts'
import { WireClient } from '../wire/wire-client.ts'

const MEBIBYTE = 1024 * 1024
/** FRAME_TIMEOUT_MS and WRITE_TIMEOUT_MS of the node. */
const DEADLINE_MS = 30_000
/** Time of the sweep and of a busy machine. */
const LATE_MS = 8_000
/** Deadlines pass so many times as fast in the short profile and in the controls. */
const HURRY = 10
const VALUE_BYTES = [48 * 1024, MEBIBYTE, 8 * MEBIBYTE]
/** How many of each. The kernel alone may take 37 MB of them for a connection. */
const ASKED = [1200, 40, 40]
const DRIP_EVERY_MS = 300
/** Growth of the node while all of them are there. */
const GROWN_BYTES_MAX = 160 * MEBIBYTE
/** What a bystander may wait: the 99th of a hundred, in milliseconds. */
const P99_MS_MAX: Readonly<Record<Profile, number>> = { smoke: 250, ci: 50, long: 50 }

interface Slow {
  name: string
  form: Form
  share: number
  begin(crowd: Crowd): Promise<void>
}

const keyOf = (bytes: number) => Buffer.from(`large ${bytes}`)

/** Asks for more than any buffer holds, and takes nothing of it. */
function deaf(form: Form): Slow {
  return {
    name: `reads nothing (${form})`,
    form,
    share: 0.5,
    async begin(crowd) {
      await crowd.deaf()
      const all = VALUE_BYTES.flatMap((bytes, kind) =>
        Array.from({ length: ASKED[kind]! }, (_, index) => getRequest(form, keyOf(bytes), index)),
      )
      await crowd.say(Buffer.concat(all))
    },
  }
}

function dripping(name: string, form: Form, share: number, request: Buffer): Slow {
  return { name: `${name} (${form})`, form, share, begin: (crowd) => crowd.drip(request, DRIP_EVERY_MS) }
}

/** A whole piece of a value, and then nothing. */
function pausing(share: number): Slow {
  const chunk = frameRequest({
    opcode: FRAME_OPCODE.set,
    key: Buffer.from('chunked'),
    value: Buffer.alloc(2000),
    fill: (request) => {
      request.flags = FRAME_FLAG.chunk | FRAME_FLAG.more
      request.totalBytes = MEBIBYTE
    },
  })
  return { name: 'sends one chunk (frame)', form: 'frame', share, begin: (crowd) => crowd.say(chunk) }
}

const value = Buffer.alloc(20_000)
const READERS = [deaf('documented'), deaf('frame')]
const SENDERS = [
  dripping(
    'sends a byte now and then',
    'documented',
    0.4,
    setRequest('documented', Buffer.from('slow'), value),
  ),
  dripping('sends a byte now and then', 'frame', 0.4, setRequest('frame', Buffer.from('slow'), value)),
  pausing(0.2),
]

async function fill(port: number): Promise<void> {
  const client = await WireClient.connect({ port, form: 'documented' })
  for (const bytes of VALUE_BYTES) {
    await client.ask(setRequest('documented', keyOf(bytes), Buffer.alloc(bytes, 'v')))
  }
  client.close()
}

/** How many connections the node says it has. */
async function connectionsOf(client: WireClient): Promise<number> {
  const { value: json } = await client.ask(documentedRequest({ opcode: DOCUMENTED.health }))
  return (JSON.parse(json.toString()) as { connections: number }).connections
}

interface Besieged {
  node: NodeProgram
  slow: readonly Slow[]
  count: number
  deadlineMs: number
  lateMs: number
}

/** Resolves when all are cut, or their time is over. */
async function wait({ node, slow, count, deadlineMs, lateMs }: Besieged) {
  const watcher = await WireClient.connect({ port: node.port, form: 'documented' })
  const before = await connectionsOf(watcher)
  const crowds: Crowd[] = []
  let opened = 0
  try {
    for (const one of slow) {
      const crowd = new Crowd()
      crowds.push(crowd)
      opened += await crowd.open(node.port, one.form, Math.round(count * one.share))
    }
    for (const [index, one] of slow.entries()) await one.begin(crowds[index]!)
    const began = performance.now()
    let left = opened
    let early = 0
    while (left > 0 && performance.now() - began < deadlineMs + lateMs) {
      await new Promise((resolve) => setTimeout(resolve, 100))
      left = (await connectionsOf(watcher)) - before
      if (performance.now() - began < deadlineMs * 0.8) early = opened - left
    }
    return { opened, early, left, seconds: (performance.now() - began) / 1000 }
  } finally {
    watcher.close()
    for (const crowd of crowds) crowd.end()
  }
}

interface Settings {
  readers: number
  senders: number
  hurry: number | undefined
}

async function endure(
  context: Context,
  { readers, senders, hurry }: Settings,
  main = NODE_MAIN,
): Promise<Findings> {
  const failures: string[] = []
  const measured: string[] = []
  let n = 0
  const deadlineMs = DEADLINE_MS / (hurry ?? 1)
  const groups = [
    { name: 'readers', slow: READERS, count: readers },
    { name: 'senders', slow: SENDERS, count: senders },
  ].filter(({ count }) => count > 0)
  const words = ['-durability', 'memory']
  const node = await NodeProgram.start({
    directory: context.folder(),
    words,
    main,
    ...(hurry === undefined ? {} : { hurry }),
  })
  const bystander = await Bystander.at(node.port)
  try {
    await fill(node.port)
    for (const { name, slow, count } of groups) {
      const before = node.residentBytes
      node.forgetPeak()
      const besieged = { node, slow, count, deadlineMs, lateMs: LATE_MS }
      const { result, suffered } = await bystander.during(() => wait(besieged))
      const { opened, early, left, seconds } = result
      const grown = node.peakBytes - before
      n += opened
      context.progress(n, readers + senders)
      measured.push(
        `${opened} slow ${name}: all cut after ${seconds.toFixed(1)} s, ` +
          `${(grown / MEBIBYTE).toFixed(0)} MiB, ` +
          `others' p99 ${suffered.p99.toFixed(1)} ms`,
      )
      if (left > 0)
        failures.push(`${left} of ${opened} ${name} are still there after ${seconds.toFixed(0)} s`)
      if (early > 0) failures.push(`${early} of ${opened} ${name} were cut before their time`)
      if (grown > GROWN_BYTES_MAX) failures.push(`${name}: ${(grown / MEBIBYTE).toFixed(0)} MiB more`)
      if (suffered.failed > 0) failures.push(`${name}: ${suffered.failed} requests of others failed`)
      if (suffered.p99 > P99_MS_MAX[context.profile])
        failures.push(`${name}: others' p99 is ${suffered.p99.toFixed(0)} ms`)
    }
    if (node.isEnded) failures.push(`the node ended: ${node.said}`)
  } finally {
    bystander.end()
    await node.stop()
  }
  return { n, failures, measured: measured.join('; ') }
}

const LIMITS = 'node/src/limits.ts'

const PATIENT: PlantedFault = {
  file: LIMITS,
  edits: [['FRAME_TIMEOUT_MS = 30_000', 'FRAME_TIMEOUT_MS = 30_000_000']],
}

const GENEROUS: PlantedFault = {
  file: LIMITS,
  edits: [
    ['OUTPUT_HIGH_WATER_BYTES = 1024 * 1024', 'OUTPUT_HIGH_WATER_BYTES = 1e12'],
    ['UNSENT_BYTES_MAX = 256 * 1024 * 1024', 'UNSENT_BYTES_MAX = 1e12'],
  ],
}

export const slowClientsRow: Row = {
  number: 13,
  claim: 'slow readers and slow senders: memory bounded, others unharmed, cut at the deadline',
  cases: { smoke: 220, ci: 1_050, long: 5_100 },
  obstacle: () => descriptorObstacle(1200),
  run(context, cases) {
    const readers = context.profile === 'smoke' ? 20 : context.profile === 'ci' ? 50 : 100
    const hurry = context.profile === 'smoke' ? HURRY : undefined
    return endure(context, { readers, senders: cases - readers, hurry })
  },
  controls: [
    {
      fault: 'a request may take as long as it likes',
      run: (context) =>
        endure(context, { readers: 0, senders: 100, hurry: HURRY }, plantedNode(PATIENT, context.folder())),
    },
    {
      fault: 'replies are kept for those who do not read them',
      run: (context) =>
        endure(context, { readers: 20, senders: 0, hurry: HURRY }, plantedNode(GENEROUS, context.folder())),
    },
  ],
}
