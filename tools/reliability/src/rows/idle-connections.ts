/**
 * Row 12: thousands of connections that say nothing, held by a second process. What each takes of the node's
 * memory, and whether those who do speak notice: by the processor time of their requests, which neighbours on
 * the machine do not change, and, where there is time for it, by their p99. For that a twin node without the
 * idle ones does the same work in alternate slices, so that what the machine does besides is in both.
 */
import { type PlantedFault, plantedNode } from '../planted-source.ts'
import type { Context, Findings, Obstacle, Profile, Row } from '../row.ts'
import { Crowd } from '../wire/crowd.ts'
import { descriptorObstacle } from '../wire/descriptors.ts'
import { NodeProgram } from '../wire/node-program.ts'
import type { Form } from '../wire/requests.ts'

const BYTES_EACH_MAX = 8 * 1024
/** Of those that `node:http` serves: its socket, its parser and what they hold. */
const HTTP_BYTES_EACH_MAX = 12 * 1024
/**
 * What the heap may grow by besides, by garbage that nobody has collected yet: little beside ten thousand
 * connections, much beside those of the short profile.
 */
const GARBAGE_BYTES_MAX: Readonly<Record<Profile, number>> = { smoke: 12 * 1024 * 1024, ci: 0, long: 0 }
const ACTIVE = 50
/** A request may take so many times the processor time that it took without the idle ones. */
const CPU_RATIO_MAX = 2

interface Measured {
  warmMs: number
  /** Slices of each of the two. */
  slices: number
  sliceMs: number
  /** The p99 may be so many times that of the twin; null: a run so short says nothing about it. */
  ratioMax: number | null
}

const MEASURED: Readonly<Record<Profile, Measured>> = {
  smoke: { warmMs: 500, slices: 2, sliceMs: 150, ratioMax: null },
  ci: { warmMs: 1000, slices: 15, sliceMs: 500, ratioMax: 1.2 },
  long: { warmMs: 1000, slices: 60, sliceMs: 2000, ratioMax: 1.2 },
}

interface Kind {
  name: string
  form: Form
  isSilent: boolean
}

const KINDS: readonly Kind[] = [
  { name: 'never spoke', form: 'documented', isSilent: true },
  { name: 'spoke the documented form once', form: 'documented', isSilent: false },
  { name: 'spoke frames once', form: 'frame', isSilent: false },
  { name: 'spoke HTTP once', form: 'http', isSilent: false },
]

/** What the active got, over some slices. */
class Served {
  readonly #p99s: number[] = []
  #count = 0
  #cpuMs = 0
  failed = 0

  async slice(active: Crowd, node: NodeProgram, form: Form, ms: number): Promise<void> {
    const before = node.cpuMs
    const { p99, count, failed } = await active.measure(node.port, form, ACTIVE, ms)
    this.#cpuMs += node.cpuMs - before
    this.#count += count
    this.failed += failed
    this.#p99s.push(p99)
  }

