/** When a key ends: the EXPIRE and the TTL family, and PERSIST. */
import { type Command, type CommandContext, CommandError, type Reply, type Told } from '../command.ts'
import type { Content } from '../keys.ts'
import { onKeys } from '../on-keys.ts'
import { EXPIRY_FORMS, type ExpiryForm, momentOf } from './moments.ts'
import { shownOf, wordOf } from './words.ts'

const KEY = { first: 1, last: 1, step: 1 }
const NO_KEY = -2
const NO_EXPIRY = -1

interface Condition {
  nx: boolean
  xx: boolean
  gt: boolean
  lt: boolean
}

export const expiryCommands: readonly Command[] = [
  expiring('expire', 'EX', 'Lets a key end after so many seconds'),
  expiring('pexpire', 'PX', 'Lets a key end after so many milliseconds'),
  expiring('expireat', 'EXAT', 'Lets a key end at a Unix time in seconds'),
  expiring('pexpireat', 'PXAT', 'Lets a key end at a Unix time in milliseconds'),
  telling('ttl', 'Tells after how many seconds a key ends', (end, now) =>
    Math.floor((end - now + 500) / 1000),
  ),
  telling('pttl', 'Tells after how many milliseconds a key ends', (end, now) => end - now),
  telling('expiretime', 'Tells when a key ends, in seconds', (end) => Math.floor((end + 500) / 1000)),
  telling('pexpiretime', 'Tells when a key ends, in milliseconds', (end) => end),
  {
    name: 'persist',
    arity: 2,
    kind: 'write',
    keys: KEY,
    flags: ['fast'],
    summary: 'Lets a key never end',
    run: (context, [key]) =>
      onKeys(context, (keys) => {
        const content = keys.find(key!)
        if (content === null || content.expiresAtMs === 0) return 0
        keys.expire(key!, content, 0)
        return 1
      }),
  },
]

function expiring(name: string, formName: string, summary: string): Command {
  const form = EXPIRY_FORMS.get(formName)!
  return {
    name,
    arity: -3,
    kind: 'write',
    keys: KEY,
    flags: ['fast'],
    summary,
    run: (context, args) => expire(context, name, form, args),
  }
}

function expire(
  context: CommandContext,
  name: string,
  form: ExpiryForm,
  [key, moment, ...words]: readonly Uint8Array[],
): Told<Reply> {
  const condition = conditionOf(words)
  const end = momentOf(moment!, form, name, context.now)
  return onKeys(context, (keys) => {
    const content = keys.find(key!)
    if (content === null || !isMet(condition, content, end)) return 0
    if (end <= context.now()) keys.remove(key!)
    else keys.expire(key!, content, end)
    return 1
  })
}

function conditionOf(words: readonly Uint8Array[]): Condition {
  const condition = { nx: false, xx: false, gt: false, lt: false }
  for (const arg of words) {
    const word = wordOf(arg)
    if (word === 'NX') condition.nx = true
    else if (word === 'XX') condition.xx = true
    else if (word === 'GT') condition.gt = true
    else if (word === 'LT') condition.lt = true
    else throw new CommandError(`ERR Unsupported option ${shownOf(arg)}`)
  }
  const { nx, xx, gt, lt } = condition
  if (nx && (xx || gt || lt)) {
    throw new CommandError('ERR NX and XX, GT or LT options at the same time are not compatible')
  }
  if (gt && lt) throw new CommandError('ERR GT and LT options at the same time are not compatible')
  return condition
}

/** A key that never ends counts as one that ends later than any other. */
function isMet({ nx, xx, gt, lt }: Condition, { expiresAtMs }: Content, end: number): boolean {
  if (nx) return expiresAtMs === 0
  if (xx && expiresAtMs === 0) return false
  if (gt) return expiresAtMs !== 0 && end > expiresAtMs
  return !lt || expiresAtMs === 0 || end < expiresAtMs
}

function telling(name: string, summary: string, tell: (end: number, now: number) => number): Command {
  return {
    name,
    arity: 2,
    kind: 'read',
    keys: KEY,
    flags: ['readonly', 'fast'],
    summary,
    run: (context, [key]) =>
      onKeys(context, (keys) => {
        const content = keys.find(key!)
        if (content === null) return NO_KEY
        if (content.expiresAtMs === 0) return NO_EXPIRY
        return Math.max(0, tell(content.expiresAtMs, Math.floor(context.now())))
      }),
  }
}
