/**
 * What cannot happen. Written as `if (!holds) bug('…')`, which costs a hot path nothing; `node:assert` would
 * gather its arguments at each call.
 */
import { AssertionError } from 'node:assert'

export function bug(message: string): never {
  throw new AssertionError({ message })
}
