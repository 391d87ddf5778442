/**
 * Row 17: one of three real members has a clock that is an hour ahead or behind, runs at another speed, or
 * jumps, and clients work on all of them, half of them with clocks that are behind. Nothing is out of order;
 * whatever the bad clock has written can be written at once by the others, also when it is right again.
 */
import { setTimeout as sleep } from 'node:timers/promises'
import { FAULTS } from '@minivault/simulator'
import { Load } from '../nodes/load.ts'
import { MEMBERS, ThreeNodes } from '../nodes/three-nodes.ts'
import { clockObstacle, WrongClock } from '../nodes/wrong-clock.ts'
import { plantedNode } from '../planted-source.ts'
import type { Context, Findings, Profile, Row } from '../row.ts'

interface Clock {
  readonly what: string
  /** One after the other, in equal parts of the time. */
  readonly offsets: readonly string[]
}

const CLOCKS: readonly Clock[] = [
  { what: 'jumps of 30 s', offsets: ['+0', '+30', '-30', '+0'] },
  { what: 'an hour ahead', offsets: ['+3600'] },
  { what: 'an hour behind', offsets: ['-3600'] },
  { what: 'half as fast again', offsets: ['+0 x1.5'] },
]
const WORK_MS: Readonly<Record<Profile, number>> = { smoke: 3500, ci: 8000, long: 60_000 }
/** Of every other client. Ahead it would be refused. */
const CLIENTS_SKEW_MS = -20_000
const WRITTEN_WITHIN_MS = 1000

async function oneClock(context: Context, n: number, main?: string): Promise<string[]> {
  const { what, offsets } = CLOCKS[n % CLOCKS.length]!
  const seed = context.seed + n
  const folder = context.folder()
  const off = n % MEMBERS.length
  const clock = new WrongClock(folder, '+0')
  const environmentOf = (member: number) => (member === off ? clock.environment : {})
  const nodes = await ThreeNodes.start({ folder, environmentOf, main })
  try {
    const load = new Load({ nodes, seed, skewMs: CLIENTS_SKEW_MS })
    await load.during(async () => {
      for (const offset of offsets) {
        clock.set(offset)
        await sleep(WORK_MS[context.profile] / offsets.length)
      }
    })
    const others = MEMBERS.filter((member) => member !== off)
    const late = await load.overwrite(others, WRITTEN_WITHIN_MS)
    clock.setRight()
    await nodes.voting()
    const problems = [...(await load.problems()), ...late]
    return problems.map((problem) => `${what}: ${problem}`)
  } finally {
    await nodes.close()
  }
}

async function run(context: Context, cases: number): Promise<Findings> {
  const failures: string[] = []
  for (let n = 0; n < cases; n++) {
    failures.push(...(await oneClock(context, n)))
    context.progress(n + 1, cases)
  }
  return { n: cases, failures }
}

export const wrongClocksRow: Row = {
  number: 17,
  claim: 'a clock ±1 h off, at another speed, jumping by 30 s: 0 violations, its keys can be written at once',
  cases: { smoke: 0, ci: 4, long: 12 },
  obstacle: clockObstacle,
  run,
  controls: [
    {
      fault: 'members that let clocks decide: what is older than the record is told to be held',
      async run(context) {
        const { planted } = FAULTS.find(({ name }) => name === 'last-write-wins')!
        const main = await plantedNode(planted!, context.folder())
        return { n: 1, failures: await oneClock(context, 0, main) }
      },
    },
  ],
}
