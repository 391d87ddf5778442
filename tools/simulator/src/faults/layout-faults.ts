/** What may go wrong when one layout follows another. */
import { inCore } from './edits.ts'
import type { Fault } from './fault.ts'

export const LAYOUT_FAULTS: readonly Fault[] = [
  {
    name: 'phases-mixed',
    under: 'moving',
    what: 'nobody looks by which layout a question was asked, or answered',
    planted: inCore(
      'node-core',
      [['return epoch < this.#parts.placement.epoch', 'return epoch < 0']],
      inCore('coordinator', [['reply.votes && reply.epoch === exchange.epoch', 'reply.votes']]),
    ),
  },
  {
    name: 'arriving-votes',
    under: 'moving',
    what: 'a new replica votes before it has heard the old ones',
    planted: inCore('rejoining', [
      [
        'if (waiting !== undefined && waiting.membership !== MEMBERSHIP.voting) return false',
        'if (waiting !== undefined && waiting.membership % MEMBERSHIP.arriving !== 0) return false',
      ],
    ]),
  },
  {
    name: 'arriving-hears-one',
    under: 'moving',
    what: 'a new replica hears one of the old ones, not a majority',
    planted: inCore('rejoining', [
      [
        'const majority = Math.floor(current.length / 2) + (isVoting ? 0 : 1)',
        'const majority = isVoting ? 0 : 1',
      ],
    ]),
  },
  {
    name: 'majority-of-union',
    under: 'moving',
    what: 'while keys move, a majority of old and new replicas together is enough',
    planted: inCore('electorate', [['[setOf(members), setOf(next)]', '[setOf(all)]']]),
  },
]
