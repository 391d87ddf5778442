/** Random Redis commands whose replies do not depend on time but for the TTL family. */
import fc from 'fast-check'
import type { Word } from './redis-wire.ts'

export type RandomCommand = readonly Word[]

const KEYS: readonly Word[] = ['a', 'b', 'c', 'key:1', 'key:2', Buffer.from([0, 255, 13, 10, 42])]
/** In a namespace of their own: Redis adds fractions in binary, and shows it where they are long. */
const FRACTION_KEYS = ['f1', 'f2']
const LOWEST = '-9223372036854775808'
const HIGHEST = '9223372036854775807'

const key = fc.constantFrom(...KEYS)
const value: fc.Arbitrary<Word> = fc.oneof(
  fc.constantFrom<Word>('', '0', '1', '-7', '41', HIGHEST, LOWEST, '01', ' 1', '-0', '+1', '1.5', 'text'),
  fc.uint8Array({ maxLength: 12 }).map((bytes) => Buffer.from(bytes)),
  fc.constant('x'.repeat(1500)),
)
const integer = fc.constantFrom(
  '0',
  '1',
  '-1',
  '5',
  '-12',
  HIGHEST,
  LOWEST,
  '9223372036854775808',
  'x',
  '1.0',
)
const place = fc.constantFrom('0', '1', '3', '-1', '-2', '-100', '100', '2000', 'x')
/** Far away or long past: none of these ends while it is looked at. */
const seconds = fc.constantFrom('1000', '5000', '0', '-1', '100000', HIGHEST, 'x', LOWEST)
const milliseconds = fc.constantFrom('1000000', '5000000', '0', '-1', HIGHEST, 'x')
const atSeconds = fc.constantFrom('4000000000', '4100000000', '1', '0', '-1', 'x')
const atMilliseconds = fc.constantFrom('4000000000000', '4100000000001', '1', '0', 'x')
const pattern = fc.constantFrom('*', 'key:*', 'k?y:[1-9]', '[^k]*', '[abc', 'a\\', '\\a', '*:*', 'key:1*', '')

const expiryWords = fc.oneof(
  fc.tuple(fc.constantFrom('EX', 'ex'), seconds),
  fc.tuple(fc.constant('PX'), milliseconds),
  fc.tuple(fc.constant('EXAT'), atSeconds),
  fc.tuple(fc.constant('PXAT'), atMilliseconds),
)
const setWords = fc
  .array(
    fc.oneof(
      fc.constantFrom(['NX'], ['XX'], ['GET'], ['KEEPTTL'], ['nonsense']),
      expiryWords.map((words) => [...words]),
    ),
    { maxLength: 3 },
  )
  .map((words) => words.flat())
const expireWords = fc.array(fc.constantFrom('NX', 'XX', 'GT', 'LT', 'gt', 'nonsense'), { maxLength: 2 })
/** Whether a moment from now is later than the same one a millisecond ago, depends on the millisecond. */
const relativeWords = fc.array(fc.constantFrom('NX', 'XX', 'nonsense'), { maxLength: 2 })

function command(
  name: string,
  ...parts: fc.Arbitrary<Word | readonly Word[]>[]
): fc.Arbitrary<RandomCommand> {
  return fc.tuple(...parts).map((given) => [name, ...(given.flat() as Word[])])
}

function some<T>(one: fc.Arbitrary<T>, maxLength = 4): fc.Arbitrary<T[]> {
  return fc.array(one, { minLength: 1, maxLength })
}

const pairs = some(fc.tuple(key, value)).map((list) => list.flat())
const fraction = fc.constantFrom('1.5', '0.25', '-2.5e1', '3', 'abc', '', '1e2', '-.5')

export const KEYS_LOOKED_AT: readonly Word[] = [...KEYS, ...FRACTION_KEYS]

