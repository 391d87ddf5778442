/**
 * What is needed of HTTP/2 (RFC 9113) and HPACK (RFC 7541) to ask a gRPC server with bytes that stand ready.
 *
 *     frame  length:u24be type:u8 flags:u8 stream:u32be payload
 */
export const FRAME_HEAD_BYTES = 9
export const FRAME_STREAM_AT = 5

export const FRAME = { data: 0, headers: 1, reset: 3, settings: 4, ping: 6, goAway: 7, window: 8 } as const
export const FLAG_END_STREAM = 1
/** Of SETTINGS and PING. */
export const FLAG_ACK = 1
const FLAG_END_HEADERS = 4

const PREFACE = 'PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n'
const SETTINGS_INITIAL_WINDOW_SIZE = 4
/** Of a stream, and of the connection before anybody widens it. */
export const WINDOW_BYTES = 65_535
/** How far we widen our own, and when we do it again. */
const OWN_WINDOW_BYTES = 1 << 30
export const OWN_WINDOW_USED_BYTES = OWN_WINDOW_BYTES / 2

export function writeFrameHead(
  target: Buffer,
  at: number,
  type: number,
  flags: number,
  stream: number,
  length: number,
): number {
  target.writeUIntBE(length, at, 3)
  target[at + 3] = type
  target[at + 4] = flags
  return target.writeUInt32BE(stream, at + FRAME_STREAM_AT)
}

export function writeHeadersHead(target: Buffer, at: number, stream: number, length: number): number {
  return writeFrameHead(target, at, FRAME.headers, FLAG_END_HEADERS, stream, length)
}

export function frame(type: number, flags: number, stream: number, payload: Uint8Array): Buffer {
  const bytes = Buffer.alloc(FRAME_HEAD_BYTES + payload.length)
  bytes.set(payload, writeFrameHead(bytes, 0, type, flags, stream, payload.length))
  return bytes
}

/** What a client says first: large windows, so that flow control never holds a reply back. */
export function connectionStart(): Buffer {
  const settings = Buffer.alloc(6)
  settings.writeUInt16BE(SETTINGS_INITIAL_WINDOW_SIZE, 0)
  settings.writeUInt32BE(OWN_WINDOW_BYTES, 2)
  return Buffer.concat([Buffer.from(PREFACE), frame(FRAME.settings, 0, 0, settings), wider(OWN_WINDOW_BYTES)])
}

/** Widens our window of the connection by what was used of it. */
export function wider(bytes: number): Buffer {
  const increment = Buffer.alloc(4)
  increment.writeUInt32BE(bytes)
  return frame(FRAME.window, 0, 0, increment)
}

/** HPACK: a header of the static or dynamic table. */
export function indexed(index: number): Buffer {
  return Buffer.of(0x80 | index)
}

/** HPACK: a value under a name of the static table, which the dynamic table then has at its front. */
export function remembered(nameIndex: number, value: string): Buffer {
  return Buffer.concat([Buffer.of(0x40 | nameIndex), text(value)])
}

export function rememberedNew(name: string, value: string): Buffer {
  return Buffer.concat([Buffer.of(0x40), text(name), text(value)])
}

function text(value: string): Buffer {
  return Buffer.concat([Buffer.of(value.length), Buffer.from(value, 'latin1')])
}
