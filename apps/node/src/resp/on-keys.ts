/** Runs what a command does with keys, again and again until nothing was written in between. */
import { ProtocolError } from '@minivault/protocol'
import type { BatchCondition } from '../key-value.ts'
import type { CommandContext } from './command.ts'
import { HeldValues } from './held-values.ts'
import { Keys } from './keys.ts'

/** Within EXEC the keys are the transaction's, and take effect with it. */
export function onKeys<T>(context: CommandContext, work: (keys: Keys) => Promise<T>): Promise<T> {
  if (context.keys !== undefined) return work(context.keys)
  return committed(context, work, NOTHING) as Promise<T>
}

/** What must hold beside, or all is given up. */
export interface Watched {
  readonly conditions: readonly BatchCondition[]
  /** Asked when something had been written in between. */
  stillHold(): Promise<boolean>
}

const NOTHING: Watched = { conditions: [], stillHold: async () => true }

/** Null: given up. */
export async function committed<T>(
  { ask, now, endMs }: CommandContext,
  work: (keys: Keys) => Promise<T>,
  { conditions, stillHold }: Watched,
): Promise<T | null> {
  const held = new HeldValues(ask.held)
  for (;;) {
    const keys = new Keys(ask, held, now)
    try {
      const told = await work(keys)
      if (await keys.commit(conditions)) return told
    } finally {
      held.release()
    }
    if (!(await stillHold())) return null
    if (now() >= endMs) throw new ProtocolError('TIMEOUT', 'others kept writing what this command reads')
  }
}
