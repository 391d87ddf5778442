/**
 * minivault's frame form as the generator speaks it (docs/PROTOCOL.md), written from the document and not
 * with the server's own encoder. Request ids are zero, so that the node stamps the writes: requests that are
 * encoded once and sent many times cannot carry ids of their own.
 *
 *     request  opcode flags consistency durability length:u32le frameId:u32le … keyLength:u16le … key value
 *     reply    opcode|80 flags outcome codec length:u32le frameId:u32le … value
 *
 * Of a reply opcode, outcome, codec and length are compared; its version and frame id differ each time.
 */
import { randomBytes } from 'node:crypto'
import { BenchmarkError } from '../benchmark-error.ts'
import { ANY_BYTE, type ExpectedReply, KEY_BYTES, type Language, type Operation } from './language.ts'

const REQUEST_HEAD_BYTES = 60
const REPLY_HEAD_BYTES = 40
/** Of both heads. */
const CONSISTENCY_AT = 2
const LENGTH_AT = 4
const FRAME_ID_AT = 8
const KEY_LENGTH_AT = 26
const ERROR_AT = 12
const REPLY = 0x80
const OPCODE = { hello: 0x10, get: 0x13, set: 0x14 } as const
const DURABILITY_OF_SERVER = 255
const CONSISTENCY = { ofServer: 0, one: 1, quorum: 2 } as const
const HELLO_BODY_BYTES = 24
/** Of the protocol: the least and the highest that are spoken here. */
const VERSION = 1
const NONCE_AT = 8
/** Larger values travel in several frames, which the generator does not count. */
const CHUNK_BYTES = 196_608

export const frames = framesAt(CONSISTENCY.ofServer)
export const framesOfOne = framesAt(CONSISTENCY.one)
export const framesOfQuorum = framesAt(CONSISTENCY.quorum)

function framesAt(consistency: number): Language {
  return {
    greeting: { request: hello(), isAnswered: isHelloAnswered },
    writeRequest(operation, target, at, key, valueBytes) {
      const end = writeRequest(operation, target, at, key, valueBytes)
      target[at + CONSISTENCY_AT] = consistency
      return end
    },
    requestBytes,
    expectedReply,
    explain,
  }
}

function isHelloAnswered(received: Buffer): boolean {
  if (received.length > 0 && (received[0] !== (OPCODE.hello | REPLY) || (received[2] ?? 0) !== 0)) {
    throw new BenchmarkError('BENCH_INVALID', `HELLO was answered with ${explain(received)}`)
  }
  return received.length >= 8 && received.length >= received.readUInt32LE(LENGTH_AT)
}

function writeRequest(
  operation: Operation,
  target: Buffer,
  at: number,
  key: string,
  valueBytes: number,
): number {
  const valueStart = at + REQUEST_HEAD_BYTES + KEY_BYTES
  writeHead(target, at, OPCODE[operation], requestBytes(operation, valueBytes))
  // Any numbers that differ within a batch will do.
  target.writeUInt32LE(at % 2 ** 32, at + FRAME_ID_AT)
  target.writeUInt16LE(KEY_BYTES, at + KEY_LENGTH_AT)
  target.write(key, at + REQUEST_HEAD_BYTES, 'latin1')
  return operation === 'set' ? valueStart + valueBytes : valueStart
}

function requestBytes(operation: Operation, valueBytes: number): number {
  return REQUEST_HEAD_BYTES + KEY_BYTES + (operation === 'set' ? valueBytes : 0)
}

function expectedReply(operation: Operation, valueBytes: number): ExpectedReply {
  if (valueBytes > CHUNK_BYTES) {
    throw new BenchmarkError('BENCH_USAGE', `--bytes ${valueBytes}: one frame holds ${CHUNK_BYTES}`)
  }
  const bytes = REPLY_HEAD_BYTES + (operation === 'get' ? valueBytes : 0)
  const head = Buffer.alloc(8)
  head[0] = OPCODE[operation] | REPLY
  head.writeUInt32LE(bytes, LENGTH_AT)
  return { head: Int16Array.from(head, (byte, at) => (at === 1 ? ANY_BYTE : byte)), bytes }
}

function explain(reply: Buffer): string {
  if (reply.length < 14) return `a frame that begins ${reply.toString('hex')}`
  const words = reply.subarray(REPLY_HEAD_BYTES, reply.readUInt32LE(LENGTH_AT)).toString('utf8').slice(0, 80)
  return `outcome ${reply[2]}, error ${reply.readUInt16LE(ERROR_AT)}: ${words}`
}

function hello(): Buffer {
  const frame = Buffer.alloc(REQUEST_HEAD_BYTES + HELLO_BODY_BYTES)
  writeHead(frame, 0, OPCODE.hello, frame.length)
  frame.writeUInt16LE(VERSION, REQUEST_HEAD_BYTES)
  frame.writeUInt16LE(VERSION, REQUEST_HEAD_BYTES + 2)
  randomBytes(16).copy(frame, REQUEST_HEAD_BYTES + NONCE_AT)
  return frame
}

function writeHead(target: Buffer, at: number, opcode: number, length: number): void {
  target.fill(0, at, at + REQUEST_HEAD_BYTES)
  target[at] = opcode
  target[at + 3] = opcode === OPCODE.hello ? 0 : DURABILITY_OF_SERVER
  target.writeUInt32LE(length, at + LENGTH_AT)
}
