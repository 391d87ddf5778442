/** What redis-benchmark is told to ask, and the same command by hand: what it counts may be an error. */
export interface RespCommand {
  /** As the table shows it. */
  readonly title: string
  /** For redis-benchmark: a test of its own, or the words of a command. */
  readonly test: readonly string[]
  readonly byHand: readonly string[]
}

const RANDOM_KEY = 'key:__rand_int__'
const KEYS = 10
/** Not among the keys that are measured: their values keep their size. */
const [ONE, OTHER] = ['by-hand:1', 'by-hand:2']

export const COMMANDS = {
  ping: { title: 'PING', test: ['-t', 'ping_mbulk'], byHand: ['PING'] },
  get: { title: 'GET', test: ['-t', 'get'], byHand: ['GET', ONE] },
  set: { title: 'SET', test: ['-t', 'set'], byHand: ['SET', ONE, 'value'] },
  incr: { title: 'INCR', test: ['-t', 'incr'], byHand: ['INCR', 'by-hand:counter'] },
  mget: {
    title: `MGET, ${KEYS} keys`,
    test: ['MGET', ...Array<string>(KEYS).fill(RANDOM_KEY)],
    byHand: ['MGET', ONE, OTHER],
  },
  mset: {
    title: `MSET, ${KEYS} keys`,
    test: ['-t', 'mset'],
    byHand: ['MSET', ONE, 'value', OTHER, 'value'],
  },
  getset: {
    title: 'GETSET',
    test: ['GETSET', RANDOM_KEY, 'value'],
    byHand: ['GETSET', ONE, 'value'],
  },
  del: { title: 'DEL', test: ['DEL', RANDOM_KEY], byHand: ['DEL', ONE] },
} as const satisfies Record<string, RespCommand>
export type CommandName = keyof typeof COMMANDS

export function requestOf(words: readonly string[]): string {
  return `*${words.length}\r\n${words.map((word) => `$${word.length}\r\n${word}\r\n`).join('')}`
}
