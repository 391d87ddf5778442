/** Commands that count. */
import { type Command, type CommandContext, CommandError, type Reply, type Told } from '../command.ts'
import { onKeys } from '../on-keys.ts'
import { addDecimals, decimalIn, MAX_FRACTION } from './decimals.ts'
import { integerIn, integerOf, NOT_AN_INTEGER, textOf } from './words.ts'

const KEY = { first: 1, last: 1, step: 1 }
const LOWEST = -(2n ** 63n)

export const counterCommands: readonly Command[] = [
  counter('incr', 2, 'Adds one to the number of a key, made from 0 where there is none', () => 1n),
  counter('decr', 2, 'Takes one from the number of a key, made from 0 where there is none', () => -1n),
  counter('incrby', 3, 'Adds to the number of a key', integerOf),
  counter('decrby', 3, 'Takes from the number of a key', (arg) => {
    const delta = integerOf(arg)
    if (delta === LOWEST) throw new CommandError('ERR decrement would overflow')
    return -delta
  }),
  {
    name: 'incrbyfloat',
    arity: 3,
    kind: 'write',
    keys: KEY,
    flags: ['denyoom', 'fast'],
    summary: 'Adds to the number of a key, also one with a fraction',
    run: addFloat,
  },
]

function counter(name: string, arity: number, summary: string, delta: (arg: Uint8Array) => bigint): Command {
  return {
    name,
    arity,
    kind: 'write',
    keys: KEY,
    flags: ['denyoom', 'fast'],
    summary,
    run: (context, [key, arg]) => add(context, key!, delta(arg!)),
  }
}

function add(context: CommandContext, key: Uint8Array, delta: bigint): Told<Reply> {
  return onKeys(context, (keys) => {
    const old = keys.get(key)
    const number = old === null ? 0n : integerIn(old.value)
    if (number === null) throw new CommandError(NOT_AN_INTEGER)
    const sum = number + delta
    if (BigInt.asIntN(64, sum) !== sum) throw new CommandError('ERR increment or decrement would overflow')
    keys.put(key, Buffer.from(String(sum)), old?.expiresAtMs ?? 0, old?.type)
    return sum
  })
}

/** Decimal, without a loss: 0.1 and 0.2 are 0.3. */
function addFloat(context: CommandContext, [key, arg]: readonly Uint8Array[]): Told<Reply> {
  const delta = decimalIn(textOf(arg!))
  if (delta === null) throw new CommandError('ERR value is not a valid float')
  return onKeys(context, (keys) => {
    const old = keys.get(key!)
    const number = decimalIn(old === null ? '0' : textOf(old.value))
    if (number === null) throw new CommandError('ERR value is not a valid float')
    const sum = Buffer.from(addDecimals(number, delta, MAX_FRACTION))
    keys.put(key!, sum, old?.expiresAtMs ?? 0, old?.type)
    return sum
  })
}
