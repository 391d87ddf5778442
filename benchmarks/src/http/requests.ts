/**
 * The requests of each kind, written out as they go over the wire, and what a right reply to the first of
 * them is.
 */
import { BenchmarkError } from '../benchmark-error.ts'
import { keyName } from '../load/language.ts'
import { HOST } from '../servers/server.ts'

export interface Kind {
  /** As the table shows it. */
  readonly title: string
  readonly method: 'GET' | 'PUT'
  readonly headers: Readonly<Record<string, string>>
  /** Of the reply. */
  readonly status: number
}

const RAW = 'application/octet-stream'

export const KINDS = {
  get: { title: 'GET', method: 'GET', headers: {}, status: 200 },
  getRaw: { title: 'GET octet-stream', method: 'GET', headers: { Accept: RAW }, status: 200 },
  absent: { title: 'GET of no value: 404', method: 'GET', headers: {}, status: 404 },
  unchanged: { title: 'GET with its ETag: 304', method: 'GET', headers: {}, status: 304 },
  put: { title: 'PUT', method: 'PUT', headers: { 'Content-Type': 'application/json' }, status: 200 },
  putRaw: { title: 'PUT octet-stream', method: 'PUT', headers: { 'Content-Type': RAW }, status: 200 },
} as const satisfies Record<string, Kind>
export type RequestKind = keyof typeof KINDS

/** Letters and digits, long enough to cut values out of at many places; the same in every run. */
const POOL = poolOf(256 * 1024)
/** Distance of one value's place in the pool to the next one's: a prime. */
const POOL_STEP = 7919

function poolOf(length: number): string {
  let state = 0x2545f491
  const letters = 'ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-_'
  const codes = Buffer.alloc(length)
  for (let at = 0; at < length; at++) {
    state ^= state << 13
    state ^= state >>> 17
    state ^= state << 5
    codes[at] = letters.charCodeAt(state & 63)
  }
  return codes.toString('latin1')
}

export function valueText(index: number, valueBytes: number): string {
  const start = (index * POOL_STEP) % (POOL.length - valueBytes)
  return POOL.slice(start, start + valueBytes)
}

export function pathOf(kind: RequestKind, index: number): string {
  return `/${kind === 'absent' ? 'absent:' : ''}${keyName(index)}`
}

/** `etag` where the kind asks with one. */
export function headersOf(kind: RequestKind, etag: string | null): Record<string, string> {
  return { ...KINDS[kind].headers, ...(etag === null ? {} : { 'If-None-Match': etag }) }
}

export function bodyOf(kind: RequestKind, index: number, valueBytes: number): string | null {
  if (kind === 'put') return JSON.stringify({ value: valueText(index, valueBytes) })
  return kind === 'putRaw' ? valueText(index, valueBytes) : null
}

export function requestText(
  kind: RequestKind,
  port: number,
  index: number,
  valueBytes: number,
  etag: string | null,
): string {
  const body = bodyOf(kind, index, valueBytes)
  const headers = {
    Host: `${HOST}:${port}`,
    ...headersOf(kind, etag),
    ...(body === null ? {} : { 'Content-Length': String(body.length) }),
  }
  const lines = Object.entries(headers).map(([name, value]) => `${name}: ${value}\r\n`)
  return `${KINDS[kind].method} ${pathOf(kind, index)} HTTP/1.1\r\n${lines.join('')}\r\n${body ?? ''}`
}

/** Whether this is what the kind must be answered with; throws what it is instead. */
export function checkReply(kind: RequestKind, valueBytes: number, status: number, body: string): void {
  const value = valueText(0, valueBytes)
  const right: Record<RequestKind, string | null> = {
    get: `{"success":true,"data":"${value}"}`,
    // What came in as JSON goes out as its text.
    getRaw: JSON.stringify(value),
    absent: null,
    unchanged: '',
    put: '{"success":true}',
    putRaw: '{"success":true}',
  }
  const { title, status: expected } = KINDS[kind]
  if (status === expected && (right[kind] === null || body === right[kind])) return
  const found = `${status} and ${body.length} bytes: ${body.slice(0, 80)}`
  throw new BenchmarkError('BENCH_INVALID', `${title} was answered with ${found}`)
}
