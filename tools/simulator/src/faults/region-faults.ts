/** What may go wrong between regions. */
import { inCore } from './edits.ts'
import type { Fault } from './fault.ts'

export const REGION_FAULTS: readonly Fault[] = [
  {
    name: 'home-is-everywhere',
    swarm: 'regions',
    what: 'each region decides what is conditional by itself',
    planted: inCore('round', [
      ['this.#exchange = this.#isAtHome', 'this.#exchange = this.#isAtHome && false'],
    ]),
  },
  {
    name: 'old-record-raised',
    swarm: 'regions',
    what: 'between regions the higher ballot wins, whatever the versions',
    planted: inCore('record', [
      [
        'return isAbove(theirs.ballot, ours.ballot)',
        'return ours === theirs && isAbove(theirs.ballot, ours.ballot)',
      ],
    ]),
  },
  {
    name: 'released-in-one-region',
    swarm: 'regions',
    what: 'a floor is raised without the replicas of the other regions',
    planted: inCore('release', [
      ['if (foreigners.length === 0) return', 'if (foreigners.length >= 0) return'],
      [
        'const members = placement.replicasOf(this.#floor.partition)',
        'const { members } = placement.electorateOf(this.#floor.partition)',
      ],
    ]),
  },
  {
    name: 'foreign-promise-stays',
    swarm: 'regions',
    what: 'what a promise in another region refuses is not accepted anew',
    planted: inCore('round', [
      ['if (isMissed) return this.#accept', 'if (isMissed && false) return this.#accept'],
    ]),
  },
]
