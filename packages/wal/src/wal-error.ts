/**
 * The one error class of the package. `code` is from a closed set (README has a row for each); the error of
 * the system below is in `cause`.
 */

export type WalErrorCode =
  | 'WAL_CORRUPT'
  | 'WAL_POISONED'
  | 'WAL_CLOSED'
  | 'WAL_TOO_LARGE'
  | 'WAL_FORMAT'
  | 'WAL_IO'
  | 'WAL_FULL'
  | 'WAL_OPTIONS'
  | 'WAL_NO_SEGMENT'
  | 'WAL_READ_ONLY'

export interface WalErrorDetail {
  path?: string
  offset?: number
  cause?: unknown
}

export class WalError extends Error {
  override readonly name = 'WalError'
  readonly code: WalErrorCode
  readonly path: string | undefined
  readonly offset: number | undefined

  constructor(code: WalErrorCode, message: string, detail: WalErrorDetail = {}) {
    super(message, detail.cause === undefined ? undefined : { cause: detail.cause })
    this.code = code
    this.path = detail.path
    this.offset = detail.offset
  }
}

/**
 * Names what the file system threw: a full disk is `WAL_FULL`, all else `WAL_IO`. A WalError passes as it is.
 */
export function fromSystem(cause: unknown, doing: string, path: string): WalError {
  if (cause instanceof WalError) return cause
  const code = (cause as { code?: unknown } | null)?.code
  const full = code === 'ENOSPC' || code === 'EDQUOT'
  const message = cause instanceof Error ? cause.message : String(cause)
  return new WalError(full ? 'WAL_FULL' : 'WAL_IO', `${doing} ${path}: ${message}`, { path, cause })
}

/** What every call that appends throws once the log has failed. */
export function poisonedBy(cause: WalError | null): WalError {
  const what = 'an earlier write or sync failed; the log is read-only until it is opened anew'
  return new WalError('WAL_POISONED', what, { cause })
}

/** A file of a version that this program does not read. */
export function otherVersion(path: string, theirs: number, ours: number): WalError {
  const whose = theirs > ours ? 'a newer program wrote it' : 'it is from before the format was frozen'
  const way = 'open it with the program version that wrote it, or choose another folder'
  const message = `${path} has format version ${theirs}, this program reads version ${ours}: ${whose}; ${way}`
  return new WalError('WAL_FORMAT', message, { path })
}

/** Payloads of which another owner, or another version of it, says another hash. */
export function otherLayout(path: string, theirs: number, ours: number): WalError {
  const [found, known] = [theirs, ours].map((hash) => (hash >>> 0).toString(16).padStart(8, '0'))
  const way = 'open it with the program version that wrote it, or choose another folder'
  const message = `${path}: its payloads have layout ${found}, this program reads layout ${known}: ${way}`
  return new WalError('WAL_FORMAT', message, { path })
}

export function closedError(): WalError {
  return new WalError('WAL_CLOSED', 'the log is closed')
}

/** What the system threw gets its name; what others threw (the owner's replay) stays what it is. */
export function systemOnly(error: unknown, doing: string, path: string): unknown {
  const code = (error as { code?: unknown } | null)?.code
  const isSystem = typeof code === 'string' && /^E[A-Z0-9]+$/.test(code)
  return isSystem ? fromSystem(error, doing, path) : error
}
