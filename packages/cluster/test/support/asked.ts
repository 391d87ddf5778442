/**
 * What a client asks for, as a scenario writes it: `put x`, `delete`, `get`, `create x` (if absent),
 * `swap 20 x` (if the version is 20), `increment`; behind it in brackets `request 90`, `attempt 1`,
 * `level one`, `within 100 ms`, `in memory`, `expires 150` (at that wall time).
 */
import {
  type Change,
  DURABILITY,
  type Effect,
  type HeldRecord,
  isEqual,
  LEVEL,
  type Request,
} from '../../src/index.ts'
import { KEY } from '../../src/testing/index.ts'
import { readVersion, type Text, textOf } from './words.ts'

const DEADLINE_MS = 1000

export function readAsked(words: string): Request {
  const match = /^([^(]+?)(?: \((.+)\))?$/.exec(words)
  if (match === null) throw new Error(`\`${words}\` is not understood`)
  const plain: Request = {
    key: KEY,
    change: readChange(match[1]!),
    id: null,
    attempt: 0,
    level: LEVEL.quorum,
    durability: DURABILITY.fsync,
    deadlineMs: DEADLINE_MS,
  }
  return (match[2]?.split(', ') ?? []).reduce(withOption, plain)
}

function withOption(request: Request, option: string): Request {
  const [name, value] = option.split(' ') as [string, string]
  if (name === 'request') return { ...request, id: readVersion(value) }
  if (name === 'attempt') return { ...request, attempt: Number(value) }
  if (name === 'level') return { ...request, level: value === 'one' ? LEVEL.one : LEVEL.quorum }
  if (name === 'within') return { ...request, deadlineMs: Number(value) }
  if (name === 'expires') return { ...request, change: expiring(request.change!, Number(value)) }
  if (option === 'in memory') return { ...request, durability: DURABILITY.memory }
  throw new Error(`no option \`${option}\``)
}

function readChange(words: string): Change | null {
  const [verb, first, second] = words.split(' ')
  switch (verb) {
    case 'get':
      return null
    case 'put':
      return { isConditional: false, apply: () => effectOf(first!) }
    case 'delete':
      return { isConditional: false, apply: () => effectOf('gone') }
    case 'create':
      return { isConditional: true, apply: ({ value }) => (value === null ? effectOf(first!) : null) }
    case 'swap':
      return { isConditional: true, apply: (current) => swapped(current, first!, second!) }
    case 'increment':
      return { isConditional: true, apply: incremented }
    default:
      throw new Error(`nothing is called \`${verb}\``)
  }
}

function expiring({ isConditional, apply }: Change, expiresAtMs: number): Change {
  return {
    isConditional,
    apply: (current, ballot) => {
      const effect = apply(current, ballot)
      return effect === null ? null : { ...effect, expiresAtMs }
    },
  }
}

function effectOf(text: string): Effect {
  return { value: textOf(text), expiresAtMs: 0, sum: null }
}

/** What has expired is not there any more. */
function swapped({ version, value }: HeldRecord, wanted: string, text: string): Effect | null {
  return value !== null && isEqual(version, readVersion(wanted)) ? effectOf(text) : null
}

function incremented({ value }: HeldRecord): Effect {
  const sum = BigInt((value as Text | null)?.text ?? 0) + 1n
  return { value: textOf(String(sum)), expiresAtMs: 0, sum }
}
