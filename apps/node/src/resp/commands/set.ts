/** SET with all its options. Plain sets never come here unless within MULTI. */
import { type Command, type CommandContext, CommandError, OK, type Reply, type Told } from '../command.ts'
import { onKeys } from '../on-keys.ts'
import { EXPIRY_FORMS, endOf } from './moments.ts'
import { SYNTAX_ERROR, wordOf } from './words.ts'

interface Wish {
  condition: 'NX' | 'XX' | null
  wantsOld: boolean
  keepsExpiry: boolean
  /** Wall milliseconds; 0: never. */
  expiresAtMs: number
}

export const setCommand: Command = {
  name: 'set',
  arity: -3,
  kind: 'write',
  keys: { first: 1, last: 1, step: 1 },
  flags: ['denyoom'],
  summary: 'Sets a key to a value',
  run(context, args) {
    const [key, value] = args as [Uint8Array, Uint8Array]
    return carryOut(context, key, value, wishOf(args, context.now))
  },
}

function wishOf(args: readonly Uint8Array[], now: () => number): Wish {
  const wish: Wish = { condition: null, wantsOld: false, keepsExpiry: false, expiresAtMs: 0 }
  let form = ''
  let end = args[0]!
  for (let at = 2; at < args.length; at++) {
    const word = wordOf(args[at]!)
    if ((word === 'NX' || word === 'XX') && (wish.condition ?? word) === word) wish.condition = word
    else if (word === 'GET') wish.wantsOld = true
    else if (word === 'KEEPTTL' && form === '') wish.keepsExpiry = true
    else if (EXPIRY_FORMS.has(word) && !wish.keepsExpiry && (form || word) === word && at + 1 < args.length) {
      form = word
      end = args[++at]!
    } else throw new CommandError(SYNTAX_ERROR)
  }
  if (form !== '') wish.expiresAtMs = endOf(end, EXPIRY_FORMS.get(form)!, 'set', now)
  return wish
}

function carryOut(context: CommandContext, key: Uint8Array, value: Uint8Array, wish: Wish): Told<Reply> {
  const { condition, wantsOld, keepsExpiry, expiresAtMs } = wish
  return onKeys<Reply>(context, (keys) => {
    if (condition === null && !wantsOld && !keepsExpiry) {
      keys.put(key, value, expiresAtMs)
      return OK
    }
    const old = wantsOld ? keys.get(key) : keys.find(key)
    const told = wantsOld ? (old?.value ?? null) : OK
    if (condition !== null && (condition === 'XX') !== (old !== null)) return wantsOld ? told : null
    keys.put(key, value, keepsExpiry ? (old?.expiresAtMs ?? 0) : expiresAtMs)
    return told
  })
}
