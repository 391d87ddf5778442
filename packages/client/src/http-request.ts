/*
 * A request as HTTP has it. Values travel as bytes (`application/octet-stream`), so that they are the same
 * over every way; only a value of type json is put into the JSON form, which is what makes it one.
 */

import { CONSISTENCY, DURABILITY_OF_SERVER, FRAME_FLAG } from '@minivault/protocol'
import { concat, textOf, utf8 } from './bytes.ts'
import { scanTarget } from './http-scan.ts'
import { percentEncoded } from './percent-encoding.ts'
import { KIND, type Request } from './request.ts'

export type Method = 'GET' | 'HEAD' | 'PUT' | 'POST' | 'DELETE'

const RAW_TYPE = 'application/octet-stream'
const JSON_HEAD = utf8('{"value":')
const JSON_END = utf8('}')
const DURABILITIES = ['memory', 'os', 'fsync']

/** What of this request HTTP has no words for; '': nothing. */
export function beyondHttp({ kind }: Request): string {
  if (kind === KIND.touch) return 'touch'
  if (kind === KIND.increment) return 'increment'
  if (kind === KIND.batch) return 'batch'
  return kind === KIND.layout ? 'the layout' : ''
}

export function methodOf(request: Request): Method {
  if (request.kind === KIND.set) return request.has(FRAME_FLAG.ifAbsent) ? 'POST' : 'PUT'
  if (request.kind === KIND.delete) return 'DELETE'
  return request.kind === KIND.get && request.has(FRAME_FLAG.noValue) ? 'HEAD' : 'GET'
}

export function targetOf(request: Request): string {
  if (request.kind === KIND.health) return '/health'
  if (request.scan !== null) return scanTarget(request.scan)
  const isHealth = request.key.length === 6 && textOf(request.key) === 'health'
  const target = percentEncoded(request.key)
  // Slashes are encoded, too: then no key looks like one of the node's own addresses, but this one.
  return isHealth ? '/%68ealth' : `/${target}`
}

/** All but those of the body's length. */
export function headersOf(request: Request, token: string): Record<string, string> {
  const headers: Record<string, string> = {}
  if (token !== '') headers['authorization'] = `Bearer ${token}`
  if (request.kind === KIND.get) headers['accept'] = RAW_TYPE
  if (request.kind === KIND.get && request.has(FRAME_FLAG.range)) headers['range'] = rangeOf(request)
  if (request.kind === KIND.set) headers['content-type'] = isJson(request) ? 'application/json' : RAW_TYPE
  if (request.has(FRAME_FLAG.ifVersion)) headers['if-match'] = `"${request.expectedVersion}"`
  if (request.ttlMs > 0) headers['minivault-ttl'] = `${request.ttlMs}`
  if (request.consistency !== CONSISTENCY.server) {
    headers['minivault-consistency'] = request.consistency === CONSISTENCY.one ? 'one' : 'quorum'
  }
  if (request.durability !== DURABILITY_OF_SERVER) {
    headers['minivault-durability'] = DURABILITIES[request.durability]!
  }
  if (request.isWrite && !request.id.isZero()) {
    headers['minivault-request'] = request.id.toString()
    headers['minivault-attempt'] = `${request.attempt}`
  }
  return headers
}

/** null: the request has none. */
export function bodyOf(request: Request): Uint8Array | null {
  if (request.kind !== KIND.set) return null
  return isJson(request) ? concat([JSON_HEAD, request.value, JSON_END]) : request.value
}

/** What stands before and behind the value in the body. */
export function wrappingOf(request: Request): { head: Uint8Array; end: Uint8Array } {
  const nothing = new Uint8Array(0)
  return isJson(request) ? { head: JSON_HEAD, end: JSON_END } : { head: nothing, end: nothing }
}

function isJson(request: Request): boolean {
  return request.has(FRAME_FLAG.json)
}

function rangeOf({ rangeStart, rangeBytes }: Request): string {
  return `bytes=${rangeStart}-${rangeBytes === 0 ? '' : rangeStart + rangeBytes - 1}`
}
