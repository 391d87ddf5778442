/** Cuts RESP replies of both versions from bytes. */
import { ERROR } from '@minivault/protocol'
import type { Reply, ReplyReader } from './reply-readers.ts'

const LINE_END = Buffer.from('\r\n')
/** Of these the line says how many follow. */
const LISTS = new Set(['*', '~', '>', '%'])
const BULKS = new Set(['$', '=', '!'])
const LINES = new Set(['+', '-', ':', '_', '#', ',', '('])

export class RespReader implements ReplyReader {
  needed = 1
  found: Reply | null = null

  read(bytes: Buffer, at: number): number {
    this.found = null
    this.needed = bytes.length - at + 1
    const end = this.#end(bytes, at)
    if (end <= 0) return 0
    const type = String.fromCharCode(bytes[at]!)
    const ok = type !== '-' && type !== '!'
    const value = this.#text(bytes, at, end, type)
    this.found = { ok, error: ok ? ERROR.NONE : -1, value, reply: null }
    return end - at
  }

  #text(bytes: Buffer, at: number, end: number, type: string): Buffer {
    const start = BULKS.has(type) ? bytes.indexOf(LINE_END, at) + 2 : at + 1
    return Buffer.from(
      LISTS.has(type) ? bytes.subarray(at, end) : bytes.subarray(start, Math.max(start, end - 2)),
    )
  }

  /** Where the value at `at` ends; 0: it is not all there. */
  #end(bytes: Buffer, at: number): number {
    if (at >= bytes.length) return 0
    const type = String.fromCharCode(bytes[at]!)
    const lineEnd = bytes.indexOf(LINE_END, at)
    if (!LINES.has(type) && !BULKS.has(type) && !LISTS.has(type))
      throw new Error(`a reply that begins with ${type}`)
    if (lineEnd < 0) return 0
    if (LINES.has(type)) return lineEnd + 2
    const count = Number(bytes.toString('latin1', at + 1, lineEnd))
    if (!Number.isSafeInteger(count) || count < -1) throw new Error('a reply without a length')
    if (BULKS.has(type)) {
      const end = count < 0 ? lineEnd + 2 : lineEnd + 4 + count
      if (end > bytes.length) this.needed = Math.max(this.needed, end - at)
      return end > bytes.length ? 0 : end
    }
    let next = lineEnd + 2
    for (let left = type === '%' ? 2 * count : count; left > 0; left--) {
      next = this.#end(bytes, next)
      if (next === 0) return 0
    }
    return next
  }
}
