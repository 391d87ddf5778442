/**
 * Row 12: thousands of connections that say nothing, held by a second process. What each takes of the node's
 * memory, and whether those who do speak notice: a twin node without the idle ones does the same work in
 * alternate slices, so that what the load itself makes the process grow by, and what the machine does
 * besides, is in both.
 */
import { type PlantedFault, plantedNode } from '../planted-source.ts'
import type { Context, Findings, Obstacle, Profile, Row } from '../row.ts'
import { Crowd, type Latency } from '../wire/crowd.ts'
import { descriptorObstacle } from '../wire/descriptors.ts'
import { NODE_MAIN, NodeProgram } from '../wire/node-program.ts'
import type { Form } from '../wire/requests.ts'

const BYTES_EACH_MAX = 8 * 1024
const ACTIVE = 50
const WARM_MS = 1000

interface Measured {
  /** Slices of each of the two. */
  slices: number
  sliceMs: number
  /** The p99 may be so many times that of the twin. Few short slices show only what is plainly wrong. */
  ratioMax: number
}

const MEASURED: Readonly<Record<Profile, Measured>> = {
  smoke: { slices: 4, sliceMs: 200, ratioMax: 8 },
  ci: { slices: 15, sliceMs: 500, ratioMax: 1.2 },
  long: { slices: 60, sliceMs: 2000, ratioMax: 1.2 },
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
]

class Twins {
  readonly #idle = new Crowd()
  readonly #active = new Crowd()
  readonly #count: number
  readonly #kind: Kind

  constructor(kind: Kind, count: number) {
    this.#kind = kind
    this.#count = count
  }

  async run(context: Context, main: string) {
    const start = () =>
      NodeProgram.start({ directory: context.folder(), words: ['-durability', 'memory'], main })
    const [crowded, lonely] = await Promise.all([start(), start()])
    try {
      return await this.#compare(crowded, lonely, MEASURED[context.profile])
    } finally {
      this.#idle.end()
      this.#active.end()
      await Promise.all([crowded.stop(), lonely.stop()])
    }
  }

  async #compare(crowded: NodeProgram, lonely: NodeProgram, { slices, sliceMs }: Measured) {
    for (const { port } of [crowded, lonely]) await this.#slice(port, WARM_MS)
    const crowdedBefore = crowded.residentBytes
    const lonelyBefore = lonely.residentBytes
    const { form, isSilent } = this.#kind
    const opened = await this.#idle.open(crowded.port, form, this.#count, isSilent)
    const p99 = { crowded: [] as number[], lonely: [] as number[] }
    let failed = 0
    for (let slice = 0; slice < slices; slice++) {
      const one = await this.#slice(crowded.port, sliceMs)
      const other = await this.#slice(lonely.port, sliceMs)
      p99.crowded.push(one.p99)
      p99.lonely.push(other.p99)
      failed += one.failed + other.failed
    }
    const grown = crowded.residentBytes - crowdedBefore - (lonely.residentBytes - lonelyBefore)
    return {
      open: Math.min(opened, await this.#idle.count()),
      bytesEach: grown / this.#count,
      p99: median(p99.crowded),
      p99Alone: median(p99.lonely),
      failed,
    }
  }

  #slice(port: number, ms: number): Promise<Latency> {
    return this.#active.measure(port, this.#kind.form, ACTIVE, ms)
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
  main = NODE_MAIN,
): Promise<Findings> {
  const failures: string[] = []
  const measured: string[] = []
  const { ratioMax } = MEASURED[context.profile]
  let n = 0
  for (const kind of kinds) {
    const { open, bytesEach, p99, p99Alone, failed } = await new Twins(kind, count).run(context, main)
    n += open
    context.progress(n, count * kinds.length)
    const kilobytes = (bytesEach / 1024).toFixed(1)
    const times = p99 / p99Alone
    measured.push(
      `${open} that ${kind.name}: ${kilobytes} KB each, p99 ${p99.toFixed(2)} ms, ` +
        `${p99Alone.toFixed(2)} without them (${times.toFixed(2)}×)`,
    )
    if (open < count) failures.push(`${kind.name}: only ${open} of ${count} are open`)
    if (failed > 0) failures.push(`${kind.name}: ${failed} requests of the active failed`)
    if (bytesEach > BYTES_EACH_MAX) failures.push(`${kind.name}: ${kilobytes} KB each`)
    if (times > ratioMax)
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

/** A sweep over very many takes most of the time there is. */
const BUSY_SWEEP: PlantedFault = {
  file: 'node/src/door/main-door.ts',
  edits: [
    [
      '  sweep(): void {',
      'readonly busy = setInterval(() => {\n' +
        'if (this.#binary.size < 2000) return\n' +
        'for (const end = Date.now() + 400; Date.now() < end; ) this.sweep()\n' +
        '}, 405)\n  sweep(): void {',
    ],
  ],
}

const CONTROL_CONNECTIONS = 2_000

export const idleConnectionsRow: Row = {
  number: 12,
  claim: 'idle connections take at most 8 KB each, and the p99 of 50 active ones stays within 1.2 times',
  cases: { smoke: 2_000, ci: 10_000, long: 16_000 },
  obstacle: (): Obstacle | null => descriptorObstacle(CONTROL_CONNECTIONS + 200),
  run: (context, cases) => hold(context, cases),
  controls: [
    {
      fault: 'a buffer of 16 KiB for each connection',
      run: (context) =>
        hold(context, CONTROL_CONNECTIONS, [KINDS[1]!], plantedNode(BUFFER_EACH, context.folder())),
    },
    {
      fault: 'a sweep that takes its time where there are very many connections',
      run: (context) =>
        hold(context, CONTROL_CONNECTIONS, [KINDS[2]!], plantedNode(BUSY_SWEEP, context.folder())),
    },
  ],
}
