/** Requests of HTTP and RESP as bytes, right or wrong as the caller wants them. */

export interface HttpWords {
  method: string
  /** The raw target. */
  path: string
  /** Written as they are, without the line's end. `Host` and `Content-Length` come by themselves. */
  headers?: readonly string[]
  body?: Uint8Array
  /** The length the request says it has, where that is to be a lie. */
  announced?: number
}

export function httpRequest({ method, path, headers = [], body, announced }: HttpWords): Buffer {
  const lines = [`${method} ${path} HTTP/1.1`, 'Host: node', ...headers]
  const length = announced ?? body?.length
  if (length !== undefined) lines.push(`Content-Length: ${length}`)
  const head = Buffer.from(`${lines.join('\r\n')}\r\n\r\n`, 'latin1')
  return body === undefined ? head : Buffer.concat([head, body])
}

/** Every byte of the key as %xx: whatever it is, nothing in the path has a meaning. */
export function keyPath(key: Uint8Array): string {
  return `/${Buffer.from(key).toString('hex').replaceAll(/../g, '%$&')}`
}

/** The same key with only those bytes encoded that a target cannot have, or not have as themselves. */
export function plainPath(key: Uint8Array): string {
  const text = Buffer.from(key).toString('latin1')
  const path = text.replaceAll(/[^!-~]|[%?#]/g, (one) => `%${Buffer.from(one, 'latin1').toString('hex')}`)
  // What belongs to the node itself.
  return /^(health$|-\/)/.test(path) ? keyPath(key) : `/${path}`
}

/** The body of a PUT of this text. */
export function valueJson(value: Uint8Array): Buffer {
  return Buffer.from(JSON.stringify({ value: Buffer.from(value).toString() }))
}

export function respCommand(...parts: readonly (Uint8Array | string)[]): Buffer {
  const pieces: Buffer[] = [Buffer.from(`*${parts.length}\r\n`)]
  for (const part of parts) pieces.push(bulk(part))
  return Buffer.concat(pieces)
}

/** `announced`: the length it says it has, where that is to be a lie. */
export function bulk(part: Uint8Array | string, announced?: number): Buffer {
  const bytes = Buffer.from(part)
  return Buffer.concat([Buffer.from(`$${announced ?? bytes.length}\r\n`), bytes, Buffer.from('\r\n')])
}