export const dataCommand: fc.Arbitrary<RandomCommand> = fc.oneof(
  { weight: 6, arbitrary: command('set', key, value) },
  { weight: 6, arbitrary: command('SET', key, value, setWords) },
  { weight: 4, arbitrary: command('get', key) },
  ...['strlen', 'type', 'getdel', 'persist', 'incr', 'decr', 'exists', 'del'].map((name) =>
    command(name, key),
  ),
  ...['incrby', 'decrby'].map((name) => command(name, key, integer)),
  ...['append', 'getset', 'setnx'].map((name) => command(name, key, value)),
  ...['getrange', 'substr'].map((name) => command(name, key, place, place)),
  ...['mget', 'exists', 'del', 'unlink', 'touch'].map((name) => command(name, some(key))),
  ...['mset', 'msetnx'].map((name) => command(name, pairs)),
  command('setex', key, seconds, value),
  command('psetex', key, milliseconds, value),
  command('getex', key),
  command(
    'getex',
    key,
    fc
      .array(fc.oneof(fc.constantFrom(['PERSIST'], ['nonsense']), expiryWords), {
        minLength: 1,
        maxLength: 2,
      })
      .map((words) => words.flat()),
  ),
  command('expire', key, seconds, relativeWords),
  command('pexpire', key, milliseconds, relativeWords),
  command('expireat', key, atSeconds, expireWords),
  command('pexpireat', key, atMilliseconds, expireWords),
  ...['ttl', 'pttl', 'expiretime', 'pexpiretime'].map((name) => command(name, key)),
  ...['rename', 'renamenx'].map((name) => command(name, key, key)),
  command('copy', key, key, fc.constantFrom([], ['REPLACE'], ['DB', '0'], ['nonsense'])),
  command('set', fc.constantFrom(...FRACTION_KEYS), fraction),
  command('incrbyfloat', fc.constantFrom(...FRACTION_KEYS), fraction),
  command('mset', fc.tuple(key, value, key)),
  command('get', key, key),
)

/** They go through all keys. */
export const wideCommand: fc.Arbitrary<RandomCommand> = fc.oneof(
  command('keys', pattern),
  command('flushdb', fc.constantFrom([], ['ASYNC'], ['nonsense'])),
  command('nonsense', fc.constant('a')),
  command('echo', value),
  command('ping'),
)

/** With WATCH, MULTI and EXEC around some of them. */
export const commandSequence: fc.Arbitrary<RandomCommand[]> = fc
  .array(
    fc.oneof(
      { weight: 12, arbitrary: dataCommand.map((one) => [one]) },
      { weight: 1, arbitrary: wideCommand.map((one) => [one]) },
      {
        weight: 3,
        arbitrary: fc
          .tuple(
            fc.constantFrom<RandomCommand[]>([], [['watch', 'a', 'b']], [['watch', 'a'], ['unwatch']]),
            fc.array(dataCommand, { maxLength: 8 }),
            fc.constantFrom<RandomCommand[]>(
              [['exec']],
              [['exec']],
              [['exec']],
              [['discard']],
              [['nonsense'], ['exec']],
              [['get'], ['exec']],
              [['multi'], ['watch', 'a'], ['exec']],
            ),
          )
          .map(([before, inside, end]) => [...before, ['multi'], ...inside, ...end]),
      },
      { weight: 1, arbitrary: fc.constantFrom<RandomCommand[]>([['exec']], [['discard']]) },
    ),
    { maxLength: 40 },
  )
  .map((parts) => parts.flat())

/** Of the key `a`. */
const oneKeyCommand: fc.Arbitrary<RandomCommand> = fc.oneof(
  ...['get', 'strlen', 'getdel', 'persist', 'incr', 'exists', 'del', 'pttl'].map((name) =>
    command(name, fc.constant('a')),
  ),
  ...['append', 'getset', 'setnx', 'set'].map((name) => command(name, fc.constant('a'), value)),
  command('set', fc.constant('a'), value, setWords),
  command('pexpire', fc.constant('a'), milliseconds, relativeWords),
  command('mget', fc.constant(['a', 'a'])),
)

/** Those of one moment for several keys, which a cluster refuses. */
const OF_ONE_MOMENT = /^(rename|renamenx|msetnx)$/i

export const clusterSequence: fc.Arbitrary<RandomCommand[]> = fc
  .array(
    fc.oneof(
      {
        weight: 12,
        arbitrary: dataCommand.filter(([name]) => !OF_ONE_MOMENT.test(String(name))).map((one) => [one]),
      },
      { weight: 1, arbitrary: wideCommand.map((one) => [one]) },
      {
        weight: 3,
        arbitrary: fc
          .tuple(
            fc.constantFrom<RandomCommand[]>([], [['watch', 'a']], [['watch', 'a'], ['unwatch']]),
            fc.array(oneKeyCommand, { maxLength: 8 }),
            fc.constantFrom<RandomCommand[]>([['exec']], [['discard']], [['nonsense'], ['exec']]),
          )
          .map(([before, inside, end]) => [...before, ['multi'], ...inside, ...end]),
      },
    ),
    { maxLength: 40 },
  )
  .map((parts) => parts.flat())
