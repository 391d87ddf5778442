/**
 * Row 25: three real members, each a region of its own, 40 ms and a lossy network apart (a stretch of bytes
 * that is held for a while: TCP sends what was lost again). Writes wait for no other region; one that was cut
 * off under 1,000 writes a second, its own among them, has everything within ten seconds of its return:
 * nothing acknowledged is lost, nothing deleted comes back.
 */
import { setTimeout as sleep } from 'node:timers/promises'
import { between, SILENT, slow, type Trouble } from '../nodes/network.ts'
import { PacedWrites } from '../nodes/paced-writes.ts'
import { isHealed, MEMBERS, ThreeNodes } from '../nodes/three-nodes.ts'
import type { Context, Findings, Profile, Row } from '../row.ts'

const REGIONS = ['africa', 'asia', 'europe']
const AWAY = 2
const PER_SECOND = [600, 300, 100] as const
/** One way. */
const DELAY_MS = 20
/** Between two losses, and how long what was lost is late. */
const LOSS_EVERY_MS = 700
const LOST_FOR_MS = 200
const CALM_MS = 4000
const AWAY_MS: Readonly<Record<Profile, number>> = { smoke: 5000, ci: 60_000, long: 60_000 }
const HEALED_WITHIN_MS = 10_000
const HEAL_TIMEOUT_MS = 120_000
const P99_MS_MAX = 100
/** Of that of one region alone, where the machine is too busy for that. */
const P99_TIMES_MAX = 4

const FAR = between([0], [1, 2], slow(DELAY_MS)).concat(between([1], [2], slow(DELAY_MS)))

class Regions {
  readonly #nodes: ThreeNodes
  readonly #writes: readonly PacedWrites[]
  #around: readonly Trouble[] = FAR

  static async start(context: Context): Promise<Regions> {
    return new Regions(await ThreeNodes.start({ folder: context.folder(), regions: REGIONS }))
  }

  private constructor(nodes: ThreeNodes) {
    this.#nodes = nodes
    this.#writes = MEMBERS.map((member) => {
      return new PacedWrites(REGIONS[member]!, () => nodes.portOf(member), PER_SECOND[member])
    })
  }

  close(): Promise<void> {
    return this.#nodes.close()
  }

  /** Of the writes of the first region, with the others this far away. */
  async calm(isFar: boolean): Promise<{ p50: number; p99: number }> {
    this.#nodes.network.trouble(isFar ? FAR : [])
    await this.#write(CALM_MS)
    return this.#writes[0]!.times()
  }

  async away(forMs: number): Promise<void> {
    // Whatever else holds for it, the first that fits counts.
    this.#around = [...between([AWAY], [0, 1], SILENT), ...FAR]
    await this.#write(forMs)
    this.#around = FAR
  }

  /** How long until nobody remembers anything that another region has missed. */
  async heal(): Promise<number> {
    this.#nodes.network.trouble(FAR)
    return this.#nodes.until('all regions hold the same', HEAL_TIMEOUT_MS, () => isHealed(this.#nodes))
  }

  async problems(): Promise<string[]> {
    const problems: string[] = []
    for (const writes of this.#writes) {
      if (writes.failed > 0) {
        const { failed, count, failures } = writes
        problems.push(`${failed} of ${count} writes were not acknowledged: ${failures}`)
      }
      for (const member of MEMBERS) {
        const { lost, resurrected } = await writes.missingAt(this.#nodes.portOf(member))
        if (lost > 0) problems.push(`${lost} acknowledged writes are not in ${REGIONS[member]}`)
        if (resurrected > 0) problems.push(`${resurrected} deleted keys are in ${REGIONS[member]}`)
      }
    }
    return problems
  }

  get deleted(): number {
    return this.#writes.reduce((sum, { deleted }) => sum + deleted, 0)
  }

  get count(): number {
    return this.#writes.reduce((sum, { count }) => sum + count, 0)
  }

  async #write(forMs: number): Promise<void> {
    let isOver = false
    const losing = this.#lose(() => isOver)
    try {
      await Promise.all(this.#writes.map((writes) => writes.during(forMs)))
    } finally {
      isOver = true
      await losing
    }
  }

  /** Now and then what is on its way between two of them is late. */
  async #lose(isOver: () => boolean): Promise<void> {
    if (this.#around === FAR) return
    for (let n = 0; !isOver(); n++) {
      this.#nodes.network.trouble([
        ...between([0], [1], n % 2 === 0 ? SILENT : slow(DELAY_MS)),
        ...this.#around,
      ])
      await sleep(n % 2 === 0 ? LOST_FOR_MS : LOSS_EVERY_MS)
    }
    this.#nodes.network.trouble(this.#around)
  }
}

async function run(context: Context, cases: number): Promise<Findings> {
  const failures: string[] = []
  const measured: string[] = []
  for (let n = 0; n < cases; n++) {
    const regions = await Regions.start(context)
    try {
      const near = await regions.calm(false)
      const far = await regions.calm(true)
      if (far.p99 > Math.max(P99_MS_MAX, near.p99 * P99_TIMES_MAX))
        failures.push(`writes take ${far.p99.toFixed(0)} ms (p99) beside far regions`)
      await regions.away(AWAY_MS[context.profile])
      const ms = await regions.heal()
      if (ms > HEALED_WITHIN_MS)
        failures.push(`a region that was away had everything after ${Math.round(ms)} ms`)
      failures.push(...(await regions.problems()))
      const of = (times: { p50: number; p99: number }) =>
        `p50 ${times.p50.toFixed(1)}, p99 ${times.p99.toFixed(1)} ms`
      measured.push(
        `${regions.count} writes, ${regions.deleted} deletes; ` +
          `beside near regions ${of(near)}, far ${of(far)}; healed in ${Math.round(ms)} ms`,
      )
    } finally {
      await regions.close()
    }
    context.progress(n + 1, cases)
  }
  return { n: cases, failures, measured: measured.join('; ') }
}

/** Before it is back. */
async function judgeTooEarly(context: Context): Promise<Findings> {
  const regions = await Regions.start(context)
  try {
    await regions.away(CALM_MS)
    return { n: 1, failures: (await regions.problems()).slice(0, 1) }
  } finally {
    await regions.close()
  }
}

export const regionsRow: Row = {
  number: 25,
  claim: 'real regions 40 ms apart: writes wait for none; one away for a minute heals in 10 s, nothing lost',
  cases: { smoke: 0, ci: 1, long: 5 },
  run,
  controls: [{ fault: 'a region that is not back yet', run: judgeTooEarly }],
}
