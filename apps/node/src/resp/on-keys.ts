/** Runs what a command does with keys, again and again until nothing was written in between. */
import { ProtocolError } from '@minivault/protocol'
import type { BatchCondition } from '../key-value.ts'
import type { CommandContext, Told } from './command.ts'
import { HeldValues } from './held-values.ts'
import { Keys } from './keys.ts'
import { replayed } from './late.ts'

/**
 * Within EXEC the keys are the transaction's, and take effect with it. `work` reads before it writes: where
 * a key is told late it begins again.
 */
export function onKeys<T>(context: CommandContext, work: (keys: Keys) => T): Told<T> {
  if (context.keys !== undefined) return work(context.keys)
  return committed(context, (keys) => replayed(() => work(keys)), NOTHING) as Told<T>
}

/** What must hold beside, or all is given up. */
export interface Watched {
  /** Of all its keys at one moment, also of those that it only reads. */
  readonly isTransaction: boolean
  readonly conditions: readonly BatchCondition[]
  /** Asked when something had been written in between. */
  stillHold(): Promise<boolean>
}

const NOTHING: Watched = { isTransaction: false, conditions: [], stillHold: async () => true }

/** Null: given up. */
export function committed<T>(
  { ask, now, endMs }: CommandContext,
  work: (keys: Keys) => Told<T>,
  { isTransaction, conditions, stillHold }: Watched,
): Told<T | null> {
  const held = new HeldValues(ask.held)
  let told: T
  const commit = (keys: Keys, value: T): Told<boolean> => {
    told = value
    return replayed(() => keys.commit(isTransaction, conditions))
  }
  const attempt = (): Told<boolean> => {
    const keys = new Keys(ask, held, now)
    const value = work(keys)
    return value instanceof Promise ? value.then((late) => commit(keys, late)) : commit(keys, value)
  }
  const goOn = async (first: Promise<boolean> | false): Promise<T | null> => {
    for (let isDone: Told<boolean> = first; !(await isDone); isDone = attempt()) {
      held.release()
      if (!(await stillHold())) return null
      if (now() >= endMs) throw new ProtocolError('TIMEOUT', 'others kept writing what this command reads')
    }
    return told
  }
  let isLate = false
  try {
    const isDone = attempt()
    if (isDone === true) return told!
    isLate = true
    return goOn(isDone).finally(() => held.release())
  } finally {
    if (!isLate) held.release()
  }
}
