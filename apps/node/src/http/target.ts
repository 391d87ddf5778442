/**
 * What a request target names. Read from the raw target and decoded once: `new URL()` would rewrite
 * `/a/%2e%2e/b`, and every byte string must be a key. `/health` and everything below `/-/` is the node's own,
 * compared before decoding, so that a key of that name is still reached with one byte percent-encoded.
 */
import { ERROR, type ErrorNumber, KEY_BYTES_MAX } from '@minivault/protocol'

export const OWN = { health: '/health', livez: '/-/livez', readyz: '/-/readyz', keys: '/-/keys' } as const
/** Where other members send batches. */
export const PEER_TARGET = '/-/peer'
/** Where they ask for files of large values. */
export const PEER_VALUE_TARGET = '/-/peer/value'

export type Target =
  | { readonly kind: 'key'; readonly key: Buffer }
  | { readonly kind: 'own'; readonly path: string; readonly query: string }
  | { readonly kind: 'error'; readonly error: ErrorNumber; readonly message: string | null }

/** @param raw the request target as it stood in the request line, one character a byte */
export function readTarget(raw: string): Target {
  const whole = withoutOrigin(raw)
  const path = withoutQuery(whole)
  if (path === OWN.health || path.startsWith('/-/')) {
    return { kind: 'own', path, query: whole.slice(path.length + 1) }
  }
  if (path.length < 2 || path[0] !== '/') return failed(ERROR.KEY_MISSING, 'the path must name a key: /mykey')
  if (path.length - 1 > KEY_BYTES_MAX * 3) return failed(ERROR.KEY_LENGTH, null)
  const key = percentDecode(path, 1)
  if (key === null)
    return failed(ERROR.BAD_REQUEST, 'a % in the path must be followed by two hexadecimal digits')
  return key.length > KEY_BYTES_MAX ? failed(ERROR.KEY_LENGTH, null) : { kind: 'key', key }
}

function failed(error: ErrorNumber, message: string | null): Target {
  return { kind: 'error', error, message }
}

/** `http://host:port/key`, as proxies send it, means `/key`. */
function withoutOrigin(raw: string): string {
  const origin = /^https?:\/\/[^/?#]*/i.exec(raw)
  return origin === null ? raw : raw.slice(origin[0].length)
}

function withoutQuery(path: string): string {
  const question = path.indexOf('?')
  return question < 0 ? path : path.slice(0, question)
}

/** The bytes from character `start` on; null for a `%` without two digits. */
export function percentDecode(text: string, start: number): Buffer | null {
  const bytes = Buffer.allocUnsafe(text.length - start)
  let length = 0
  for (let at = start; at < text.length; at++) {
    let byte = text.charCodeAt(at)
    if (byte === 0x25) {
      const digits = text.slice(at + 1, at + 3)
      if (!/^[0-9a-f]{2}$/i.test(digits)) return null
      byte = Number.parseInt(digits, 16)
      at += 2
    }
    bytes[length++] = byte
  }
  return bytes.subarray(0, length)
}
