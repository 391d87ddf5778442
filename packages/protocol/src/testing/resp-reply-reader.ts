/** Replies of the Redis protocol as plain values: what a test compares with. */

/** Bulk strings as text of one byte a character; what RESP3 adds as objects that name it. */
export type ReadReply =
  | null
  | number
  | string
  | boolean
  | readonly ReadReply[]
  | { readonly simple: string }
  | { readonly error: string }
  | { readonly double: string }
  | { readonly map: readonly ReadReply[] }
  | { readonly set: readonly ReadReply[] }
  | { readonly verbatim: string }

/** Whole replies at the beginning of the bytes, and where they end. Throws on what is none. */
export function readRespReplies(bytes: Uint8Array): { replies: ReadReply[]; end: number } {
  const text = Buffer.from(bytes).toString('latin1')
  const replies: ReadReply[] = []
  let end = 0
  for (;;) {
    const read = readReply(text, end)
    if (read === null) return { replies, end }
    replies.push(read.reply)
    end = read.next
  }
}

function readReply(text: string, start: number): { reply: ReadReply; next: number } | null {
  const lineEnd = text.indexOf('\r\n', start)
  if (lineEnd < 0) return null
  const marker = text[start]!
  const line = text.slice(start + 1, lineEnd)
  const next = lineEnd + 2
  switch (marker) {
    case '+':
      return { reply: { simple: line }, next }
    case '-':
      return { reply: { error: line }, next }
    case ':':
      return { reply: Number(line), next }
    case '_':
      return { reply: null, next }
    case '#':
      return { reply: line === 't', next }
    case ',':
      return { reply: { double: line }, next }
    case '$':
    case '=':
      return readBytes(text, marker, Number(line), next)
    default:
      return readItems(text, marker, Number(line), next)
  }
}

function readBytes(text: string, marker: string, length: number, at: number) {
  if (length < 0) return { reply: null, next: at }
  const end = at + length
  if (end + 2 > text.length) return null
  if (text.slice(end, end + 2) !== '\r\n') throw new Error(`no line end behind ${length} bytes`)
  const bytes = text.slice(at, end)
  return { reply: marker === '=' ? { verbatim: bytes } : bytes, next: end + 2 }
}

function readItems(text: string, marker: string, count: number, start: number) {
  if (!'*%~'.includes(marker)) throw new Error(`no reply begins with ${JSON.stringify(marker)}`)
  if (count < 0) return { reply: null, next: start }
  const items: ReadReply[] = []
  let next = start
  for (const end = marker === '%' ? count * 2 : count; items.length < end; ) {
    const item = readReply(text, next)
    if (item === null) return null
    items.push(item.reply)
    next = item.next
  }
  if (marker === '*') return { reply: items, next }
  return { reply: marker === '%' ? { map: items } : { set: items }, next }
}
