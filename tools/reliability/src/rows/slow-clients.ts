/**
 * Row 13: clients that ask for large values and read nothing, and clients that send a byte of their request
 * now and then. The node keeps little for them, others go on being served, and each is cut at its deadline.
 */
import { type PlantedFault, plantedNodeSource } from '../planted-source.ts'
import type { Context, Control, Findings, Profile, Row } from '../row.ts'
import { Bystander } from '../wire/bystander.ts'
import { Crowd } from '../wire/crowd.ts'
import { descriptorObstacle } from '../wire/descriptors.ts'
import { NodeProgram } from '../wire/node-program.ts'
import { DOCUMENTED, documentedRequest, setRequest } from '../wire/requests.ts'
import {
  HEADS,
  HTTP_LARGE_READERS,
  keyOf,
  READERS,
  SENDERS,
  type Slow,
  VALUE_BYTES,
} from '../wire/slow-crowds.ts'
import { WireClient } from '../wire/wire-client.ts'

const MEBIBYTE = 1024 * 1024
/** FRAME_TIMEOUT_MS and WRITE_TIMEOUT_MS of the node, and HTTP_HEADERS_TIMEOUT_MS. */
const DEADLINE_MS = 30_000
const HEAD_DEADLINE_MS = 15_000
/** Time of the sweeps and of a busy machine; a control shows within the second what is not cut. */
const LATE_MS = 8_000
const CONTROL_LATE_MS = 3_000
/** Deadlines pass so many times as fast in the short profile and in the controls. */
const HURRY = 10
/** Growth of the node while all of them are there; and the built program with all that it has. */
const GROWN_BYTES_MAX = 160 * MEBIBYTE
const PEAK_BYTES_MAX = 256 * MEBIBYTE
/** What a bystander may wait: the 99th of a hundred, in milliseconds. */
const P99_MS_MAX: Readonly<Record<Profile, number>> = { smoke: 250, ci: 50, long: 50 }

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
    // They start together.
    crowds.push(...slow.map(() => new Crowd()))
    for (const [index, { form, share }] of slow.entries()) {
      opened += await crowds[index]!.open(node.port, form, Math.round(count * share))
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

interface Group {
  name: string
  slow: readonly Slow[]
  count: number
  deadlineMs: number
}

interface Siege {
  /** Of a copy; needed where it is hurried. */
  main: string | undefined
  groups: readonly Group[]
  hurry: number | undefined
  lateMs: number
  peakMax: number
}

/** What one group did to the node and the others. */
async function besiege(context: Context, node: NodeProgram, bystander: Bystander, one: Group, siege: Siege) {
  const { name, slow, count } = one
  const deadlineMs = one.deadlineMs / (siege.hurry ?? 1)
  const before = node.residentBytes
  node.forgetPeak()
  const besieged = { node, slow, count, deadlineMs, lateMs: siege.lateMs }
  const { result, suffered } = await bystander.during(() => wait(besieged))
  const { opened, early, left, seconds } = result
  const mebibytes = (bytes: number) => `${(bytes / MEBIBYTE).toFixed(0)} MiB`
  const grown = node.peakBytes - before
  const failures: string[] = []
  const failIf = (isWrong: boolean, what: string) => isWrong && failures.push(`${name}: ${what}`)
  failIf(left > 0, `${left} of ${opened} are still there after ${seconds.toFixed(0)} s`)
  failIf(early > 0, `${early} of ${opened} were cut before their time`)
  failIf(grown > GROWN_BYTES_MAX, `${mebibytes(grown)} more`)
  failIf(node.peakBytes > siege.peakMax, `${mebibytes(node.peakBytes)} in all`)
  failIf(suffered.failed > 0, `${suffered.failed} requests of others failed`)
  failIf(suffered.p99 > P99_MS_MAX[context.profile], `others' p99 is ${suffered.p99.toFixed(0)} ms`)
  const measured =
    `${opened} ${name}: all cut after ${seconds.toFixed(1)} s, ${mebibytes(grown)} more, ` +
    `${mebibytes(node.peakBytes)} in all, others' p99 ${suffered.p99.toFixed(1)} ms`
  return { opened, left, grown, failures, measured }
}

/** `judge` says what else is wrong with a group. */
async function endure(
  context: Context,
  siege: Siege,
  judge: (group: { name: string; opened: number; left: number; grown: number }) => void = () => {},
): Promise<Findings> {
  const { main, hurry, groups } = siege
  const findings = { n: 0, failures: [] as string[], measured: [] as string[] }
  const node = await NodeProgram.start({
    directory: context.folder(),
    words: ['-durability', 'memory'],
    main,
    ...(hurry === undefined ? {} : { hurry }),
  })
  const bystander = await Bystander.at(node.port)
  try {
    await fill(node.port)
    for (const group of groups) {
      const { failures, measured, ...seen } = await besiege(context, node, bystander, group, siege)
      findings.n += seen.opened
      findings.failures.push(...failures)
      findings.measured.push(measured)
      judge({ name: group.name, ...seen })
      context.progress(findings.n, findings.n)
    }
    if (node.isEnded) findings.failures.push(`the node ended: ${node.said}`)
  } finally {
    bystander.end()
    await node.stop()
  }
  return { ...findings, measured: findings.measured.join('; ') }
}

const LIMITS = 'node/src/limits.ts'
const HEAD = 'HTTP_HEADERS_TIMEOUT_MS = 15_000'
const REQUEST = 'HTTP_REQUEST_TIMEOUT_MS = 300_000'
const FRAME = 'FRAME_TIMEOUT_MS = 30_000'
const WRITE = 'WRITE_TIMEOUT_MS = 30_000'
const OPERATION = 'OPERATION_TIMEOUT_MS = 30_000'

const without = (...bounds: string[]) =>
  bounds.map((bound) => [`const ${bound}`, `const ${bound.replace(/[\d_]+$/, '1_000_000_000')}`] as const)

/** No fault: `node:http` has a clock of its own, so its bounds are shorter where the others pass faster. */
const HURRIED: readonly (readonly [string, string])[] = [
  [HEAD, HEAD.replace('15_000', `${15_000 / HURRY}`)],
  [REQUEST, REQUEST.replace('300_000', `${300_000 / HURRY}`)],
]

const hurriedNode = (context: Context, edits: PlantedFault['edits'] = []) =>
  plantedNodeSource({ file: LIMITS, edits: [...HURRIED, ...edits] }, context.folder())

const GENEROUS: PlantedFault['edits'] = [
  ['OUTPUT_HIGH_WATER_BYTES = 1024 * 1024', 'OUTPUT_HIGH_WATER_BYTES = 1e12'],
  ['UNSENT_BYTES_MAX = 256 * 1024 * 1024', 'UNSENT_BYTES_MAX = 1e12'],
]

const SLOW = { name: 'that read nothing or send slowly', slow: SENDERS, deadlineMs: DEADLINE_MS }
const SENDING_HEADS = { name: 'that send heads of HTTP slowly', slow: HEADS, deadlineMs: HEAD_DEADLINE_MS }

const QUICK = { hurry: HURRY, lateMs: CONTROL_LATE_MS, peakMax: Number.POSITIVE_INFINITY }

/** Nobody is cut by this fault, over whatever protocol: one that is, and the control has not shown it. */
function keepsAll({ name, opened, left }: { name: string; opened: number; left: number }): void {
  if (left < opened) throw new Error(`${opened - left} of ${opened} ${name} were cut all the same`)
}

const patient: Control = {
  fault: 'a request may take, and replies may be left, for as long as one likes',
  run: (context) => {
    const edits = without(FRAME, WRITE, OPERATION, HEAD, REQUEST)
    const main = plantedNodeSource({ file: LIMITS, edits }, context.folder())
    const all = [...READERS, ...HTTP_LARGE_READERS, ...SENDERS, ...HEADS]
    const groups = [{ ...SLOW, slow: all.map((one) => ({ ...one, share: 1 })), count: 4 }]
    return endure(context, { ...QUICK, main, groups }, keepsAll)
  },
}

/**
 * A node for each protocol: what one has taken is no measure for the next. HTTP is not among them:
 * `node:http` stops reading by itself where replies are not taken.
 */
const generous: Control = {
  fault: 'replies are kept for those who do not read them',
  async run(context) {
    const main = hurriedNode(context, GENEROUS)
    const found = READERS.filter(({ form }) => form !== 'http').map((one) => {
      const groups = [{ ...SLOW, name: one.name, slow: [{ ...one, share: 1 }], count: 6 }]
      return endure(context, { ...QUICK, main, groups }, growsMuch)
    })
    const all = await Promise.all(found)
    return { n: all.reduce((sum, { n }) => sum + n, 0), failures: all.flatMap(({ failures }) => failures) }
  },
}

function growsMuch({ name, grown }: { name: string; grown: number }): void {
  if (grown <= GROWN_BYTES_MAX) throw new Error(`${name}: only ${(grown / MEBIBYTE).toFixed(0)} MiB more`)
}

export const slowClientsRow: Row = {
  number: 13,
  claim: 'slow readers and slow senders: memory bounded, others unharmed, cut at the deadline',
  cases: { smoke: 220, ci: 1_150, long: 5_300 },
  obstacle: () => descriptorObstacle(1200),
  async run(context, cases) {
    const readers = { smoke: 20, ci: 52, long: 100 }[context.profile]
    const heads = { smoke: 20, ci: 50, long: 100 }[context.profile]
    const isHurried = context.profile === 'smoke'
    const count = cases - heads
    const part = (slow: readonly Slow[], some: number) =>
      slow.map((one) => ({ ...one, share: (one.share * some) / count }))
    const slow = [
      ...part([...READERS, ...HTTP_LARGE_READERS], readers),
      ...part(SENDERS, count - 2 * readers),
    ]
    const groups = [
      { ...SLOW, slow, count },
      { ...SENDING_HEADS, count: heads },
    ]
    return endure(context, {
      groups,
      main: isHurried ? hurriedNode(context) : undefined,
      hurry: isHurried ? HURRY : undefined,
      lateMs: LATE_MS,
      peakMax: isHurried ? Number.POSITIVE_INFINITY : PEAK_BYTES_MAX,
    })
  },
  controls: [patient, generous],
}
