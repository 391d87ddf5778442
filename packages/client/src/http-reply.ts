/*
 * What a node answers over HTTP, read into the form that all ways share.
 */

import { ERROR, errorKind, FRAME_FLAG, isErrorName, OUTCOME } from '@minivault/protocol'
import { textOf } from './bytes.ts'
import { ClientError } from './client-error.ts'
import { pageOf } from './http-scan.ts'
import { EMPTY, KIND, type Reply, type Request } from './request.ts'

/** What came back, its body read. */
export interface HttpReply {
  status: number
  headers: Record<string, string | string[] | undefined>
  body: Uint8Array
}

/** Of answers without a body, which is where a code would stand. */
const CODES: Readonly<Record<number, string>> = {
  401: 'UNAUTHORIZED',
  412: 'VERSION_MISMATCH',
  429: 'RATE_LIMITED',
}

export function versionOf({ headers }: HttpReply): string | undefined {
  const told = headers['minivault-version']
  return typeof told === 'string' && /^[0-9a-f]{24}$/.test(told) ? told : undefined
}

/** Throws ClientError for what is no success, and for what makes no sense. */
export function replyOf(request: Request, http: HttpReply, nowMs: number): Reply {
  const { status, body } = http
  const version = versionOf(http)
  const reply: Reply = {
    exists: true,
    value: EMPTY,
    type: undefined,
    version,
    expiresAtMs: undefined,
    size: 0,
    hasMore: false,
  }
  const isGet = request.kind === KIND.get
  if (isGet && status === 416) return { ...reply, size: wholeSize(http) }
  if (isGet && status === 404 && isKeyMissing(request, body))
    return { ...reply, exists: false, version: undefined }
  if (status < 200 || status >= 300) throw refusalOf(request, http)
  switch (request.kind) {
    case KIND.get:
      return readValue(request, http, { ...reply, expiresAtMs: expiryOf(http, nowMs) })
    case KIND.delete:
      // Only what was there has a version to tell.
      return { ...reply, exists: version !== undefined }
    case KIND.scan:
      return { ...reply, page: pageOf(body, request.scan!.keysOnly) }
    case KIND.health:
      return { ...reply, value: body }
    default:
      return reply
  }
}

function readValue(request: Request, http: HttpReply, reply: Reply): Reply {
  const { status, headers, body } = http
  const isBytes = `${headers['content-type'] ?? ''}`.startsWith('application/octet-stream')
  const isPart = request.has(FRAME_FLAG.range)
  if (!isBytes || reply.version === undefined || (isPart && status !== 206)) {
    throw new ClientError('CLIENT_PROTOCOL', 'the server answered with something else than a value')
  }
  if (request.has(FRAME_FLAG.noValue)) return { ...reply, size: Number(headers['content-length'] ?? 0) }
  return { ...reply, value: body, size: isPart ? wholeSize(http) : body.length }
}

/** What is told is how long it has still to go. */
function expiryOf({ headers }: HttpReply, nowMs: number): number {
  const leftMs = headers['minivault-ttl']
  return leftMs === undefined ? 0 : nowMs + Number(leftMs)
}

function wholeSize({ headers }: HttpReply): number {
  const size = /\/(\d{1,15})$/.exec(`${headers['content-range'] ?? ''}`)?.[1]
  if (size !== undefined) return Number(size)
  throw new ClientError('CLIENT_PROTOCOL', 'the server gave a part of a value, and not of which')
}

function isKeyMissing(request: Request, body: Uint8Array): boolean {
  return request.has(FRAME_FLAG.noValue) || parsed(body)?.code === 'KEY_NOT_FOUND'
}

function refusalOf(request: Request, http: HttpReply): ClientError {
  const { status, headers, body } = http
  const told = parsed(body)
  const code = typeof told?.code === 'string' ? told.code : (CODES[status] ?? '')
  const message = typeof told?.error === 'string' ? told.error : `HTTP status ${status}`
  const retryAfterMs = Number(headers['retry-after'] ?? 0) * 1000 || 0
  if (!isErrorName(code)) {
    const retryable = status === 429 || status === 503 || status === 504
    const inDoubt = request.isWrite && status >= 500
    return new ClientError('CLIENT_REFUSED', message, { retryable, inDoubt, retryAfterMs })
  }
  const { outcome, number } = errorKind(ERROR[code])
  // That nothing was done may be true of this attempt only.
  const isOfRetry = outcome === OUTCOME.failed && request.attempt > 0
  const inDoubt = request.isWrite && (outcome === OUTCOME.inDoubt || isOfRetry)
  return ClientError.fromServer(number, message, { retryAfterMs, inDoubt, version: versionOf(http) })
}

function parsed(body: Uint8Array): { error?: unknown; code?: unknown } | null {
  try {
    const told: unknown = JSON.parse(textOf(body))
    return typeof told === 'object' && told !== null ? told : null
  } catch {
    return null
  }
}
