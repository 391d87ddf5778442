/** What may go wrong when one layout follows another. */
import { inCore } from './edits.ts'
import type { Fault } from './fault.ts'

export const LAYOUT_FAULTS: readonly Fault[] = [
  {
    name: 'old-layout-taken',
    scenario: 'layouts/late-write-of-the-old-layout',
    what: 'questions by an old layout are answered',
    planted: inCore(
      'node-core',
      [['return epoch < this.#parts.placement.epoch', 'return epoch < 0']],
      inCore('coordinator', [['reply.votes && reply.epoch === exchange.epoch', 'reply.votes']]),
    ),
  },
  {
    name: 'joint-phase-by-new',
    scenario: 'layouts/both-majorities',
    what: 'while keys move, a majority of the new replicas is enough',
    planted: inCore('electorate', [['[setOf(members), setOf(next)]', '[setOf(next)]']]),
  },
  {
    name: 'arriving-votes',
    scenario: 'layouts/fourth-member-arrives',
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
    scenario: 'layouts/dead-member-is-replaced',
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
    scenario: 'layouts/both-majorities',
    what: 'while keys move, a majority of old and new replicas together is enough',
    planted: inCore('electorate', [['[setOf(members), setOf(next)]', '[setOf(all)]']]),
  },
  {
    name: 'joint-phase-by-old',
    scenario: 'layouts/both-majorities',
    what: 'while keys move, a majority of the old replicas is enough',
    planted: inCore('electorate', [['[setOf(members), setOf(next)]', '[setOf(members)]']]),
  },
  {
    name: 'layout-not-durable',
    scenario: 'layouts/two-proposals',
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
    scenario: 'layouts/proposer-dies',
    what: 'questions by a layout that is not known are answered',
    planted: inCore('layout-change', [
      ['return !NEEDS_THE_LAYOUT.includes(kind)', 'return NEEDS_THE_LAYOUT.length > 0 || kind > 0'],
    ]),
  },
  {
    name: 'layout-not-decided',
    scenario: 'layouts/two-proposals',
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
    scenario: 'layouts/proposer-dies',
    what: 'nobody looks whether a layout was decided by somebody who is gone',
    planted: inCore('layout-change', [
      ['if (!isNews || this.#isAsking) return', 'if (isNews || !this.#isAsking) return'],
    ]),
  },
  {
    name: 'ready-before-vote',
    scenario: 'layouts/fourth-member-arrives',
    what: 'a new replica says that it is ready before it votes',
    planted: inCore('layout-change', [
      ['!this.#awaitedOfUs.some((partition) => rejoining.isWaiting(partition))', 'rejoining !== null'],
    ]),
  },
  {
    name: 'settles-without-one',
    scenario: 'layouts/new-member-never-comes',
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
    scenario: 'layouts/heard-who-votes',
    what: 'a new replica hears old ones that have no vote',
    planted: inCore('rejoining', [
      [
        'return before.votes[index]! && after.votes[index]!',
        'return before.votes[index]! === before.votes[index]!',
      ],
    ]),
  },
  {
    name: 'arriving-hears-two-lives',
    scenario: 'layouts/heard-in-one-life',
    what: 'a new replica does not see that an old one lost what it was about to tell',
    planted: inCore('rejoining', [
      [
        'const isOther = lifeIn(before.lives, member) !==',
        'const isOther = 0 * lifeIn(before.lives, member) >',
      ],
    ]),
  },
  {
    name: 'copies-after-the-vote',
    scenario: 'layouts/copied-too-late',
    what: 'a new replica copies what the last of the old ones holds, when it votes already',
    planted: inCore('rejoining', [
      ['isArriving(key.partition) ? repair.copy', 'isArriving(key.partition) || true ? repair.copy'],
    ]),
  },
  {
    name: 'arrives-without-promise',
    scenario: 'layouts/promises-of-an-old-layout',
    what: 'a new replica takes what lies below the fences of the old ones',
    planted: inCore('rejoining', [
      ['if (adoptsPromise) marks', 'if (adoptsPromise && membership !== MEMBERSHIP.arriving) marks'],
    ]),
  },
  {
    name: 'introduced-too-early',
    scenario: 'layouts/heard-too-early',
    what: 'an old replica that has not written the layout down is heard by a new one',
    planted: inCore(
      'repair-answers',
      [['if (epoch > placement.epoch) return', 'if (epoch < 0 && placement) return']],
      inCore('layout-change', [['  MESSAGE.introduce,\n', '']]),
    ),
  },
  {
    name: 'missed-layout-unseen',
    scenario: 'layouts/layout-missed',
    what: 'a replica that a layout left out and the next one takes back goes on as before',
    planted: inCore('layouts', [
      ['const held = isNext && holds', 'const held = (isNext || !isNext) && holds'],
    ]),
  },
  {
    name: 'shrinks-unheard',
    scenario: 'layouts/fewer-replicas',
    what: 'of five replicas three go on without hearing the other two',
    planted: inCore('layout-change', [['return after.length < before.length', 'return after.length < 0']]),
  },
  {
    name: 'joint-phase-forgets-nothing',
    scenario: 'layouts/chosen-by-the-old-majority',
    what: 'while keys move, what one old replica of two held was certainly not chosen',
    planted: inCore('round', [
      ['const isForgotten = electorate.isJoint || this', 'const isForgotten = this'],
    ]),
  },
  {
    name: 'accepts-in-another-phase',
    scenario: 'layouts/promises-of-an-old-layout',
    what: 'a round is promised to in one phase, and accepted in another (and promises are left behind)',
    planted: inCore(
      'coordinator',
      [
        [
          'if (exchange.epoch !== this.#parts.placement.epoch) return null',
          `const { placement } = this.#parts
    const { epoch } = placement
    if (exchange.epoch !== epoch) return this.#exchanges.open(placement.electorateOf(0), asker, epoch)`,
        ],
      ],
      inCore('rejoining', [
        ['if (adoptsPromise) marks', 'if (adoptsPromise && membership !== MEMBERSHIP.arriving) marks'],
      ]),
    ),
  },
  {
    name: 'leaves-at-once',
    scenario: 'layouts/written-at-the-leaver-alone',
    what: 'who loses a partition drops it at once',
    planted: inCore('leaving', [
      [
        'if (behind.length > 0 || this.#comparing.has(partition)) continue\n',
        'if (this.#comparing.has(partition)) continue\n',
      ],
      [
        'const member = layouts.electorateOf(partition).members.find((one) => !has.has(one))',
        'const member = [0].find((one) => has.size < 0 && one >= 0)',
      ],
    ]),
  },
  {
    name: 'stays-without-promise',
    scenario: 'layouts/promise-of-those-that-go',
    what: 'of five replicas three stay, and do not promise what the other two have promised',
    planted: inCore('rejoining', [
      ['if (adoptsPromise) marks', 'if (adoptsPromise && membership !== MEMBERSHIP.voting) marks'],
    ]),
  },
  {
    name: 'lost-disk-arrives',
    scenario: 'layouts/lost-disk-learns-the-layout',
    what: 'a lost disk that learns of a layout hears those alone that hold the partition until then',
    planted: inCore('rejoining', [
      ['if (isForgetful) groups.push', 'if (isForgetful && partition < 0) groups.push'],
    ]),
  },
  {
    name: 'dropped-is-held',
    keptPlan: 'held-before-it-was-dropped',
    what: 'what a replica held before it dropped the partition is held when it is back',
    planted: inCore('replica', [['    this.beginIn(partition, this.#begunAt.get(partition) ?? ZERO)\n', '']]),
  },
  {
    name: 'waits-for-votes',
    scenario: 'apart/all-have-missed-a-layout',
    what: 'old replicas that have all missed a layout wait until another one votes',
    planted: inCore('rejoining', [
      ['if (unheard.size === 0) return true', 'if (unheard.size < 0) return true'],
    ]),
  },
]
