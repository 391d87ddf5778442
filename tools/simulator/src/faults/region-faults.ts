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
    planted: inCore('record', [['return isAbove(ballot, version)', 'return ballot === version']]),
  },
  {
    name: 'raised-from-afar',
    keptPlan: 'raised-from-afar',
    what: 'a replica takes what another region has raised, though its own may have chosen something later',
    planted: inCore('forwarding', [
      ['!repair.isToBeAdmitted(key, record)) return false', '!key.id || record.ballot) return false'],
    ]),
  },
  {
    name: 'admitted-anyhow',
    swarm: 'regions',
    what: 'what another region has raised is accepted here without a look at what is chosen',
    planted: inCore('round', [
      ['return other !== null && isLater(other, newest) ? other : newest', 'return other ?? newest'],
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
      ['isBelowIt || !isOurs : isMissed) return', 'isBelowIt || !isOurs : false) return'],
    ]),
  },
  {
    name: 'home-comes-unheard',
    swarm: 'homes',
    what: 'a region becomes the home without hearing what the old one has decided',
    planted: inCore('layout-change', [
      [
        'return layouts.electorateOf(partition).current.includes(self)',
        'return partition < 0 && layouts.electorateOf(partition).current.includes(self)',
      ],
    ]),
  },
  {
    name: 'home-moves-alone',
    swarm: 'homes',
    what: 'while the home moves, the new one decides by itself',
    planted: inCore('layouts', [
      [
        'const home = this.#isOneRegion ? own : this.#electorate(partition, table.home, homeAfter)',
        'const home = this.#isOneRegion ? own : this.#electorate(partition, homeAfter, homeAfter)',
      ],
    ]),
  },
  {
    name: 'region-goes-with-its-writes',
    scenario: 'regions/region-goes',
    what: 'a region that goes drops what it holds, and hands nothing over',
    planted: inCore('leaving', [['(one) => !has.has(one))', '(one) => one < 0)']]),
  },
  {
    name: 'new-region-unheard',
    swarm: 'homes',
    what: 'a new region votes before it has heard the home',
    planted: inCore('rejoining', [
      ['const majority = Math.floor(current.length / 2) + (isVoting ? 0 : 1)', 'const majority = 0'],
    ]),
  },
  {
    name: 'lost-disk-in-a-region-votes',
    swarm: 'regionDisks',
    what: 'an empty disk in a region compares with another region in place of its own',
    planted: inCore('rejoining', [
      [
        'const isAlone = others.length === 0 && foreigners.length > 0',
        'const isAlone = foreigners.length > 0',
      ],
    ]),
  },
  {
    name: 'one-ballot-in-two-regions',
    keptPlan: 'one-ballot-in-two-regions',
    what: 'a clock that cannot follow raises one ballot for a round at the home and one in its region',
    planted: inCore('coordinator', [
      ['(ballot.counter & 1) === (isAtHome ? 0 : 1) ? ballot', 'ballot.counter >= 0 || isAtHome ? ballot'],
    ]),
  },
  {
    name: 'older-epoch-taken',
    swarm: 'homes',
    what: 'a member takes any layout that it is told, an older one too',
    planted: inCore('layout-change', [
      ['if (phase <= layouts.epoch || phase <= this.#noted) return', 'if (phase === layouts.epoch) return'],
      ['if (phase > layouts.epoch) this.#obey(state)', 'this.#obey(state)'],
    ]),
  },
]
