/** What the core's reasons are called on the wire. */
import { OUTCOME, type Outcome, REASON, type Reason } from '@minivault/cluster'
import { ERROR, type ErrorNumber } from '@minivault/protocol'
import type { Answer } from '../key-value.ts'

interface Called {
  readonly error: ErrorNumber
  readonly words: string | null
}

const FAILED: Readonly<Record<Reason, Called>> = {
  [REASON.none]: { error: ERROR.INTERNAL, words: null },
  [REASON.noQuorum]: { error: ERROR.NO_QUORUM, words: 'too few replicas answered in time' },
  [REASON.idAhead]: { error: ERROR.CLOCK_TOO_FAR, words: null },
  [REASON.superseded]: { error: ERROR.SUPERSEDED, words: null },
  [REASON.forgotten]: { error: ERROR.IN_DOUBT, words: 'the replicas have forgotten whether it was done' },
  [REASON.busy]: { error: ERROR.OVERLOADED, words: 'too many operations are under way' },
  [REASON.notServing]: { error: ERROR.NO_QUORUM, words: 'this node does not coordinate now' },
}

const DOUBTS: Partial<Record<Reason, string>> = {
  [REASON.noQuorum]: 'too few replicas answered in time; the write may or may not have taken effect',
  [REASON.forgotten]: 'the replicas have forgotten whether it took effect',
  [REASON.notServing]: 'this node has left the quorum meanwhile; the write may or may not have taken effect',
}

/** Of an operation that has come to no answer. */
export function failAs(answer: Answer, outcome: Outcome, reason: Reason): void {
  const { error, words } = FAILED[reason]
  if (outcome !== OUTCOME.inDoubt) answer.fail(error, words)
  else if (reason === REASON.superseded) {
    answer.fail(error, words)
    answer.outcome = OUTCOME.inDoubt
  } else answer.fail(ERROR.IN_DOUBT, DOUBTS[reason] ?? null)
}
