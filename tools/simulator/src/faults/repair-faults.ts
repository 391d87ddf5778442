/** What may go wrong where members bring each other what they missed. */
import { inCore } from './edits.ts'
import type { Fault } from './fault.ts'

export const REPAIR_FAULTS: readonly Fault[] = [
  {
    name: 'stopped-by-a-promise',
    what: 'what a promise refuses is not brought by a round',
    planted: inCore('handing-over', [
      [
        'else this.#coordinator.spreading.spread(this.#key, () => this.#onOver(true))',
        'else this.#onOver(true)',
      ],
    ]),
  },
  {
    name: 'spreads-nothing-chosen',
    scenario: 'nodes/repair-above-a-promise',
    what: 'a round that is to bring something to all accepts nothing where a majority holds it',
    planted: inCore('round', [['this.#isForAll ? this.#isHeldByAll(record) : ', '']]),
  },
  {
    name: 'hints-untold',
    scenario: 'nodes/partition-heals',
    what: 'what a member missed is told to nobody',
    planted: inCore('coordinator', [
      ['if (!holds || member === self) return', 'if (!holds || member >= 0 || member === self) return'],
    ]),
  },
  {
    name: 'below-a-floor-offered',
    scenario: 'nodes/below-a-floor',
    what: 'what another may have released is offered to it, and no round asks what is true',
    planted: inCore('comparison', [
      [
        '} else if (floor !== undefined && !isAbove(ballot, floor.upTo)) this',
        '} else if (floor === null) this',
      ],
      ['const stays = floor !== undefined &&', 'const stays = floor === null &&'],
      [
        "import { absentAt, type HeldRecord, isAbove, isBelow } from './record.ts'",
        "import { absentAt, type HeldRecord, isAbove, isBelow } from './record.ts'\n",
      ],
    ]),
  },
  {
    name: 'settles-one-way',
    scenario: 'nodes/below-a-floor',
    what: 'what one has released, and the other not, is settled by one of them alone',
    planted: inCore('comparison', [
      ['if (stays && !ours.has(entry.key.id) &&', 'if (stays && ours.size < 0 &&'],
    ]),
  },
]
