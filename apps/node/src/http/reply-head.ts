/**
 * The head of every reply: which lines there are, and in which order. Whoever answers HTTP takes them from
 * here, so that it does not show who did.
 *
 * A **plain** reply is the answer to a GET, PUT, POST or DELETE of a key without anything of its own:
 *
 *     HTTP/1.1 200 OK                      201 of a POST, 404 of a GET
 *     Content-Type: application/json       application/octet-stream where that was asked for
 *     Content-Length: 31
 *     ETag: "018f3c2ab7c0000000000001"     these two where a version is known: not in a 404, nor in the
 *     Minivault-Version: 018f3c2ab7c00…    answer to a DELETE that found nothing
 *     Minivault-TTL: 59000                 a GET of a value that ends
 *     Vary: Accept                         GET and HEAD of keys, whatever their status; see `varyOf`
 *     Accept-Ranges: bytes                 octet-stream, only where the value (200, 206, 304) is meant
 *     Date: Sat, 21 Nov 2026 14:40:00 GMT  from here on as `node:http` writes it
 *     Connection: keep-alive               close: the reply is the connection's last
 *     Keep-Alive: timeout=72               only behind keep-alive
 *
 * Its body: `SUCCESS`, `valueBody` or `errorBody` of reply-body.ts, or the value's bytes. Other replies have
 * more lines between Accept-Ranges and Date.
 */
import { STATUS_CODES } from 'node:http'
import { ERROR, type ErrorNumber } from '@minivault/protocol'
import type { Admission } from '../admission/admission.ts'
import { HTTP_KEEP_ALIVE_MS, NO_QUORUM_RETRY_SECONDS } from '../limits.ts'

export const JSON_TYPE = 'application/json'
export const RAW_TYPE = 'application/octet-stream'

const KEEP_ALIVE = `Connection: keep-alive\r\nKeep-Alive: timeout=${HTTP_KEEP_ALIVE_MS / 1000}\r\n\r\n`
const CLOSE = 'Connection: close\r\n\r\n'

export class ReplyHead {
  status = 200
  /** Empty: the reply has no content. */
  contentType: string = JSON_TYPE
  /** Bytes of the content; -1: not said. */
  contentLength = -1
  /** 24 hex digits; empty: none is known. */
  version = ''
  /** Milliseconds until the value ends; -1: it does not. */
  ttlMs = -1
  /** Names of the request headers that the reply depends on; empty: none. */
  vary = ''
  /** A part of the content may be asked for. */
  hasRanges = false
  /** Further lines, names and values in turn. */
  readonly others: string[] = []

  /** The lines as `writeHead` of `node:http` takes them: names and values in turn. */
  lines(): string[] {
    const lines: string[] = []
    if (this.contentType !== '') lines.push('Content-Type', this.contentType)
    if (this.contentLength >= 0) lines.push('Content-Length', `${this.contentLength}`)
    if (this.version !== '') lines.push('ETag', `"${this.version}"`, 'Minivault-Version', this.version)
    if (this.ttlMs >= 0) lines.push('Minivault-TTL', `${this.ttlMs}`)
    if (this.vary !== '') lines.push('Vary', this.vary)
    if (this.hasRanges) lines.push('Accept-Ranges', 'bytes')
    lines.push(...this.others)
    return lines
  }

  /**
   * The same as `node:http` sends it, from the status line to the empty line. `date` as in
   * `Date.prototype.toUTCString`.
   */
  text(date: string, isLast: boolean): string {
    const lines = this.lines()
    let text = `HTTP/1.1 ${this.status} ${STATUS_CODES[this.status]}\r\n`
    for (let at = 0; at < lines.length; at += 2) text += `${lines[at]}: ${lines[at + 1]}\r\n`
    return `${text}Date: ${date}\r\n${isLast ? CLOSE : KEEP_ALIVE}`
  }
}

/** What a reply depends on: `Accept` where it is of a key, `Origin` where only some pages are let in. */
export function varyOf(isNegotiated: boolean, dependsOnOrigin: boolean): string {
  if (!dependsOnOrigin) return isNegotiated ? 'Accept' : ''
  return isNegotiated ? 'Accept, Origin' : 'Origin'
}

/** Seconds after which the same request may fare better; 0: that is not known. */
export function retryAfterOf(error: ErrorNumber, { retryAfterMs }: Admission): number {
  if (error === ERROR.RATE_LIMITED) return Math.max(1, Math.ceil(retryAfterMs / 1000))
  return error === ERROR.NO_QUORUM ? NO_QUORUM_RETRY_SECONDS : 0
}
