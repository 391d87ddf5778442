/** In a cluster a command on several keys is as many operations: each takes effect, or not, by itself. */
import { ASKED_AT_ONCE_MAX } from '../../limits.ts'
import { type CommandContext, CommandError, type Told } from '../command.ts'

/** For how many it came true. Where one fails so does the sum, when all have come to an end. */
export async function sumOf<T>(items: readonly T[], ask: (item: T) => Told<boolean>): Promise<number> {
  let sum = 0
  for (let at = 0; at < items.length; at += ASKED_AT_ONCE_MAX) {
    const part = items.slice(at, at + ASKED_AT_ONCE_MAX)
    const settled = await Promise.allSettled(part.map(async (item) => ask(item)))
    for (const one of settled) {
      if (one.status === 'rejected') throw one.reason
      if (one.value) sum += 1
    }
  }
  return sum
}

/** Half of it done would be worse than nothing. */
export function oneNodeOnly({ ask }: CommandContext, name: string): void {
  if (!ask.isCluster) return
  const words = 'is not available in a cluster: several keys do not change in one moment'
  throw new CommandError(`ERR ${name.toUpperCase()} ${words}`)
}
