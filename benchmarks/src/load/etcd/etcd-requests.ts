/**
 * Put and Range of etcd's v3 API as the generator sends them: gRPC over HTTP/2, written from the published
 * .proto and RFCs, encoded once. Two frames a request; the stream's number is put in when it is sent.
 *
 *     HEADERS  :method :scheme :path :authority content-type te, by their numbers in HPACK's tables
 *     DATA     0:u8 length:u32be message, END_STREAM
 *     message  PutRequest { key = 1, value = 2 }, RangeRequest { key = 1, serializable = 7 }
 *
 * A connection begins with three requests that fill the server's header table and ours. From then on all
 * headers are numbers, as from any client that keeps its connection.
 */
import { KEY_BYTES, type Operation } from '../language.ts'
import {
  connectionStart,
  FLAG_END_STREAM,
  FRAME,
  FRAME_HEAD_BYTES,
  frame,
  indexed,
  remembered,
  rememberedNew,
  writeFrameHead,
  writeHeadersHead,
} from './http2-frames.ts'

/** Of HPACK's static table. */
const STATIC = { authority: 1, methodPost: 3, path: 4, schemeHttp: 6, contentType: 31 } as const
const PUT_PATH = '/etcdserverpb.KV/Put'
const RANGE_PATH = '/etcdserverpb.KV/Range'
const METHOD_AND_SCHEME = [indexed(STATIC.methodPost), indexed(STATIC.schemeHttp)]
/** Of the dynamic table once PUT_PATH was the last to come. */
const DYNAMIC = { put: 62, te: 63, contentType: 64, authority: 65, range: 66 } as const
const REST = [indexed(DYNAMIC.authority), indexed(DYNAMIC.contentType), indexed(DYNAMIC.te)]

const HEADERS: Readonly<Record<Operation, Buffer>> = {
  set: Buffer.concat([...METHOD_AND_SCHEME, indexed(DYNAMIC.put), ...REST]),
  get: Buffer.concat([...METHOD_AND_SCHEME, indexed(DYNAMIC.range), ...REST]),
}
const GRPC_HEAD_BYTES = 5
const TAG = { key: 0x0a, value: 0x12, serializable: 0x38 } as const

/** The stream of the last greeting, whose reply shows what all later ones begin and end with. */
export const LAST_GREETING_STREAM = 5
const GREETING_KEY = 'greeting'

/** To be sent one by one, each when the one before was answered: only so both header tables are known. */
export function greetings(host: string, port: number): Buffer[] {
  const first = Buffer.concat([
    ...METHOD_AND_SCHEME,
    remembered(STATIC.path, RANGE_PATH),
    remembered(STATIC.authority, `${host}:${port}`),
    remembered(STATIC.contentType, 'application/grpc'),
    rememberedNew('te', 'trailers'),
  ])
  const second = Buffer.concat([...METHOD_AND_SCHEME, remembered(STATIC.path, PUT_PATH), ...REST])
  const message = Buffer.concat([Buffer.of(TAG.key, GREETING_KEY.length), Buffer.from(GREETING_KEY)])
  return [first, second, HEADERS.get].map((headers, index) => {
    const stream = 1 + 2 * index
    const block = Buffer.alloc(FRAME_HEAD_BYTES + headers.length)
    block.set(headers, writeHeadersHead(block, 0, stream, headers.length))
    const body = Buffer.concat([grpcHead(message.length), message])
    const start = index === 0 ? connectionStart() : Buffer.alloc(0)
    return Buffer.concat([start, block, frame(FRAME.data, FLAG_END_STREAM, stream, body)])
  })
}

export function requestBytes(operation: Operation, valueBytes: number, isSerializable: boolean): number {
  const heads = 2 * FRAME_HEAD_BYTES + HEADERS[operation].length + GRPC_HEAD_BYTES
  return heads + messageBytes(operation, valueBytes, isSerializable)
}

/** The value's bytes are there already. */
export function writeRequest(
  operation: Operation,
  target: Buffer,
  start: number,
  key: string,
  valueBytes: number,
  isSerializable: boolean,
): number {
  const headers = HEADERS[operation]
  let at = writeHeadersHead(target, start, 0, headers.length)
  target.set(headers, at)
  at += headers.length
  const length = messageBytes(operation, valueBytes, isSerializable)
  at = writeFrameHead(target, at, FRAME.data, FLAG_END_STREAM, 0, GRPC_HEAD_BYTES + length)
  target.set(grpcHead(length), at)
  at += GRPC_HEAD_BYTES
  target[at++] = TAG.key
  target[at++] = KEY_BYTES
  at += target.write(key, at, 'latin1')
  if (operation === 'get') {
    if (isSerializable) at = target.writeUInt16BE((TAG.serializable << 8) | 1, at)
    return at
  }
  target[at++] = TAG.value
  const size = varint(valueBytes)
  target.set(size, at)
  return at + size.length + valueBytes
}

function messageBytes(operation: Operation, valueBytes: number, isSerializable: boolean): number {
  const key = 2 + KEY_BYTES
  if (operation === 'get') return key + (isSerializable ? 2 : 0)
  return key + 1 + varint(valueBytes).length + valueBytes
}

function grpcHead(length: number): Buffer {
  const head = Buffer.alloc(GRPC_HEAD_BYTES)
  head.writeUInt32BE(length, 1)
  return head
}

export function varint(value: number): Buffer {
  const bytes: number[] = []
  for (let rest = value; ; rest >>>= 7) {
    if (rest < 0x80) return Buffer.from([...bytes, rest])
    bytes.push((rest & 0x7f) | 0x80)
  }
}
