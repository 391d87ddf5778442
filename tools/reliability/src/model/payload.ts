/**
 * Values of tests: bytes that name the operation they are of, half of them such that they can be compressed.
 */
export function payloadOf(n: number, bytes: number): Uint8Array {
  const value = new Uint8Array(bytes + 4)
  new DataView(value.buffer).setUint32(0, n)
  let state = (n + 1) * 2654435761
  for (let i = 4; i < value.length; i++) {
    state ^= state << 13
    state ^= state >>> 17
    state ^= state << 5
    value[i] = i & 64 ? state : n
  }
  return value
}

export function print(value: Uint8Array | undefined): string {
  return value === undefined ? '' : Buffer.from(value).toString('latin1')
}
