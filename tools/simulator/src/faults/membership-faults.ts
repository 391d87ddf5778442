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
    keptPlan: 'compared-with-one',
    what: 'who comes back compares with one of two others',
    planted: inCore('rejoining', [
      ['(member) => left.has(member)).length <= spare', '(member) => left.has(member)).length <= 1'],
    ]),
  },
  {
    name: 'joins-without-promise',
    scenario: 'nodes/joiner-keeps-lost-promises',
    what: 'an empty disk does not promise what the lost one may have promised',
    planted: inCore('rejoining', [
      ['if (adoptsPromise) marks', 'if (adoptsPromise && membership !== MEMBERSHIP.joining) marks'],
    ]),
  },
  {
    name: 'two-lives',
    scenario: 'nodes/answers-of-two-lives',
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
    name: 'promises-without-vote',
    scenario: 'nodes/promise-without-a-vote',
    what: 'a member that has no vote promises',
    planted: inCore('node-core', [
      ['if (!this.votesIn(key.partition)) return', 'if (key.partition < 0) return'],
    ]),
  },
  {
    name: 'life-not-durable',
    scenario: 'nodes/life-and-power-cut',
    what: 'a member says that it has written a new life down before it has',
    planted: inCore('repair-answers', [
      [
        'afterSync(position, () => {\n      const { lives } = marks',
        'afterSync(0, () => {\n      const { lives } = marks',
      ],
    ]),
  },
  {
    name: 'last-life-counts',
    scenario: 'nodes/late-introduction',
    what: 'a late introduction brings an earlier life back',
    planted: inCore('marks', [
      ['if (life <= lifeIn(this.lives, member)) return\n    this', 'if (life < 0) return\n    this'],
    ]),
  },
  {
    name: 'life-begun-once',
    under: 'forgetting',
    what: 'a member does not begin anew when others know a later life of it',
    planted: inCore('rejoining', [['if (known <= this.#life) return', 'if (known >= 0) return']]),
  },
  {
    name: 'lives-not-passed-on',
    scenario: 'nodes/empty-disk-joins',
    what: 'a member does not write down which lives others know of',
    planted: inCore('rejoining', [['    marks.noteLives(lives, self)\n', '    void marks\n']]),
  },
  {
    name: 'recovering-takes-once',
    scenario: 'nodes/answers-of-two-lives',
    what: 'a member that has forgotten something twice begins no second life',
    planted: inCore('rejoining', [
      ['if (began !== MEMBERSHIP.voting) this.#begin', 'if (began === MEMBERSHIP.joining) this.#begin'],
    ]),
  },
]
