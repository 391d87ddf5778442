/** Which bytes a `Range` asks for (RFC 9110, 14): one range of bytes, anything else is the whole. */
import { parseEntityTags } from './entity-tags.ts'

export interface ByteRange {
  /** First byte. */
  readonly start: number
  /** Behind the last one. */
  readonly end: number
}

const RANGE = /^bytes=[ \t]*(\d*)-(\d*)[ \t]*$/i

/**
 * Null: the whole value is meant. A range that has no byte of the value is `unsatisfiable`.
 * @param size bytes of the whole value
 */
export function readRange(range: string | undefined, size: number): ByteRange | 'unsatisfiable' | null {
  const found = range === undefined ? null : RANGE.exec(range)
  if (found === null) return null
  const [first, last] = [found[1]!, found[2]!]
  if (first === '') {
    if (last === '') return null
    const count = Number(last)
    return count === 0 || size === 0 ? 'unsatisfiable' : { start: Math.max(0, size - count), end: size }
  }
  const start = Number(first)
  const end = last === '' ? size : Math.min(size, Number(last) + 1)
  if (last !== '' && Number(last) < start) return null
  return start >= size ? 'unsatisfiable' : { start, end }
}

/** Whether `If-Range` lets the range count: only the value's own ETag does, not a date, not a weak one. */
export function allowsRange(ifRange: string | undefined, version: string): boolean {
  if (ifRange === undefined) return true
  const tags = parseEntityTags(ifRange)
  if (tags === null || tags === '*' || tags.length !== 1) return false
  return !tags[0]!.isWeak && tags[0]!.opaque === version
}
