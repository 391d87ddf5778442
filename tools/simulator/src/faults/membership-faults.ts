/** What may go wrong where members forget, come back, change, and where deletes end. */
import { inCore } from './edits.ts'
import type { Fault } from './fault.ts'

/** Members in this state count as if they had forgotten nothing. */
function votingAtOnce(state: 'joining' | 'recovering') {
  return inCore('rejoining', [
    [
      'if (waiting !== undefined && waiting.membership !== MEMBERSHIP.voting) return false',
      `if (waiting !== undefined && waiting.membership !== MEMBERSHIP.voting) {
      return waiting.membership === MEMBERSHIP.${state}
    }`,
    ],
  ])
}

export const MEMBERSHIP_FAULTS: readonly Fault[] = [
  {
    name: 'empty-disk-votes',
    what: 'a member with an empty disk votes at once',
    planted: votingAtOnce('joining'),
  },
  {
    name: 'recovering-votes',
    under: 'forgetting',
    what: 'a member that may have forgotten something votes at once',
    planted: votingAtOnce('recovering'),
  },
  {
    name: 'compared-with-one',
    under: 'forgetting',
    what: 'who comes back compares with one of two others',
    planted: inCore('rejoining', [
      ['if (waiting.left.size <= waiting.spare) this', 'if (waiting.left.size <= 1) this'],
    ]),
  },
  {
    name: 'joins-without-promise',
    scenario: 'joiner-keeps-lost-promises',
    under: 'forgetting',
    what: 'an empty disk does not promise what the lost one may have promised',
    planted: inCore('rejoining', [
      ['if (membership === MEMBERSHIP.joining) marks', 'if (membership > MEMBERSHIP.joining) marks'],
    ]),
  },
  {
    name: 'two-lives',
    scenario: 'answers-of-two-lives',
    under: 'forgetting',
    what: 'answers that a member gave before and after it forgot count together',
    planted: inCore('exchange', [['if (this.#contradicts(member, lives)) {', 'if (member < 0) {']]),
  },
  {
    name: 'copies-count-as-votes',
    under: 'moving',
    what: 'what a member took while it had no vote proves later that it was chosen',
    planted: inCore('rejoining', [['      replica.beginIn(partition, promised)\n', '']]),
  },
  {
    name: 'tombstone-without-floor',
    what: 'nothing stands for a tombstone that was released',
    planted: inCore('replica', [['absentAt((this.#marks.floorOf(key) ?? NO_FLOOR).upTo)', 'absentAt(ZERO)']]),
  },
  {
    name: 'tombstone-with-promise',
    under: 'releasing',
    what: 'a tombstone is released together with a promise above its floor',
    planted: inCore('replica', [['if (isAbove(promised, upTo)) return false\n', '']]),
  },
  {
    name: 'floor-without-fence',
    scenario: 'no-write-below-a-fence',
    under: 'releasing',
    what: 'replicas take what is below a floor that is being raised',
    planted: inCore('marks', [
      [
        'return higher(ofAll, this.#fences.get(numberOf(partition, leaf)) ?? ZERO)',
        'return leaf < 0 ? ZERO : ofAll',
      ],
    ]),
  },
  {
    name: 'released-by-majority',
    under: 'releasing',
    what: 'a floor is raised when a majority holds the same, not all',
    planted: inCore('release', [
      [
        'if (this.#answers !== this.#exchange.electorate.everybody) return',
        'if (!this.#exchange.electorate.isQuorum(this.#answers)) return',
      ],
    ]),
  },
  {
    name: 'old-layout-taken',
    under: 'moving',
    what: 'questions by an old layout are answered',
    scenario: 'late-write-of-the-old-layout',
    planted: inCore(
      'node-core',
      [['return epoch < this.#parts.placement.epoch', 'return epoch < 0']],
      inCore('coordinator', [['reply.votes && reply.epoch === exchange.epoch', 'reply.votes']]),
    ),
  },
  {
    name: 'joint-phase-by-new',
    under: 'moving',
    what: 'while keys move, a majority of the new replicas is enough',
    planted: inCore('electorate', [['[setOf(members), setOf(next)]', '[setOf(next)]']]),
  },
]
