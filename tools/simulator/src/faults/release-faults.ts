/** What may go wrong where deletes end. */
import { inCore } from './edits.ts'
import type { Fault } from './fault.ts'

export const RELEASE_FAULTS: readonly Fault[] = [
  {
    name: 'tombstone-without-floor',
    what: 'nothing stands for a tombstone that was released',
    planted: inCore('replica', [['NEVER : absentAt(floor.upTo)', 'NEVER : absentAt(ZERO)']]),
  },
  {
    name: 'tombstone-with-promise',
    scenario: 'replicas/10-tombstone-under-a-promise',
    what: 'a tombstone is released together with a promise above its floor',
    planted: inCore('replica', [['if (isAbove(promised, upTo)) return false\n', '']]),
  },
  {
    name: 'floor-without-fence',
    scenario: 'nodes/no-write-below-a-fence',
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
    name: 'released-above-the-floor',
    under: 'releasing',
    what: 'a tombstone above the floor is released with those below it',
    planted: inCore('replica', [['if (isAbove(record.ballot, upTo)) return false\n', '']]),
  },
  {
    name: 'released-unequal',
    under: 'releasing',
    what: 'a floor is raised though replicas differ below it',
    planted: inCore('release', [
      [
        'areEqual = this.#digests.every((digest) => isSameDigest(digest!, this.#digests[0]!))',
        'areEqual = this.#digests.every((digest) => isSameDigest(digest!, digest!))',
      ],
    ]),
  },
  {
    name: 'fence-not-durable',
    scenario: 'nodes/fence-and-power-cut',
    what: 'a fence is told before it, and what it shows, is durable',
    planted: inCore('repair-answers', [
      [
        'afterSync(position, () => send(from, { kind: MESSAGE.fenced',
        'afterSync(position * 0, () => send(from, { kind: MESSAGE.fenced',
      ],
    ]),
  },
  {
    name: 'at-the-fence-taken',
    scenario: 'nodes/write-at-a-fence',
    what: 'what has the very ballot of a fence is taken',
    planted: inCore('replica', [
      [
        'return !isAbove(ballot, this.#marks.promised(key))',
        'return isBelow(ballot, this.#marks.promised(key))',
      ],
    ]),
  },
  {
    name: 'floors-not-told',
    scenario: 'nodes/release-cut-short',
    what: 'a floor that only some have written down stays with them',
    planted: inCore('repair', [
      [
        'if (votesIn(floor.partition) && marks.isNews(floor)) this',
        'if (votesIn(floor.partition) && marks === null) this',
      ],
    ]),
  },
  {
    name: 'released-and-kept',
    scenario: 'nodes/release-and-crash',
    what: 'what a crash kept from being released stays for ever',
    planted: inCore('node-core', [['    replica.releaseAll()\n', '']]),
  },
  {
    name: 'expired-by-one-clock',
    scenario: 'nodes/expired-is-released',
    what: 'the clock of whoever leads a release says alone what has expired',
    planted: inCore('repair-answers', [
      [' && expiredBeforeMs <= env.wallMs()', ' && (expiredBeforeMs <= env.wallMs() || true)'],
    ]),
  },
  {
    name: 'released-in-another-phase',
    scenario: 'layouts/release-of-the-old-layout',
    what: 'a leaf is released by another layout than the one that it was fenced by',
    planted: inCore('repair-answers', [
      ['if (epoch !== placement.epoch || !votesIn', 'if (epoch > placement.epoch || !votesIn'],
    ]),
  },
  {
    name: 'late-delete-let-go',
    scenario: 'nodes/late-delete-at-a-joiner',
    what: 'a floor of others lets go of a tombstone that came to a member without a vote',
    planted: inCore('replica', [
      ['if (!promiseOfAll.isZero() && !isAbove', 'if (promiseOfAll === null && !isAbove'],
    ]),
  },
  {
    name: 'floor-of-a-later-phase',
    keptPlan: 'floor-of-a-later-phase',
    what: 'a floor is taken over from a layout that is not known yet',
    planted: inCore('repair', [
      ['if (epoch > placement.epoch) return', 'if (epoch > placement.epoch * 99) return'],
    ]),
  },
  {
    name: 'fences-of-two-lives',
    scenario: 'layouts/fences-of-two-lives',
    what: 'what a member fenced before its disk was lost counts with what the others fence now',
    planted: inCore('node-core', [
      ['const lives = reply.kind === MESSAGE.fenced ? reply.lives : undefined', 'const lives = undefined'],
    ]),
  },
]
