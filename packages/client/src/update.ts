/*
 * Read, change, write if nobody else has written meanwhile; else again, a bounded number of times, with a
 * pause at random between that grows with each.
 */

import { countOf } from './arguments.ts'
import type { Calls } from './calls.ts'
import { ClientError } from './client-error.ts'
import { UPDATE_ATTEMPTS_MAX_DEFAULT, UPDATE_PAUSE_MS_MAX, UPDATE_PAUSE_MS_MIN } from './limits.ts'
import type { SetOptions, SetResult, UpdateOptions } from './options.ts'
import type { Reply } from './request.ts'

/** The two halves of a try, each with the time and signal that are left. */
export interface UpdateParts {
  calls: Calls
  get: (options: UpdateOptions) => Promise<Reply>
  /** undefined: nothing is to be written */
  change: (current: Reply) => Promise<Uint8Array | undefined>
  set: (value: Uint8Array, options: SetOptions) => Promise<SetResult>
}

export async function update(parts: UpdateParts, options: UpdateOptions): Promise<SetResult | undefined> {
  const { calls, get, change, set } = parts
  const { attemptsMax = UPDATE_ATTEMPTS_MAX_DEFAULT, ...callOptions } = options
  const { time } = calls
  const tries = Math.max(1, countOf(attemptsMax, 'attemptsMax'))
  const deadline = time.now() + calls.timeoutMsOf(options)
  for (let tried = 1; ; tried++) {
    const current = await get(withTimeLeft(callOptions, deadline - time.now()))
    const value = await change(current)
    if (value === undefined) return undefined
    const condition: SetOptions = current.exists ? { ifVersion: current.version! } : { ifAbsent: true }
    try {
      return await set(value, { ...withTimeLeft(callOptions, deadline - time.now()), ...condition })
    } catch (error) {
      const { code, version } = error as ClientError
      if (code !== 'KEY_EXISTS' && code !== 'VERSION_MISMATCH') throw error
      if (tried < tries) await pause(calls, tried)
      else throw lost(error as ClientError, tries, version)
    }
  }
}

function pause({ time }: Calls, tried: number): Promise<void> {
  const longest = Math.min(UPDATE_PAUSE_MS_MAX, UPDATE_PAUSE_MS_MIN * 2 ** tried)
  return new Promise((resolve) => time.after(longest * time.random(), resolve))
}

function withTimeLeft(options: UpdateOptions, timeoutMs: number): UpdateOptions {
  if (timeoutMs > 0) return { ...options, timeoutMs }
  throw new ClientError('CLIENT_TIMEOUT', 'the update did not come through in time', { retryable: true })
}

function lost(cause: ClientError, tries: number, version: string | undefined): ClientError {
  const said = `others were faster ${tries} times`
  return new ClientError(cause.code, said, { retryable: true, version, cause })
}
