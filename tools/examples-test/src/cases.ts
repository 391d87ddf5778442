/**
 * The conformance list: what every client must do, in every language and on both doors. A case opens a client
 * of its own and takes its steps in order; a result must be exactly the one listed, or the door's own.
 */
import type { Command, Door, Result } from './driver.ts'

/** open: anybody may; locked: mode all, the key is `secret`; silent: takes connections and never answers. */
export type NodeName = 'open' | 'locked' | 'silent'

export interface Step {
  readonly command: Command
  readonly expected: Result | Readonly<Record<Door, Result>>
}

export interface Case {
  readonly name: string
  readonly node: NodeName
  /** What differs from the usual: four connections, 64 waiting, 20 seconds, no key. */
  readonly options?: Readonly<Record<string, unknown>>
  readonly steps: readonly Step[]
}

const KEY_BYTES_MAX = 65_535
const VALUE_BYTES_MAX = 104_857_600
const MEGABYTE = 1024 * 1024

const DONE = {}
const MISSING = { missing: true }

const hex = (text: string | Uint8Array) => Buffer.from(text as string).toString('hex')

function step(name: string, key: string | Uint8Array, fields: object, expected: Step['expected']): Step {
  return { command: { do: name, key: hex(key), ...fields }, expected }
}

const set = (key: string | Uint8Array, text: string, expected: Step['expected'] = DONE) =>
  step('set', key, { text }, expected)
const get = (key: string | Uint8Array, expected: Step['expected']) => step('get', key, {}, expected)
const remove = (key: string | Uint8Array, expected: Step['expected'] = DONE) =>
  step('delete', key, {}, expected)
const fails = (code: string) => ({ error: code })

/** Set, read back, deleted, gone. */
function roundTrip(name: string, key: string | Uint8Array, text: string): Case {
  const steps = [set(key, text), get(key, { text }), remove(key), get(key, MISSING)]
  return { name, node: 'open', steps }
}

function json(name: string, value: unknown): Case {
  const steps = [step('setJson', 'json', { json: value }, DONE), step('getJson', 'json', {}, { json: value })]
  return { name: `JSON: ${name}`, node: 'open', steps }
}

function jsonText(text: string): Case {
  const steps = [step('setText', 'text', { text }, DONE), step('getText', 'text', {}, { text })]
  return { name: `JSON text kept to the last character: ${text}`, node: 'open', steps }
}

function bytes(name: string, value: Uint8Array): Case {
  const digits = hex(value)
  const steps = [
    step('setBytes', 'bytes', { hex: digits }, DONE),
    step('getBytes', 'bytes', {}, { hex: digits }),
  ]
  return { name: `bytes: ${name}`, node: 'open', steps }
}

const EVERY_BYTE = Uint8Array.from({ length: 256 }, (_, byte) => byte)

const ROUND_TRIPS = [
  roundTrip('a round trip', 'user:123', 'alice'),
  roundTrip('an empty value', 'empty', ''),
  roundTrip('quotes, backslashes, line ends', 'quotes', '"\\\b\f\n\r\t\u0001/'),
  roundTrip('unicode in key and value', 'ключ/鍵/🔑', 'Wert, 値, 🗝, \u2028'),
  roundTrip('a key of every byte', EVERY_BYTE, 'all'),
  roundTrip('a key that is no UTF-8', Buffer.from('fffe00c0af', 'hex'), 'odd'),
  roundTrip('a key of slashes, dots and marks', '/a/../b?c=d#e&f+g%20 h', 'marks'),
  ...['.', '..', '/', 'health', '-/livez', '%'].map((key) =>
    roundTrip(`the key ${key} is a key like any other`, key, `value of ${key}`),
  ),
  roundTrip('the longest key', 'k'.repeat(KEY_BYTES_MAX), 'long'),
  roundTrip('the longest key, each byte percent-encoded', '/'.repeat(KEY_BYTES_MAX), 'longer'),
]

