/** What a coordinator may do wrong: count, decide, answer, stamp. */
import { inCore } from './edits.ts'
import type { Fault } from './fault.ts'

export const COORDINATOR_FAULTS: readonly Fault[] = [
  {
    name: 'new-id-on-retry',
    what: 'a retry gets a new request id',
    planted: inCore('coordinator', [
      [
        'const id = request.id ?? clock.next(new Version())',
        'const id = request.attempt === 0 && request.id !== null ? request.id : clock.next(new Version())',
      ],
    ]),
  },
  {
    name: 'ack-per-message',
    what: 'acknowledgements are counted by message, not by replica',
    planted: inCore(
      'exchange',
      [[' || (this.#heard & (1 << position)) !== 0) return -1', ') return -1']],
      inCore('plain-write', [
        ['this.#held |= 1 << position', 'this.#held = (this.#held << 1) | 1'],
        ['|| electorate.isQuorum(this.#held)', '|| this.#held > 1'],
      ]),
    ),
  },
  {
    name: 'refused-write-back-answered',
    what: 'a reader whose write-back was refused answers all the same',
    planted: inCore('quorum-read', [
      ['const isFirst = this.#refused === 0', 'if (verdict > 0) return this.#finish(this.#newest!)'],
      ['else if (isFirst)', 'else if (verdict > 0)'],
    ]),
  },
  {
    name: 'own-request-is-new',
    what: 'a write that was stamped here is taken for new, though some of it was sent',
    planted: inCore('round', [
      [
        'if (this.#operation.request.id === null && !this.#operation.isSent) return true',
        'if (this.#operation.request.id === null) return true',
      ],
    ]),
  },
  {
    name: 'shown-unnoticed',
    scenario: 'nodes/seen-by-one-who-died',
    what: 'a write that a reader was shown is taken for unseen, and made once more',
    planted: inCore('coordinator', [
      ['if (replica.timesShown(request.key) !== shownBefore ||', 'if (shownBefore < 0 ||'],
    ]),
  },
  {
    name: 'delete-over-absence',
    scenario: 'nodes/absence-over-a-delete',
    what: 'a reader answers a delete where the absence that stands for it was chosen',
    planted: inCore('quorum-read', [
      [
        'isAbove(record.ballot, newest.ballot)) newest = record',
        '(isAbove(record.ballot, newest.ballot) && !isSame(record, newest))) newest = record',
      ],
    ]),
  },
  {
    name: 'no-write-back',
    what: 'a reader answers the newest of two that differ',
    planted: inCore('quorum-read', [['} else if (isChosen) this', '} else if (isChosen || newest) this']]),
  },
  {
    name: 'read-from-one',
    what: 'a read is answered by the first replica (R = 1)',
    planted: inCore('quorum-read', [
      ['const isEnough = isOfOne ||', 'const isEnough = isOfOne !== null ||'],
      ['const isChosen = isOfOne ||', 'const isChosen = isOfOne !== null ||'],
    ]),
  },
  {
    name: 'decides-on-minority',
    what: 'a conditional write decides on a record that only one replica holds',
    planted: inCore('round', [['if (request.change.isConditional && !this', 'if (this.#held < 0 && !this']]),
  },
  {
    name: 'two-values-one-ballot',
    what: 'another write is made chosen, and the own one written, under one ballot',
    planted: inCore('round', [
      [
        'return this.#accept(this.#under(newest), () => this.start())',
        `return this.#accept(this.#under(newest), () => {
        const then = request.change!.apply(newest, this.#ballot)
        if (then === null) this.#finish(OUTCOME.no, REASON.none, newest)
        else this.#write(then)
      })`,
      ],
    ]),
  },
  {
    name: 'no-evidence',
    what: 'whether a write was done is told by the newest record alone',
    planted: inCore('round', [
      [
        'const chosen = this.#chosenEvidence()',
        'const chosen = this.#held < 0 ? this.#chosenEvidence() : null',
      ],
      ['if (!this.#isCertainlyNew()) return', 'if (this.#held < 0 && !this.#isCertainlyNew()) return'],
    ]),
  },
  {
    name: 'half-evidence',
    what: 'one replica that never held a write proves that it was not done',
    planted: inCore('round', [
      ['if (electorate.rulesOut(never)) return true', 'if (never !== 0) return true'],
    ]),
  },
  {
    name: 'no-barrier',
    what: 'a plain write that was refused is offered under a new version, without a round',
    planted: inCore('plain-write', [
      [
        'if (electorate.isBlocking(this.#refused)) this.onTimer(STAGE.afterRefusal)',
        `if (electorate.isBlocking(this.#refused)) {
      const ballot = this.#coordinator.ballotAbove(reply.above)
      const { key, durability, change } = this.#operation.request
      this.#record = { ...this.#record, ...change!.apply(NEVER, ballot)!, ballot, version: ballot }
      this.#coordinator.close(this.#exchange)
      this.#held = 0
      this.#refused = 0
      this.#exchange = this.#coordinator.open(key, this)
      this.#coordinator.offer(this.#exchange, key, this.#record, durability, CAUSE.plain)
      this.#coordinator.wait(this.#coordinator.patience.ms, this.#exchange, STAGE.giveUp)
    }`,
      ],
    ]),
  },
  {
    name: 'id-is-no-version',
    what: 'coordinators stamp plain writes themselves, each attempt anew',
    planted: inCore('plain-write', [
      [
        'const { value, expiresAtMs, sum } = request.change!.apply(NEVER, id)!',
        `const ballot = this.#coordinator.ballotAbove(id)
    const { value, expiresAtMs, sum } = request.change!.apply(NEVER, ballot)!`,
      ],
      ['{ ballot: id, version: id, request: id,', '{ ballot, version: ballot, request: id,'],
    ]),
  },
  {
    name: 'same-version-twice',
    what: 'clients stamp as one: two requests may have one id, and so one version',
    planted: null,
    clientFault: 'sameWriter',
  },
  {
    name: 'exchanges-from-one',
    under: 'forgetting',
    what: 'a reply to the life before a restart is taken for one of this life',
    planted: inCore('exchanges', [['Math.floor(env.random() * 2 ** 48)', '0 * env.random()']]),
  },
  {
    name: 'early-no-believed',
    what: 'a client believes the "no" of an attempt that it has repeated elsewhere',
    planted: null,
    clientFault: 'trustsEveryNo',
  },
  {
    name: 'first-attempt-without-evidence',
    scenario: 'nodes/first-attempt-evidence',
    what: 'a coordinator that has sent nothing yet does not ask whether it was done elsewhere',
    planted: inCore('round', [
      [
        'const chosen = this',
        `const isFirst = request.attempt === 0 && !this.#operation.isSent
    const chosen = isFirst ? null : this`,
      ],
      ['if (!this.#isCertainlyNew()) return', 'if (!isFirst && !this.#isCertainlyNew()) return'],
    ]),
  },
  {
    name: 'own-write-not-finished',
    what: 'a write that a round finds at one replica is answered, though nobody else holds it',
    planted: inCore('round', [
      [
        'return this.#accept(this.#under(newest), () => this.#succeed(newest))\n    const',
        'return this.#succeed(newest)\n    const',
      ],
    ]),
  },
  {
    name: 'no-is-not-final',
    scenario: 'nodes/no-after-expiry',
    what: 'a "no" because something has expired is told, though an earlier try may have been accepted',
    planted: inCore('round', [
      ['if (newest.expiresAtMs !== 0 && mayBeDone', 'if (newest.expiresAtMs < 0 && mayBeDone'],
    ]),
  },
  {
    name: 'version-rises',
    what: 'who finishes the work of another gives it a new version',
    planted: inCore('round', [
      ['{ ...record, ballot: this.#ballot }', '{ ...record, ballot: this.#ballot, version: this.#ballot }'],
    ]),
  },
  {
    name: 'id-ahead-taken',
    scenario: 'nodes/refused-at-the-door',
    what: 'a request id far ahead of the clock is taken',
    planted: inCore('coordinator', [
      [
        'if (request.id !== null && !clock.observe(id))',
        'if (request.id !== null && !clock.observe(id) && token < 0)',
      ],
    ]),
  },
  {
    name: 'id-not-adopted',
    scenario: 'nodes/stamped-above-the-request',
    what: 'a coordinator stamps below the request that it works for',
    planted: inCore('coordinator', [
      [
        'if (request.id !== null && !clock.observe(id))',
        'if (request.id !== null && clock.isTooFarAhead(id))',
      ],
    ]),
  },
  {
    name: 'accept-not-synced',
    scenario: 'nodes/accept-is-synced',
    what: 'an accept is held as soon as its request says, and not when it is synced',
    planted: inCore('round', [
      ['record, ROUND_DURABILITY, CAUSE.accept', 'record, this.#operation.request.durability, CAUSE.accept'],
      ["import { ROUND_DURABILITY } from './replica.ts'\n", ''],
    ]),
  },
  {
    name: 'ballot-of-the-lost-round',
    scenario: 'nodes/one-value-under-a-ballot',
    what: 'a round begins again under a ballot of its own that it has used',
    planted: inCore('round', [['    this.#above = this.#ballot\n', '']]),
  },
  {
    name: 'accepts-of-another-life',
    scenario: 'nodes/joiner-keeps-lost-promises',
    what: 'a round takes promises of one life of a member and accepts of the next',
    planted: inCore('exchanges', [['hearsAll: false, follows })', 'hearsAll: false, follows: null })']]),
  },
  {
    name: 'shown-counts-as-held',
    scenario: 'nodes/shown-and-lost',
    what: 'who showed a record to a reader counts when that is written back',
    planted: inCore('quorum-read', [
      ['this.#held = 0\n    this.#refused = 0', 'this.#held = this.#showing(newest)\n    this.#refused = 0'],
    ]),
  },
]
