/**
 * The request headers whose whole meaning the fast lane knows: what they are called, and which values of them
 * are plain. What curl, wrk, undici, Go and Python send of themselves is here. Everything else, be it only
 * spelled otherwise, makes a request one for `node:http`.
 *
 * Names are compared in any case, values byte for byte: `Connection: Keep-Alive` means the same as
 * `keep-alive`, but who writes something rare may mean something rare.
 */

/** What the lane does with a header. Their numbers are bits: each may come once. */
export const HEADER = {
  host: 1,
  /** Of no meaning to the node, whatever it says. */
  userAgent: 2,
  acceptEncoding: 4,
  acceptLanguage: 8,
  fetchMode: 16,
  traceParent: 32,
  traceState: 64,
  connection: 128,
  accept: 256,
  contentType: 512,
  contentLength: 1024,
  authorization: 2048,
} as const
export type Header = (typeof HEADER)[keyof typeof HEADER]

interface Name {
  readonly header: Header
  readonly lower: Uint8Array
  readonly upper: Uint8Array
}

const NAMES: readonly Name[] = [
  name('Host', HEADER.host),
  name('User-Agent', HEADER.userAgent),
  name('Accept-Encoding', HEADER.acceptEncoding),
  name('Accept-Language', HEADER.acceptLanguage),
  name('Sec-Fetch-Mode', HEADER.fetchMode),
  name('Traceparent', HEADER.traceParent),
  name('Tracestate', HEADER.traceState),
  name('Connection', HEADER.connection),
  name('Accept', HEADER.accept),
  name('Content-Type', HEADER.contentType),
  name('Content-Length', HEADER.contentLength),
  name('Authorization', HEADER.authorization),
]
const NAME_BYTES_MAX = Math.max(...NAMES.map(({ lower }) => lower.length))
const NAMES_BY_LENGTH: readonly (readonly Name[])[] = Array.from(
  { length: NAME_BYTES_MAX + 1 },
  (_, length) => NAMES.filter(({ lower }) => lower.length === length),
)

function name(text: string, header: Header): Name {
  return { header, lower: Buffer.from(text.toLowerCase()), upper: Buffer.from(text.toUpperCase()) }
}

/** 0: none that the lane knows. */
export function headerOf(bytes: Uint8Array, start: number, end: number): Header | 0 {
  const length = end - start
  if (length > NAME_BYTES_MAX) return 0
  const names = NAMES_BY_LENGTH[length]!
  for (let at = 0; at < names.length; at++) {
    const { header, lower, upper } = names[at]!
    let matched = 0
    while (matched < length) {
      const byte = bytes[start + matched]
      if (byte !== lower[matched] && byte !== upper[matched]) break
      matched++
    }
    if (matched === length) return header
  }
  return 0
}

/** Values of which each is plain, and what it says. */
type Values = readonly { readonly text: Uint8Array; readonly isRaw: boolean }[]

export const KEEP_ALIVE_VALUES = values(['keep-alive', 'Keep-Alive'])
/** What asks for JSON, and what for bytes. */
export const ACCEPT_VALUES = values(
  ['*/*', 'application/json', 'application/json, text/plain, */*', 'application/json, */*;q=0.5'],
  ['application/octet-stream'],
)
/** What says that the body is JSON, or at least not that it is bytes; and what says that. */
export const CONTENT_TYPE_VALUES = values(
  [
    'application/json',
    'application/json; charset=utf-8',
    'application/json;charset=utf-8',
    'application/x-www-form-urlencoded',
    'text/plain;charset=UTF-8',
  ],
  ['application/octet-stream'],
)

function values(json: readonly string[], raw: readonly string[] = []): Values {
  const of = (isRaw: boolean) => (text: string) => ({ text: Buffer.from(text), isRaw })
  return [...json.map(of(false)), ...raw.map(of(true))]
}

/** Which of the values it is; -1: none. */
export function valueIndex(among: Values, bytes: Uint8Array, start: number, end: number): number {
  for (let index = 0; index < among.length; index++) {
    if (isText(bytes, start, end, among[index]!.text)) return index
  }
  return -1
}

export function isText(bytes: Uint8Array, start: number, end: number, text: Uint8Array): boolean {
  if (end - start !== text.length) return false
  for (let at = 0; at < text.length; at++) if (bytes[start + at] !== text[at]) return false
  return true
}