const VALUES = [
  json('nested', {
    list: [1, -2.5, 'three', [true, false, null]],
    empty: [{}, []],
    deep: { er: { 'é"': '🗝' } },
  }),
  json('null', null),
  json('a string', 'text'),
  json('a number', 1234567890123456),
  json('false', false),
  jsonText('{"big":12345678901234567890,"small":1e-400,"exact":0.10}'),
  jsonText('[ 1, 2 ]'),
  bytes('every byte', EVERY_BYTE),
  bytes('none', new Uint8Array()),
  {
    name: 'a value of 1 MiB',
    node: 'open',
    steps: [
      step('fill', 'large', { size: MEGABYTE }, DONE),
      step('length', 'large', {}, { size: MEGABYTE }),
      remove('large'),
    ],
  },
] satisfies Case[]

const LIMITS = [
  {
    name: 'absent: a get finds nothing, a delete succeeds',
    node: 'open',
    steps: [get('absent', MISSING), step('getJson', 'absent', {}, MISSING), remove('absent')],
  },
  {
    name: 'a key too long or empty, and the client goes on',
    node: 'open',
    steps: [
      set('k'.repeat(KEY_BYTES_MAX + 1), 'v', fails('KEY_LENGTH')),
      get('', fails('KEY_LENGTH')),
      remove('', fails('KEY_LENGTH')),
      get('absent', MISSING),
    ],
  },
  {
    name: 'a value too large, and the client goes on',
    node: 'open',
    steps: [
      step('fill', 'huge', { size: VALUE_BYTES_MAX + 1 }, fails('VALUE_TOO_LARGE')),
      get('huge', MISSING),
    ],
  },
] satisfies Case[]

const KEYS = [
  {
    name: 'the right key is let in',
    node: 'locked',
    options: { authKey: 'secret' },
    steps: [set('mine', 'v'), get('mine', { text: 'v' }), remove('mine')],
  },
  {
    name: 'a wrong key is refused',
    node: 'locked',
    options: { authKey: 'wrong' },
    steps: [set('k', 'v', fails('UNAUTHORIZED')), get('k', fails('UNAUTHORIZED'))],
  },
  {
    name: 'no key is refused; the binary protocol cannot say why, nor tell it from a miss',
    node: 'locked',
    steps: [
      set('k', 'v', { binary: fails('REFUSED'), http: fails('UNAUTHORIZED') }),
      get('k', { binary: MISSING, http: fails('UNAUTHORIZED') }),
      remove('k', { binary: fails('REFUSED'), http: fails('UNAUTHORIZED') }),
    ],
  },
  {
    name: 'a key where none is needed does no harm',
    node: 'open',
    options: { authKey: 'any' },
    steps: [set('k', 'v'), get('k', { text: 'v' })],
  },
] satisfies Case[]

const POOLS = [
  {
    name: '20 callers share four connections',
    node: 'open',
    steps: [{ command: { do: 'together', callers: 20 }, expected: { good: 20 } }],
  },
  {
    name: 'a node that never answers: the call ends in time',
    node: 'silent',
    options: { timeoutMs: 200 },
    steps: [get('k', fails('TIMEOUT')), set('k', 'v', fails('TIMEOUT'))],
  },
  {
    name: 'one connection, two may wait, the fourth caller is refused at once',
    node: 'silent',
    options: { connections: 1, waiting: 2, timeoutMs: 300 },
    steps: [
      {
        command: { do: 'crowd', callers: 4 },
        expected: { codes: ['POOL_FULL', 'TIMEOUT', 'TIMEOUT', 'TIMEOUT'] },
      },
    ],
  },
] satisfies Case[]

export const CASES: readonly Case[] = [...ROUND_TRIPS, ...VALUES, ...LIMITS, ...KEYS, ...POOLS]

/** The result a door must give. */
export function expectedOn(door: Door, { expected }: Step): Result {
  return 'binary' in expected && 'http' in expected ? (expected[door] as Result) : (expected as Result)
}
