/*
 * What the process around a client tells it.
 */

import { env } from 'node:process'

/** MINIVAULT_URL of the environment, if it is set. */
export function environmentUrl(): string | undefined {
  const { MINIVAULT_URL: url } = env
  return url || undefined
}
