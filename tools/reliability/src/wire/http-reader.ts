/** Cuts HTTP replies from bytes: a status line, headers, a body of announced length or in chunks. */
import { ERROR } from '@minivault/protocol'
import type { Reply, ReplyReader } from './reply-readers.ts'

const HEAD_END = Buffer.from('\r\n\r\n')
const LINE_END = Buffer.from('\r\n')

export interface HttpReply {
  status: number
  /** Lower case names. */
  headers: Map<string, string>
  body: Buffer
}

export class HttpReader implements ReplyReader {
  needed = 1
  found: Reply | null = null
  reply: HttpReply | null = null

  /** Replies without a body, whatever their head says, are those to HEAD: `isHead`. */
  read(bytes: Buffer, at: number, isHead = false): number {
    this.found = null
    this.reply = null
    this.needed = bytes.length - at + 1
    const headEnd = bytes.indexOf(HEAD_END, at)
    if (headEnd < 0) return 0
    const [first, ...lines] = bytes.toString('latin1', at, headEnd).split('\r\n')
    const matched = /^HTTP\/1\.1 (\d{3}) /.exec(first!)
    if (matched === null) throw new Error(`not a reply: ${first!.slice(0, 80)}`)
    const status = Number(matched[1])
    const headers = new Map(lines.map(headerOf))
    const start = headEnd + HEAD_END.length
    if (status < 200) return start - at
    if (isHead || status === 204 || status === 304)
      return this.#give(status, headers, Buffer.alloc(0), start - at)
    if (headers.get('transfer-encoding') === 'chunked')
      return this.#chunked(bytes, at, start, status, headers)
    const length = Number(headers.get('content-length') ?? Number.NaN)
    if (!Number.isSafeInteger(length)) throw new Error(`a reply without a length: ${first}`)
    this.needed = start + length - at
    if (bytes.length < start + length) return 0
    return this.#give(status, headers, Buffer.from(bytes.subarray(start, start + length)), this.needed)
  }

  #chunked(bytes: Buffer, at: number, start: number, status: number, headers: Map<string, string>): number {
    const pieces: Buffer[] = []
    for (let next = start; ; ) {
      const lineEnd = bytes.indexOf(LINE_END, next)
      if (lineEnd < 0) return 0
      const length = Number.parseInt(bytes.toString('latin1', next, lineEnd), 16)
      if (!(length >= 0)) throw new Error('a chunk without a length')
      next = lineEnd + 2
      if (bytes.length < next + length + 2) return 0
      pieces.push(bytes.subarray(next, next + length))
      next += length + 2
      if (length === 0) return this.#give(status, headers, Buffer.concat(pieces), next - at)
    }
  }

  #give(status: number, headers: Map<string, string>, body: Buffer, consumed: number): number {
    this.reply = { status, headers, body }
    const ok = status < 400
    this.found = { ok, error: ok ? ERROR.NONE : status, value: valueIn(headers, body), reply: null }
    return consumed
  }
}

function headerOf(line: string): [string, string] {
  const colon = line.indexOf(':')
  return [line.slice(0, colon).toLowerCase(), line.slice(colon + 1).trim()]
}

/** What stands in the envelope of a GET; else the body itself. */
function valueIn(headers: Map<string, string>, body: Buffer): Buffer {
  if (!body.subarray(0, 16).includes('{"success":true,')) return body
  if (headers.get('content-type') !== 'application/json') return body
  const { data, encoding } = JSON.parse(body.toString()) as { data?: unknown; encoding?: string }
  if (typeof data !== 'string') return body
  return Buffer.from(data, encoding === 'base64' ? 'base64' : 'utf8')
}
