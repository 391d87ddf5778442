/*
 * Many reads at once, in the order of their keys.
 */

import { badArgument } from './arguments.ts'
import { READS_AT_ONCE_MAX } from './limits.ts'

/** Throws what the first read that fails throws; no further ones are begun then. */
export async function readMany<T>(
  keys: Iterable<string | Uint8Array>,
  read: (key: string | Uint8Array) => Promise<T>,
): Promise<T[]> {
  if (typeof keys !== 'object' || !(Symbol.iterator in keys) || keys instanceof Uint8Array) {
    throw badArgument('the keys must be a list')
  }
  const list = [...keys]
  const results = new Array<T>(list.length)
  let at = 0
  const run = async () => {
    while (at < list.length) {
      const index = at++
      try {
        results[index] = await read(list[index]!)
      } catch (error) {
        at = list.length
        throw error
      }
    }
  }
  await Promise.all(Array.from({ length: Math.min(READS_AT_ONCE_MAX, list.length) }, run))
  return results
}
