/*
 * The one error class of the client. `code` is either one of the client's own or, where a server said so, a
 * name of the wire's table (docs/PROTOCOL.md): KEY_EXISTS, UNAUTHORIZED, READ_ONLY, IN_DOUBT, …
 */

import { type ErrorName, errorKind } from '@minivault/protocol'

/** Codes of the client's own; README has a line for each. */
export type ClientCode =
  | 'CLIENT_ABORTED'
  | 'CLIENT_BAD_ARGUMENT'
  | 'CLIENT_CERTIFICATE'
  | 'CLIENT_CLOSED'
  | 'CLIENT_DISCONNECTED'
  | 'CLIENT_PROTOCOL'
  | 'CLIENT_QUEUE_FULL'
  | 'CLIENT_REFUSED'
  | 'CLIENT_SOURCE'
  | 'CLIENT_TIMEOUT'
  | 'CLIENT_TLS'
  | 'CLIENT_UNSUPPORTED'

export interface ClientErrorOptions extends ErrorOptions {
  retryable?: boolean
  /** a write that may have taken effect, or may yet */
  inDoubt?: boolean
  retryAfterMs?: number
  version?: string | undefined
}

export class ClientError extends Error {
  override readonly name = 'ClientError'
  readonly code: ClientCode | ErrorName
  /** the same call may succeed when made again */
  readonly retryable: boolean
  /** a write that may have taken effect, or may yet; false: it had no effect */
  readonly inDoubt: boolean
  /** what the server asked for; 0: nothing */
  readonly retryAfterMs: number
  /** of KEY_EXISTS and VERSION_MISMATCH: the version that is there; undefined: no value, or not told */
  readonly version: string | undefined

  constructor(code: ClientCode | ErrorName, message: string, options: ClientErrorOptions = {}) {
    super(message, options)
    this.code = code
    this.retryable = options.retryable ?? false
    this.inDoubt = options.inDoubt ?? false
    this.retryAfterMs = options.retryAfterMs ?? 0
    this.version = options.version
  }

  /** The same with another word on its effect. */
  with({ inDoubt }: { inDoubt: boolean }): ClientError {
    if (inDoubt === this.inDoubt) return this
    const { code, message, retryable, retryAfterMs, version, cause } = this
    return new ClientError(code, message, { retryable, inDoubt, retryAfterMs, version, cause })
  }

  /** What a server answered, by its number. */
  static fromServer(number: number, message: string, options: ClientErrorOptions = {}): ClientError {
    const kind = errorKind(number)
    return new ClientError(kind.name, message || kind.message, { retryable: kind.retryable, ...options })
  }
}

/** What no further attempt will change. */
export const FATAL: ReadonlySet<string> = new Set([
  'UNAUTHORIZED',
  'PROTOCOL_VERSION',
  'TLS_REQUIRED',
  'CLIENT_CERTIFICATE',
  'CLIENT_PROTOCOL',
  'CLIENT_TLS',
])

/** What this way to the server cannot carry, and what would. */
export function unsupported(way: string, what: string): ClientError {
  const said = `${way} cannot carry ${what}: use minivault:// to a server that speaks frames`
  return new ClientError('CLIENT_UNSUPPORTED', said)
}
