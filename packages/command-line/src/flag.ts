/**
 * A row of a program's table of flags. Each is spelled as the documents print it (`-port 3000`) or with two
 * dashes, and can also be given as `MINIVAULT_…` in the environment. A row whose `later` is set belongs to a
 * part that does not exist yet: it is refused, never accepted and ignored.
 */
export type FlagKind = 'integer' | 'text' | 'choice' | 'list'

export interface Flag {
  readonly kind: FlagKind
  readonly help: string
  /** Shown in --help and used when nothing is given. */
  readonly fallback?: string | number
  readonly choices?: readonly string[]
  readonly min?: number
  readonly max?: number
  /** Values, or everything ('*'), that this version refuses. */
  readonly later?: '*' | readonly string[]
}

/** By name, without dashes. */
export type Flags<Name extends string = string> = Readonly<Record<Name, Flag>>

/** `auth-file` → `MINIVAULT_AUTH_FILE` */
export function environmentName(flag: string): string {
  return `MINIVAULT_${flag.replaceAll('-', '_').toUpperCase()}`
}
