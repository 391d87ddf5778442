/** What a replica may do wrong: take what it must not, forget, answer too early. */
import type { PlantedFault } from '@minivault/planted'
import { inCore } from './edits.ts'
import type { Fault } from './fault.ts'

/** Offers of these causes are taken below the promise. */
function ignoringPromise(...causes: readonly string[]): PlantedFault {
  const isIgnored = causes.map((cause) => `cause === CAUSE.${cause}`).join(' || ')
  return inCore(
    'replica',
    [
      ['import { type Evidence, VERDICT', 'import { CAUSE, type Evidence, VERDICT'],
      [
        'offer(key: Key, record: HeldRecord, durability: Durability): Taken {',
        'offer(key: Key, record: HeldRecord, durability: Durability, cause: number): Taken {',
      ],
      [
        'if (isBelow(record.ballot, promised)) return',
        `if (isBelow(record.ballot, promised) && !(${isIgnored})) return`,
      ],
    ],
    inCore('node-core', [
      [
        'this.#replica.offer(key, record, durability)',
        'this.#replica.offer(key, record, durability, offer.cause)',
      ],
    ]),
  )
}

export const REPLICA_FAULTS: readonly Fault[] = [
  {
    name: 'read-compare-write',
    what: 'a prepare promises nothing: a conditional write reads, compares and writes',
    planted: inCore('replica', [
      [
        'const position = this.#store.pledge(key, { ballot, request, attempt })',
        'const { position } = standing',
      ],
    ]),
  },
  {
    name: 'promise-not-durable',
    what: 'a promise is kept in memory, and lost in a crash',
    planted: inCore('replica', [
      [
        '  readonly #marks: Marks\n',
        '  readonly #marks: Marks\n  readonly #unwritten = new Map<string, Version>()\n',
      ],
      [
        'const position = this.#store.pledge(key, { ballot, request, attempt })',
        'const { position } = standing\n    this.#unwritten.set(key.id, ballot)',
      ],
      [
        'return higher(promised, this.#marks.promised(key))',
        'return higher(this.#unwritten.get(key.id) ?? ZERO, higher(promised, this.#marks.promised(key)))',
      ],
    ]),
  },
  {
    name: 'plain-ignores-promise',
    what: 'a plain write is taken below a promise',
    planted: ignoringPromise('plain'),
  },
  {
    name: 'write-back-ignores-promise',
    what: "a reader's write-back is taken below a promise",
    planted: ignoringPromise('writeBack'),
  },
  {
    name: 'hint-ignores-promise',
    what: 'a hint or repair is taken below a promise',
    planted: ignoringPromise('hint', 'repair'),
  },
  {
    name: 'accept-ignores-promise',
    what: 'an accept is taken below a promise',
    planted: ignoringPromise('accept'),
  },
  {
    name: 'last-write-wins',
    what: 'what is older than the record is told to be held',
    planted: inCore('replica', [
      [
        'if (!isAbove(record.ballot, held.ballot)) return this.#refuse(VERDICT.older, held, promised)',
        'if (!isAbove(record.ballot, held.ballot)) return { verdict: VERDICT.held, above: ZERO, position }',
      ],
    ]),
  },
  {
    name: 'dirty-read',
    what: 'reads and promises show a record that is not durable',
    planted: inCore('node-core', [
      [
        'this.#outbox.send(from, reply, position, durability)',
        'this.#outbox.send(from, reply, 0, durability)',
      ],
    ]),
  },
  {
    name: 'ack-before-sync',
    what: 'replies do not wait until what they show is durable',
    planted: inCore('outbox', [
      ['if (position <= this.#store.durableUpTo(durability)) this', 'if (position >= 0) this'],
    ]),
  },
  {
    name: 'no-fence',
    what: 'an earlier attempt of a request is promised to after a later one',
    planted: inCore('replica', [
      ['if (attempt < this.#ledger.attempt(request)) return', 'if (attempt < 0) return'],
    ]),
  },
  {
    name: 'ledger-without-horizon',
    what: 'the ledger does not know that it has forgotten',
    planted: inCore('ledger', [
      ['this.raiseHorizon(this.#read(at, this.#forgotten))', 'void [at, this.#forgotten]'],
    ]),
  },
  {
    name: 'restart-without-horizon',
    what: 'after a restart nobody knows that the ledger was lost',
    planted: inCore('ledger', [['    this.horizon.copy(horizon)\n', '    void horizon\n']]),
  },
  {
    name: 'promised-twice',
    scenario: 'nodes/one-value-under-a-ballot',
    what: 'one ballot is promised to two rounds',
    planted: inCore('replica', [
      ['if (!isAbove(ballot, promised)) return', 'if (isBelow(ballot, promised)) return'],
    ]),
  },
  {
    name: 'promises-below-record',
    scenario: 'nodes/one-value-under-a-ballot',
    what: 'a ballot below that of the record is promised',
    planted: inCore('replica', [
      ['if (!isAbove(ballot, record.ballot)) return this', 'if (attempt < 0) return this'],
    ]),
  },
  {
    name: 'ledger-without-sums',
    what: 'what an increment came to is forgotten once it is overwritten',
    planted: inCore('ledger', [
      ['this.#sums[entry & this.#mask] = sum', 'this.#sums[entry & this.#mask] = sum && null'],
    ]),
  },
  {
    name: 'known-is-held',
    scenario: 'nodes/known-not-held',
    what: 'what was copied on the way into a partition counts as held',
    planted: inCore('replica', [
      [
        'return record === null || isAbove(record.ballot, this.#marks.promiseIn(partition))',
        'return record === null || partition >= 0',
      ],
    ]),
  },
  {
    name: 'absences-differ',
    scenario: 'nodes/release-cut-short',
    what: 'two that hold nothing are not the same where their floors differ',
    planted: inCore('record', [
      [
        'return isAbsent(b) || (b.value === null && !isAbove(b.ballot, a.ballot))',
        'return isEqual(a.ballot, b.ballot)',
      ],
    ]),
  },
]
