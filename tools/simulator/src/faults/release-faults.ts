/** What may go wrong where deletes end. */
import { inCore } from './edits.ts'
import type { Fault } from './fault.ts'

export const RELEASE_FAULTS: readonly Fault[] = [
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
    scenario: 'nodes/no-write-below-a-fence',
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
    under: 'releasing',
    what: 'a fence is told before it, and what it shows, is durable',
    planted: inCore('repair-answers', [
      [
        'afterSync(position, () => send(from, { kind: MESSAGE.fenced',
        'afterSync(position * 0, () => send(from, { kind: MESSAGE.fenced',
      ],
    ]),
  },
  {
    name: 'floor-not-durable',
    under: 'releasing',
    what: 'a floor is shown before it is durable',
    planted: inCore('repair', [
      ['afterSync(marks.write(mark), () => {', 'afterSync(marks.write(mark) * 0, () => {'],
    ]),
  },
  {
    name: 'fenced-without-vote',
    under: 'forgetting',
    what: 'a member that may have forgotten something says that all is equal',
    planted: inCore('repair-answers', [
      [
        'epoch === placement.epoch && votesIn(partition) && expiredBeforeMs',
        'epoch === placement.epoch && (votesIn(partition) || partition >= 0) && expiredBeforeMs',
      ],
    ]),
  },
  {
    name: 'fenced-by-another-layout',
    under: 'moving',
    what: 'a leaf is fenced by members of different layouts',
    planted: inCore('repair-answers', [
      ['return epoch === placement.epoch && votesIn', 'return epoch <= placement.epoch && votesIn'],
    ]),
  },
  {
    name: 'repair-passes-fence',
    under: 'releasing',
    what: 'a repair is taken below a fence',
    planted: inCore('replica', [
      [
        'return !isAbove(ballot, this.#marks.promised(key))',
        'return isBelow(ballot, this.#marks.promised(key)) && key === null',
      ],
    ]),
  },
  {
    name: 'at-the-fence-taken',
    under: 'releasing',
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
    under: 'releasing',
    what: 'a floor that only some have written down stays with them',
    planted: inCore('repair', [
      [
        'if (votesIn(floor.partition) && marks.isNews(floor)) this',
        'if (votesIn(floor.partition) && marks === null) this',
      ],
    ]),
  },
  {
    name: 'floors-without-vote',
    under: 'forgetting',
    what: 'a member that has no vote takes floors over',
    planted: inCore('repair', [
      [
        'if (votesIn(floor.partition) && marks.isNews(floor)) this',
        'if ((votesIn(floor.partition) || true) && marks.isNews(floor)) this',
      ],
    ]),
  },
  {
    name: 'floors-told-without-vote',
    under: 'forgetting',
    what: 'a member that has no vote tells its floors',
    planted: inCore('repair-answers', [
      [
        'return votesIn(partition) ? marks.floorsIn(partition) : []',
        'return votesIn(partition) || true ? marks.floorsIn(partition) : []',
      ],
    ]),
  },
  {
    name: 'released-and-kept',
    under: 'releasing',
    what: 'what a crash kept from being released stays for ever',
    planted: inCore('node-core', [['    replica.releaseAll()\n', '']]),
  },
  {
    name: 'expired-by-one-clock',
    under: 'releasing',
    what: 'the clock of whoever leads a release says alone what has expired',
    planted: inCore('repair-answers', [
      [' && expiredBeforeMs <= env.wallMs()', ' && (expiredBeforeMs <= env.wallMs() || true)'],
    ]),
  },
]
