/** When a value ends, as SET, GETEX and EXPIRE are told: in seconds or milliseconds, from now on or at. */

import { EXPIRY_MS_MAX } from '../../limits.ts'
import { CommandError } from '../command.ts'
import { integerOf } from './words.ts'

export interface ExpiryForm {
  readonly msPerUnit: bigint
  readonly isAbsolute: boolean
}

export const EXPIRY_FORMS: ReadonlyMap<string, ExpiryForm> = new Map([
  ['EX', { msPerUnit: 1000n, isAbsolute: false }],
  ['PX', { msPerUnit: 1n, isAbsolute: false }],
  ['EXAT', { msPerUnit: 1000n, isAbsolute: true }],
  ['PXAT', { msPerUnit: 1n, isAbsolute: true }],
])

/** In wall milliseconds; it may be past. Throws Redis' words where that is later than can be said. */
export function momentOf(arg: Uint8Array, form: ExpiryForm, name: string, now: () => number): number {
  const given = integerOf(arg) * form.msPerUnit
  const moment = form.isAbsolute ? given : given + BigInt(Math.floor(now()))
  if (moment > BigInt(EXPIRY_MS_MAX) || BigInt.asIntN(64, given) !== given) throw invalid(name)
  return Number(moment)
}

/** The same of a new value: zero and less is refused. */
export function endOf(arg: Uint8Array, form: ExpiryForm, name: string, now: () => number): number {
  if (integerOf(arg) <= 0n) throw invalid(name)
  return momentOf(arg, form, name, now)
}

function invalid(name: string): CommandError {
  return new CommandError(`ERR invalid expire time in '${name}' command`)
}
