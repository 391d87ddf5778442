/*
 * Bytes as they stand in the target of an HTTP request.
 */

const UNRESERVED = /^[A-Za-z0-9_.~-]$/

export function percentEncoded(bytes: Uint8Array): string {
  let text = ''
  for (const byte of bytes) {
    const letter = String.fromCharCode(byte)
    text += UNRESERVED.test(letter) ? letter : `%${byte.toString(16).padStart(2, '0').toUpperCase()}`
  }
  return text
}
