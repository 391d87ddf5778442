/** What may go wrong on the way from one member to another: docs/PEERS.md. */
import { inCore } from './edits.ts'
import type { Fault } from './fault.ts'

export const WIRE_FAULTS: readonly Fault[] = [
  {
    name: 'ballot-backwards',
    what: 'the ballot of a record that comes from another member is read with its last byte first',
    planted: inCore('peer-form/part-reader', [
      [
        'const ballot = this.takeVersionLike(likely)\n    const version = this.takeVersionLike(ballot)\n' +
          '    const request',
        'const ballot = readVersion(this.bytes.slice(this.at, this.at + 12).reverse(), 0, new Version())\n' +
          '    this.at += 12\n    const version = this.takeVersionLike(ballot)\n    const request',
      ],
      [
        "import type { Floor, Life } from '../marks.ts'",
        "import { readVersion, Version } from '@minivault/clock'\n" +
          "import type { Floor, Life } from '../marks.ts'",
      ],
    ]),
  },
  {
    name: 'version-shared',
    what: 'a version that comes from another member changes when the next one comes',
    planted: inCore('peer-form/byte-reader', [
      [
        'return version.isZero() ? ZERO : new Version(version.high, version.middle, version.low)',
        'return version',
      ],
    ]),
  },
  {
    name: 'sum-lost',
    what: 'evidence comes without its sum',
    planted: inCore('peer-form/part-reader', [
      [
        'const sum = this.takeBoolean() ? this.takeSum() : null\n      evidence.push({',
        'const sum = this.takeBoolean() && this.takeSum() ? null : null\n      evidence.push({',
      ],
    ]),
  },
  {
    name: 'vote-added',
    under: 'forgetting',
    what: 'who has no vote is heard as if it had one, for the flag is always sent',
    planted: inCore('peer-form/message-writer', [
      ['offered.votes ? FLAG.votes : 0', 'FLAG.votes'],
      ['(state.votes ? FLAG.votes : 0)', 'FLAG.votes'],
      ['(votes ? FLAG.votes : 0)', 'FLAG.votes'],
    ]),
  },
]
