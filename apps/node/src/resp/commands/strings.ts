/** Commands on the value of one key. */
import { VALUE_BYTES_MAX } from '@minivault/storage'
import { type Command, type CommandContext, CommandError, OK, type Reply, type Told } from '../command.ts'
import { onKeys } from '../on-keys.ts'
import { EXPIRY_FORMS, endOf } from './moments.ts'
import { setCommand } from './set.ts'
import { countOf, SYNTAX_ERROR, wordOf } from './words.ts'

const KEY = { first: 1, last: 1, step: 1 }
const EMPTY = new Uint8Array(0)

export const stringCommands: readonly Command[] = [
  setCommand,
  {
    name: 'get',
    arity: 2,
    kind: 'read',
    keys: KEY,
    flags: ['readonly', 'fast'],
    summary: 'Returns the value of a key',
    run: (context, [key]) => onKeys(context, (keys) => keys.get(key!)?.value ?? null),
  },
  {
    name: 'setnx',
    arity: 3,
    kind: 'write',
    keys: KEY,
    flags: ['denyoom', 'fast'],
    summary: 'Sets a key that does not exist',
    run: (context, [key, value]) =>
      onKeys(context, (keys) => {
        if (keys.find(key!) !== null) return 0
        keys.put(key!, value!)
        return 1
      }),
  },
  {
    name: 'setex',
    arity: 4,
    kind: 'write',
    keys: KEY,
    flags: ['denyoom'],
    summary: 'Sets a key to a value that ends after so many seconds',
    run: (context, args) => setUntil(context, 'setex', 'EX', args),
  },
  {
    name: 'psetex',
    arity: 4,
    kind: 'write',
    keys: KEY,
    flags: ['denyoom'],
    summary: 'Sets a key to a value that ends after so many milliseconds',
    run: (context, args) => setUntil(context, 'psetex', 'PX', args),
  },
  {
    name: 'getset',
    arity: 3,
    kind: 'write',
    keys: KEY,
    flags: ['denyoom', 'fast'],
    summary: 'Sets a key and returns its old value',
    run: (context, [key, value]) =>
      onKeys(context, (keys) => {
        const old = keys.get(key!)
        keys.put(key!, value!)
        return old?.value ?? null
      }),
  },
  {
    name: 'getdel',
    arity: 2,
    kind: 'write',
    keys: KEY,
    flags: ['fast'],
    summary: 'Returns the value of a key and deletes it',
    run: (context, [key]) =>
      onKeys(context, (keys) => {
        const old = keys.get(key!)
        if (old !== null) keys.remove(key!)
        return old?.value ?? null
      }),
  },
  {
    name: 'getex',
    arity: -2,
    kind: 'write',
    keys: KEY,
    flags: ['fast'],
    summary: 'Returns the value of a key and changes when it ends',
    run: getEx,
  },
  {
    name: 'getrange',
    arity: 4,
    kind: 'read',
    keys: KEY,
    flags: ['readonly'],
    summary: 'Returns a part of the value of a key',
    run: getRange,
  },
  {
    name: 'substr',
    arity: 4,
    kind: 'read',
    keys: KEY,
    flags: ['readonly'],
    summary: 'The old name of GETRANGE',
    run: getRange,
  },
  {
    name: 'strlen',
    arity: 2,
    kind: 'read',
    keys: KEY,
    flags: ['readonly', 'fast'],
    summary: 'Returns the length of the value of a key',
    run: (context, [key]) => onKeys(context, (keys) => keys.find(key!)?.size ?? 0),
  },
  {
    name: 'append',
    arity: 3,
    kind: 'write',
    keys: KEY,
    flags: ['denyoom', 'fast'],
    summary: 'Appends to the value of a key, made empty where there is none',
    run: (context, [key, tail]) =>
      onKeys(context, (keys) => {
        const old = keys.get(key!)
        const size = (old?.size ?? 0) + tail!.length
        if (size > VALUE_BYTES_MAX) {
          throw new CommandError('ERR string exceeds maximum allowed size (proto-max-bulk-len)')
        }
        keys.put(key!, Buffer.concat([old?.value ?? EMPTY, tail!]), old?.expiresAtMs ?? 0)
        return size
      }),
  },
]

function setUntil(
  context: CommandContext,
  name: string,
  form: string,
  [key, length, value]: readonly Uint8Array[],
): Told<Reply> {
  const end = endOf(length!, EXPIRY_FORMS.get(form)!, name, context.now)
  return onKeys(context, (keys) => {
    keys.put(key!, value!, end)
    return OK
  })
}

/** What tells the end, 0 with PERSIST; null: it stays as it is. It is judged only where there is a key. */
function endOfGetEx(args: readonly Uint8Array[], now: () => number): (() => number) | null {
  let form = ''
  let end = args[0]!
  for (let at = 1; at < args.length; at++) {
    const word = wordOf(args[at]!)
    const isKnown = word === 'PERSIST' || (EXPIRY_FORMS.has(word) && at + 1 < args.length)
    if (!isKnown || (form || word) !== word) throw new CommandError(SYNTAX_ERROR)
    form = word
    if (word !== 'PERSIST') end = args[++at]!
  }
  if (form === '') return null
  return () => (form === 'PERSIST' ? 0 : endOf(end, EXPIRY_FORMS.get(form)!, 'getex', now))
}

function getEx(context: CommandContext, args: readonly Uint8Array[]): Told<Reply> {
  const key = args[0]!
  const tellEnd = endOfGetEx(args, context.now)
  return onKeys(context, (keys) => {
    const content = keys.get(key)
    if (content === null) return null
    const end = tellEnd?.() ?? content.expiresAtMs
    if (tellEnd !== null && end + content.expiresAtMs > 0) keys.expire(key, content, end)
    return content.value
  })
}

/** Both ends are included; negative ones count from the end. */
function getRange(context: CommandContext, [key, from, to]: readonly Uint8Array[]): Told<Reply> {
  const start = countOf(from!)
  const end = countOf(to!)
  return onKeys(context, (keys) => {
    if (start >= 0 && end >= 0) {
      return end < start ? EMPTY : (keys.getRange(key!, start, end + 1) ?? EMPTY)
    }
    const size = keys.find(key!)?.size ?? 0
    if (start < 0 && end < 0 && start > end) return EMPTY
    const first = start < 0 ? Math.max(0, size + start) : start
    const last = Math.min(end < 0 ? Math.max(0, size + end) : end, size - 1)
    if (first > last || size === 0) return EMPTY
    return keys.getRange(key!, first, last + 1) ?? EMPTY
  })
}
