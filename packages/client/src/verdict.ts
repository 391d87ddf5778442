/*
 * What an error of one node means for a call that others could carry.
 */

import { ERROR, errorKind, isErrorName, OUTCOME } from '@minivault/protocol'
import type { Attempt } from './attempt.ts'
import { type ClientError, FATAL } from './client-error.ts'
import { KIND, type Reply } from './request.ts'

/**
 * `answer`: the call has it. `no`: a condition was not met, which is an answer if the latest attempt says so.
 * `moment`: another node may do it. `rest`: the same, and this node is left alone for a while. `unreachable`:
 * the same, and it is asked whether it is there. `clock`: the request id is too high. `wrong`: this node and
 * we do not fit together.
 */
export type Verdict = 'answer' | 'no' | 'moment' | 'rest' | 'unreachable' | 'clock' | 'wrong'

const VERDICTS: Readonly<Record<string, Verdict>> = {
  KEY_EXISTS: 'no',
  VERSION_MISMATCH: 'no',
  NOT_A_NUMBER: 'no',
  TIMEOUT: 'moment',
  IN_DOUBT: 'moment',
  SUPERSEDED: 'moment',
  NO_QUORUM: 'rest',
  OVERLOADED: 'rest',
  READ_ONLY: 'rest',
  DISK_FULL: 'rest',
  SHUTTING_DOWN: 'rest',
  // Of a node that is no member any more.
  CLIENT_CLOSED: 'moment',
  CLIENT_DISCONNECTED: 'unreachable',
  CLOCK_TOO_FAR: 'clock',
}

export function verdictOf({ code, retryable }: ClientError, { isWrite }: Attempt): Verdict {
  const verdict = VERDICTS[code]
  if (verdict !== undefined) return verdict
  if (FATAL.has(code)) return 'wrong'
  if (code === 'CORRUPT' && !isWrite) return 'moment'
  // Of somebody between, who has no codes of ours.
  return code === 'CLIENT_REFUSED' && retryable ? 'rest' : 'answer'
}

/** A TOUCH or DELETE that found nothing is a "no", too. */
export function isNo({ kind }: Attempt, { exists }: Reply): boolean {
  return !exists && (kind === KIND.touch || kind === KIND.delete)
}

/** Whether the attempt that ended so may have had an effect, or may yet. */
export function isUnknown({ code, inDoubt }: ClientError, { isWrite, sent }: Attempt): boolean {
  if (!isWrite) return false
  if (code === 'CLIENT_DISCONNECTED') return sent > 0
  if (code === 'SUPERSEDED') return true
  // Of a retry it is said with the error that earlier attempts are in doubt; those are counted by themselves.
  return isErrorName(code) ? errorKind(ERROR[code]).outcome === OUTCOME.inDoubt : inDoubt
}

/** Whether another node may be asked although this attempt may have had an effect. */
export function isRepeatable({ kind, isWrite, sent, carrier }: Attempt): boolean {
  if (!isWrite || sent === 0) return true
  if (kind === KIND.batch) return false
  return carrier === null || carrier.isRepeatable
}
