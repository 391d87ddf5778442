/** The key of `-auth` or `-auth-file`. */
import { readBytes } from './files.ts'
import type { Texts } from './texts.ts'
import { UsageError } from './usage-error.ts'

/** The longest key: what fits before authentication. */
export const AUTH_KEY_BYTES_MAX = 1024

/** Null: there is none. Throws UsageError. */
export function readAuthKey(texts: Texts<'auth' | 'auth-file'>): string | null {
  // A key on the command line wins over one in the environment, in whichever form each was given.
  const isGiven = texts.isOnCommandLine('auth')
  const hasOneSource = isGiven !== texts.isOnCommandLine('auth-file')
  const key = hasOneSource && !isGiven ? '' : texts.text('auth')
  const file = hasOneSource && isGiven ? '' : texts.text('auth-file')
  if (key !== '' && file !== '') throw new UsageError('-auth and -auth-file both give a key: choose one')
  const text = file === '' ? key : firstLineOf(file)
  if (Buffer.byteLength(text) > AUTH_KEY_BYTES_MAX) {
    throw new UsageError(`the authentication key has at most ${AUTH_KEY_BYTES_MAX} bytes`)
  }
  return text === '' ? null : text
}

function firstLineOf(file: string): string {
  const line = readText(file).split(/\r?\n/, 1)[0]!
  if (line === '') throw new UsageError(`-auth-file ${file}: its first line is empty, it must be the key`)
  return line
}

function readText(file: string): string {
  try {
    return readBytes(file).toString()
  } catch (error) {
    throw new UsageError(`-auth-file ${file} cannot be read (${(error as NodeJS.ErrnoException).code})`)
  }
}
