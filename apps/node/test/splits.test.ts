/**
 * What a client that has not shown the key sends is refused in the same words whether it arrives whole or in
 * pieces, and the connection is kept or closed alike.
 */
import net from 'node:net'
import { setTimeout as sleep } from 'node:timers/promises'
import { encodeFrameRequest, encodeHello, FRAME_OPCODE, FrameRequest } from '@minivault/protocol'
import t from 'tap'
import { get, health, keyed, set } from './support/binary-client.ts'
import { startServer } from './support/server.ts'

const LONG = Buffer.alloc(5000, 0x6b)
const PIECE_BYTES = 900
const NOTHING = new Uint8Array(0)

function frame(opcode: number, value: Uint8Array, key: Uint8Array = NOTHING): Buffer {
  const bytes = Buffer.alloc(100 + key.length + value.length)
  const request = new FrameRequest().begin(opcode, opcode)
  return bytes.subarray(0, encodeFrameRequest(request, key, value, 0, value.length, bytes, 0))
}

const HELLO = frame(FRAME_OPCODE.hello, encodeHello(Buffer.alloc(16)))
const KEY = Buffer.from('key')
const NEXT = frame(FRAME_OPCODE.get, NOTHING, KEY)

/** The replies expected as statuses (documented) or errors (frames), the last in each that of a small GET. */
const STREAMS: readonly { what: string; bytes: Buffer[]; replies: number[] }[] = [
  { what: 'HEALTH with a long key', bytes: [health(LONG), get('key')], replies: [0xff, 0xff] },
  { what: 'AUTH with a long key', bytes: [keyed(6, LONG), get('key')], replies: [0xff, 0xff] },
  { what: 'GET of a long key', bytes: [get(LONG), get('key')], replies: [0xff, 0xff] },
  { what: 'SET of a large value', bytes: [set('key', LONG), get('key')], replies: [0xff, 0xff] },
  { what: 'SET of a long key: closed', bytes: [set(LONG, 'value'), get('key')], replies: [0xff] },
  { what: 'a large SET', bytes: [HELLO, frame(FRAME_OPCODE.set, LONG, KEY), NEXT], replies: [0, 12, 12] },
  { what: 'a large HEALTH', bytes: [HELLO, frame(FRAME_OPCODE.health, LONG), NEXT], replies: [0, 12, 12] },
  { what: 'an unknown opcode', bytes: [HELLO, frame(0x7f, LONG), NEXT], replies: [0, 12, 12] },
  { what: 'a large HELLO', bytes: [frame(FRAME_OPCODE.hello, LONG), HELLO, NEXT], replies: [12, 0, 12] },
]

/** All that comes back until the node has closed its side. */
async function told(port: number, bytes: Buffer, pieceBytes: number): Promise<Buffer> {
  const socket = net.connect({ port, host: '127.0.0.1', noDelay: true, allowHalfOpen: true })
  const pieces: Buffer[] = []
  const ended = new Promise((resolve) => socket.on('end', resolve).on('close', resolve))
  socket.on('error', () => {}).on('data', (piece) => pieces.push(piece))
  for (let at = 0; at < bytes.length; at += pieceBytes) {
    socket.write(bytes.subarray(at, at + pieceBytes))
    await sleep(2)
  }
  socket.end()
  await ended
  socket.destroy()
  return Buffer.concat(pieces)
}

function readReplies(bytes: Buffer, isFrame: boolean): number[] {
  const replies: number[] = []
  for (let at = 0; at < bytes.length; ) {
    replies.push(isFrame ? bytes.readUInt16LE(at + 12) : bytes[at]!)
    at += isFrame ? bytes.readUInt32LE(at + 4) : 5 + bytes.readUInt32LE(at + 1)
  }
  return replies
}

t.test('a stranger is answered alike, whole or in pieces', async (t) => {
  const server = await startServer(t, ['-auth', 'secret', '-authmode', 'all'])
  for (const { what, bytes, replies } of STREAMS) {
    const stream = Buffer.concat(bytes)
    const isFrame = stream[0] === FRAME_OPCODE.hello
    for (const size of [stream.length, PIECE_BYTES]) {
      const got = readReplies(await told(server.port, stream, size), isFrame)
      t.same(got, replies, `${what}, in pieces of ${size}`)
    }
  }
})