  /** Of the median slice, in milliseconds. */
  get p99(): number {
    return median(this.#p99s)
  }

  /** Processor time of a request, in microseconds. */
  get cpuEach(): number {
    return (this.#cpuMs * 1000) / this.#count
  }
}

class Twins {
  readonly #idle = new Crowd()
  readonly #active = new Crowd()
  readonly #count: number
  readonly #kind: Kind

  constructor(kind: Kind, count: number) {
    this.#kind = kind
    this.#count = count
  }

  async run(context: Context, main: string | undefined) {
    const measured = MEASURED[context.profile]
    const start = () =>
      NodeProgram.start({ directory: context.folder(), words: ['-durability', 'memory'], main })
    const nodes: NodeProgram[] = []
    try {
      const starts = measured.ratioMax === null ? [start()] : [start(), start()]
      nodes.push(...(await Promise.all(starts)))
      return await this.#compare(nodes[0]!, nodes[1] ?? null, measured)
    } finally {
      this.#idle.end()
      this.#active.end()
      await Promise.all(nodes.map((node) => node.stop()))
    }
  }

  /** Where there is no twin, it is the same node before the idle ones came. */
  async #compare(crowded: NodeProgram, twin: NodeProgram | null, measured: Measured) {
    const { warmMs, slices, sliceMs } = measured
    const { form, isSilent } = this.#kind
    const [beside, alone, warm] = [new Served(), new Served(), new Served()]
    const slice = (served: Served, node: NodeProgram, ms = sliceMs) =>
      served.slice(this.#active, node, form, ms)
    for (const node of [crowded, twin]) if (node !== null) await slice(warm, node, warmMs)
    for (let one = 0; twin === null && one < slices; one++) await slice(alone, crowded)
    const before = crowded.residentBytes
    const opened = await this.#idle.open(crowded.port, form, this.#count, isSilent)
    const grown = crowded.residentBytes - before
    for (let one = 0; one < slices; one++) {
      await slice(beside, crowded)
      if (twin !== null) await slice(alone, twin)
    }
    const open = Math.min(opened, await this.#idle.count())
    return { open, bytesEach: grown / this.#count, beside, alone }
  }
}

export function median(values: readonly number[]): number {
  const sorted = [...values].sort((a, b) => a - b)
  return sorted[sorted.length >> 1] ?? 0
}

async function hold(
  context: Context,
  count: number,
  kinds: readonly Kind[] = KINDS,
  main?: string,
): Promise<Findings> {
  const failures: string[] = []
  const measured: string[] = []
  const { ratioMax } = MEASURED[context.profile]
  let n = 0
  for (const kind of kinds) {
    const { open, bytesEach, beside, alone } = await new Twins(kind, count).run(context, main)
    n += open
    context.progress(n, count * kinds.length)
    const kilobytes = (bytesEach / 1024).toFixed(1)
    const times = beside.p99 / alone.p99
    const cpuTimes = beside.cpuEach / alone.cpuEach
    const failed = beside.failed + alone.failed
    measured.push(
      `${open} that ${kind.name}: ${kilobytes} KB each, ` +
        `${beside.cpuEach.toFixed(0)} µs of processor a request, ${alone.cpuEach.toFixed(0)} without them, ` +
        `p99 ${beside.p99.toFixed(2)} ms, ${alone.p99.toFixed(2)} without them (${times.toFixed(2)}×)`,
    )
    if (open < count) failures.push(`${kind.name}: only ${open} of ${count} are open`)
    if (failed > 0) failures.push(`${kind.name}: ${failed} requests of the active failed`)
    const bytesMax = kind.form === 'http' ? HTTP_BYTES_EACH_MAX : BYTES_EACH_MAX
    if (bytesEach > bytesMax + GARBAGE_BYTES_MAX[context.profile] / count)
      failures.push(`${kind.name}: ${kilobytes} KB each`)
    if (cpuTimes > CPU_RATIO_MAX)
      failures.push(`${kind.name}: a request takes ${cpuTimes.toFixed(1)} times the processor time`)
    if (ratioMax !== null && times > ratioMax)
      failures.push(`${kind.name}: the p99 is ${times.toFixed(2)} times that without them`)
  }
  return { n, wanted: count * kinds.length, failures, measured: measured.join('; ') }
}

/** Every session brings its buffer with it. */
const BUFFER_EACH: PlantedFault = {
  file: 'node/src/door/documented-session.ts',
  edits: [
    [
      'readonly #answer = new Answer()',
      'readonly #answer = new Answer()\n  readonly input = Buffer.alloc(16384, 1)',
    ],
  ],
}

/** Whatever comes on one connection, all of them are looked at: work that grows with their number. */
const LOOKS_AT_ALL: PlantedFault = {
  file: 'node/src/door/connection.ts',
  edits: [
    [
      'export class Connection implements',
      'const everyone = new Set<Connection>()\nexport class Connection implements',
    ],
    ['    this.socket = socket\n', '    this.socket = socket\n    everyone.add(this)\n'],
    [
      '    this.#reading = true\n    const at =',
      'let closed = 0\nfor (let times = 0; times < 10; times++)\n' +
        'for (const one of everyone) if (one.isClosed) closed++\n' +
        'if (closed < 0) return\n    this.#reading = true\n    const at =',
    ],
  ],
}

const CONTROL_CONNECTIONS = 2_000

export const idleConnectionsRow: Row = {
  number: 12,
  claim: 'idle connections take at most 8 KB each (HTTP: 12), and 50 active are served as without them',
  cases: { smoke: 2_000, ci: 10_000, long: 16_000 },
  obstacle: (): Obstacle | null => descriptorObstacle(CONTROL_CONNECTIONS + 200),
  run: (context, cases) => hold(context, cases),
  controls: [
    {
      fault: 'a buffer of 16 KiB for each connection',
      run: async (context) =>
        hold(context, CONTROL_CONNECTIONS, [KINDS[1]!], await plantedNode(BUFFER_EACH, context.folder())),
    },
    {
      fault: 'every read looks at all connections',
      run: async (context) =>
        hold(context, CONTROL_CONNECTIONS, [KINDS[2]!], await plantedNode(LOOKS_AT_ALL, context.folder())),
    },
  ],
}
