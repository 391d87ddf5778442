/**
 * What is said of an option that cannot be: STORAGE_OPTION, with the option's name and what it may be. The
 * checks that several doors share stand here, too.
 */

import { StorageError } from './storage-error.ts'

/** Throws STORAGE_OPTION. */
export function badOption(option: string, expected: string): never {
  throw new StorageError('STORAGE_OPTION', `${option} must be ${expected}`)
}

/** Null and numbers have no members: what would be asked of them is a TypeError without a code. */
export function mustBeObject(option: string, value: unknown): void {
  if (typeof value !== 'object' || value === null) badOption(option, 'an object')
}

export function mustBeFunctionIfAny(option: string, value: unknown): void {
  if (value !== undefined && typeof value !== 'function') badOption(option, 'a function')
}

/** The path of a folder. What no file system takes is refused here, as it has no path to speak of. */
export function mustBePath(option: string, value: unknown): void {
  if (typeof value === 'string' && value !== '' && !value.includes('\0')) return
  badOption(option, 'the path of a folder')
}
