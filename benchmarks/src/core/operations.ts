/** What is asked of the core: 1,000 keys in turns, values that cost nothing. */
import { type Change, DURABILITY, type Key, LEVEL, OUTCOME, type Request } from '@minivault/cluster'

const KEYS = 1000
const DEADLINE_MS = 60_000
const LEAVES = 256

const VALUE = { bytes: 64 }

function change(isConditional: boolean, holds: boolean): Change {
  return { isConditional, apply: () => (holds ? { value: VALUE, expiresAtMs: 0, sum: null } : null) }
}

export const OPERATIONS = ['put', 'get', 'conditional yes', 'conditional no'] as const
export type Operation = (typeof OPERATIONS)[number]

const CHANGES: Readonly<Record<Operation, Change | null>> = {
  put: change(false, true),
  get: null,
  'conditional yes': change(true, true),
  'conditional no': change(true, false),
}

const keys = Array.from({ length: KEYS }, (_, number): Key => {
  const high = Math.imul(number, 0x9e3779b1)
  const low = Math.imul(number, 0x85ebca6b)
  return { id: `key:${number}`, high, low, partition: 0, leaf: (high >>> 24) % LEAVES }
})

/** One for each key. */
export function requestsOf(operation: Operation): Request[] {
  const level = LEVEL.quorum
  const durability = DURABILITY.fsync
  const rest = { change: CHANGES[operation], id: null, attempt: 0, level, durability }
  return keys.map((key) => ({ key, ...rest, deadlineMs: DEADLINE_MS }))
}

export function outcomeOf(operation: Operation): number {
  return operation === 'conditional no' ? OUTCOME.no : OUTCOME.ok
}
