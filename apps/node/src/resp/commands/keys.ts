/** Commands on keys, whatever their values are. */
import { type Command, type CommandContext, CommandError, OK, type Reply, type Told } from '../command.ts'
import { onKeys } from '../on-keys.ts'
import { oneNodeOnly } from './key-by-key.ts'
import { integerIn, integerOf, SYNTAX_ERROR, wordOf } from './words.ts'

const KEY = { first: 1, last: 1, step: 1 }
const BOTH = { first: 1, last: 2, step: 1 }
/** What Redis calls `embstr` up to here. */
const EMBEDDED_BYTES_MAX = 44

export const keyCommands: readonly Command[] = [
  {
    name: 'type',
    arity: 2,
    kind: 'read',
    keys: KEY,
    flags: ['readonly', 'fast'],
    summary: 'Tells the type of a key: string, or none',
    run: (context, [key]) =>
      onKeys(context, (keys) => ({ simple: keys.find(key!) === null ? 'none' : 'string' })),
  },
  {
    name: 'object',
    arity: -2,
    kind: 'read',
    keys: { first: 2, last: 2, step: 1 },
    flags: ['readonly'],
    summary: 'OBJECT ENCODING: how Redis would keep the value',
    run: (context, [what, key, ...more]) => {
      if (wordOf(what!) !== 'ENCODING' || key === undefined || more.length > 0) {
        throw new CommandError('ERR only OBJECT ENCODING key is served')
      }
      return onKeys(context, (keys) => {
        const content = keys.find(key)
        if (content === null) return null
        if (content.size > EMBEDDED_BYTES_MAX) return 'raw'
        const value = keys.get(key)?.value
        return value !== undefined && integerIn(value) !== null ? 'int' : 'embstr'
      })
    },
  },
  {
    name: 'rename',
    arity: 3,
    kind: 'write',
    keys: BOTH,
    summary: 'Gives the value of a key another one',
    run: (context, args) => rename(context, args, false),
  },
  {
    name: 'renamenx',
    arity: 3,
    kind: 'write',
    keys: BOTH,
    flags: ['fast'],
    summary: 'The same where the other key does not exist',
    run: (context, args) => rename(context, args, true),
  },
  {
    name: 'copy',
    arity: -3,
    kind: 'write',
    keys: BOTH,
    flags: ['denyoom'],
    summary: 'Copies the value of a key to another one',
    run: copy,
  },
]

function rename(
  context: CommandContext,
  [from, to]: readonly Uint8Array[],
  onlyIfAbsent: boolean,
): Told<Reply> {
  if (context.keys === undefined) oneNodeOnly(context, onlyIfAbsent ? 'renamenx' : 'rename')
  return onKeys<Reply>(context, (keys) => {
    const [content, other] = keys.getMany([from!, to!])
    if (content === null || content === undefined) throw new CommandError('ERR no such key')
    if (onlyIfAbsent && other !== null) return 0
    if (Buffer.compare(from!, to!) !== 0) {
      keys.remove(from!)
      keys.put(to!, content.value, content.expiresAtMs, content.type)
    }
    return onlyIfAbsent ? 1 : OK
  })
}

function copy(context: CommandContext, [from, to, ...words]: readonly Uint8Array[]): Told<Reply> {
  let mayReplace = false
  for (let at = 0; at < words.length; at++) {
    const word = wordOf(words[at]!)
    if (word === 'REPLACE') mayReplace = true
    else if (word === 'DB' && at + 1 < words.length) {
      if (integerOf(words[++at]!) !== 0n) throw new CommandError('ERR DB index is out of range')
    } else throw new CommandError(SYNTAX_ERROR)
  }
  if (Buffer.compare(from!, to!) === 0) {
    throw new CommandError('ERR source and destination objects are the same')
  }
  return onKeys(context, (keys) => {
    const content = keys.get(from!)
    if (content === null) return 0
    if (!mayReplace && keys.find(to!) !== null) return 0
    keys.put(to!, content.value, content.expiresAtMs, content.type)
    return 1
  })
}
