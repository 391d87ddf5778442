/** What may go wrong when one layout follows another. */
import { inCore } from './edits.ts'
import type { Fault } from './fault.ts'

export const LAYOUT_FAULTS: readonly Fault[] = [
  {
    name: 'old-layout-taken',
    under: 'moving',
    what: 'questions by an old layout are answered',
    scenario: 'layouts/late-write-of-the-old-layout',
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
  {
    name: 'joint-phase-by-old',
    under: 'moving',
    what: 'while keys move, a majority of the old replicas is enough',
    planted: inCore('electorate', [['[setOf(members), setOf(next)]', '[setOf(members)]']]),
  },
  {
    name: 'layout-not-durable',
    under: 'moving',
    what: 'a phase is obeyed before it is durable',
    planted: inCore('layout-change', [
      [
        "const position = marks.note({ kind: 'layout', state })",
        "const position = marks.note({ kind: 'layout', state }) * 0",
      ],
    ]),
  },
  {
    name: 'later-layout-answered',
    under: 'moving',
    what: 'questions by a layout that is not known are answered',
    planted: inCore('layout-change', [
      ['return !NEEDS_THE_LAYOUT.includes(kind)', 'return NEEDS_THE_LAYOUT.length > 0 || kind > 0'],
    ]),
  },
  {
    name: 'layout-not-decided',
    under: 'moving',
    what: 'whoever proposes a layout goes by it, whatever is decided',
    planted: inCore('layout-change', [
      [
        'this.#decide(table, next, (decided) => {',
        'this.#adopt(jointState(layouts.state, next))\n    this.#decide(table, next, (decided) => {',
      ],
    ]),
  },
  {
    name: 'decision-dies-with-proposer',
    under: 'moving',
    what: 'nobody looks whether a layout was decided by somebody who is gone',
    planted: inCore('layout-change', [
      ['if (!isNews || this.#isAsking) return', 'if (isNews || !this.#isAsking) return'],
    ]),
  },
  {
    name: 'ready-before-vote',
    under: 'moving',
    what: 'a new replica says that it is ready before it votes',
    planted: inCore('layout-change', [
      [
        'return !after.includes(self) || !rejoining.isWaiting(partition)',
        'return !after.includes(self) || rejoining !== null || partition < 0',
      ],
    ]),
  },
  {
    name: 'settles-without-one',
    under: 'moving',
    what: 'a change is over when most of the new replicas are ready',
    planted: inCore('layout-change', [
      [
        'this.#awaited.every((after) => after.every((member) => this.#ready.has(member)))',
        'this.#awaited.every((after) => after.some((member) => this.#ready.has(member)))',
      ],
    ]),
  },
  {
    name: 'arriving-hears-anybody',
    under: 'moving',
    what: 'a new replica hears old ones that have no vote',
    planted: inCore('rejoining', [
      [
        'return isOneLife && before.votes[index]! && after.votes[index]!',
        'return isOneLife && before.votes[index]! === before.votes[index]!',
      ],
    ]),
  },
  {
    name: 'arriving-hears-two-lives',
    under: 'moving',
    what: 'a new replica does not see that an old one forgot what it was about to tell',
    planted: inCore('rejoining', [
      [
        'const isOneLife = lifeIn(before.lives, member) === lifeIn(after.lives, member)',
        'const isOneLife = lifeIn(before.lives, member) >= 0',
      ],
    ]),
  },
  {
    name: 'arriving-keeps-promises',
    under: 'moving',
    what: 'a new replica refuses what lies below a promise of the time when it held the partition',
    planted: inCore('rejoining', [
      ['isArriving(key.partition) ? repair.copy', 'key.partition < 0 ? repair.copy'],
    ]),
  },
  {
    name: 'arrives-without-promise',
    under: 'moving',
    what: 'a new replica takes what lies below the fences of the old ones',
    planted: inCore('rejoining', [
      ['if (isOwnLost) marks', 'if (isOwnLost && membership !== MEMBERSHIP.arriving) marks'],
    ]),
  },
  {
    name: 'introduced-too-early',
    under: 'moving',
    what: 'an old replica that has not written the layout down is heard by a new one',
    planted: inCore(
      'repair-answers',
      [['if (epoch > placement.epoch) return', 'if (epoch < 0 && placement) return']],
      inCore('layout-change', [['  MESSAGE.introduce,\n', '']]),
    ),
  },
  {
    name: 'missed-layout-unseen',
    under: 'moving',
    what: 'a replica that a layout left out and the next one takes back goes on as before',
    planted: inCore('layouts', [
      ['const held = isNext && holds', 'const held = (isNext || !isNext) && holds'],
    ]),
  },
  {
    name: 'shrinks-unheard',
    under: 'moving',
    what: 'of five replicas three go on without hearing the other two',
    planted: inCore('layout-change', [
      ['return after.length < before.length && before', 'return after.length < 0 && before'],
    ]),
  },
  {
    name: 'new-set-rules-out',
    under: 'moving',
    what: 'while keys move, new replicas that never held a write prove that it was not done',
    planted: inCore('electorate', [
      ['const { mask, spare } = this.#sets[0]!\n', 'const { mask, spare } = this.#sets.at(-1)!\n'],
    ]),
  },
  {
    name: 'joint-phase-forgets-nothing',
    under: 'moving',
    what: 'while keys move, what one old replica of two held was certainly not chosen',
    planted: inCore('round', [
      ['const isForgotten = electorate.isJoint || this', 'const isForgotten = this'],
    ]),
  },
  {
    name: 'accepts-in-another-phase',
    under: 'moving',
    what: 'a round is promised to in one phase, and accepted in another',
    planted: inCore('coordinator', [
      [
        'if (exchange.epoch !== this.#parts.placement.epoch) return null\n    return this.#exchanges.follow(exchange, asker)',
        'const { placement } = this.#parts\n    const isSame = exchange.epoch === placement.epoch\n    if (isSame) return this.#exchanges.follow(exchange, asker)\n    return this.#exchanges.open(placement.electorateOf(0), asker, placement.epoch)',
      ],
    ]),
  },
  {
    name: 'leaves-at-once',
    under: 'moving',
    what: 'who loses a partition drops it at once',
    planted: inCore('leaving', [
      [
        'if (behind.length > 0 || this.#comparing.has(partition)) continue\n',
        'if (this.#comparing.has(partition)) continue\n',
      ],
      [
        'const member = members.find((one) => !has.has(one))',
        'const member = members.find((one) => has.size < 0 && one >= 0)',
      ],
    ]),
  },
]
