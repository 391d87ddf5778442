/**
 * Writes of one key in one millisecond, some stamped by the node, some under ids of a client whose clock is
 * behind: each is above the one before, and the last one stays.
 */
import net from 'node:net'
import { encodeBatch, encodeFrameRequest, encodeHello, FRAME_OPCODE, FrameRequest } from '@minivault/protocol'
import t from 'tap'
import { BinaryClient, get } from './support/binary-client.ts'
import { startServer } from './support/server.ts'

const KEYS = 300
const BEHIND_MS = 5000
const NOTHING = new Uint8Array(0)

let ids = 0

function frame(opcode: number, key: Uint8Array, value: Uint8Array, isFromBehind = false): Buffer {
  const request = new FrameRequest().begin(opcode, 1)
  if (isFromBehind) {
    const wallMs = Date.now() - BEHIND_MS
    request.requestId.set(Math.floor(wallMs / 65_536), (wallMs % 65_536) << 16, ++ids)
  }
  const bytes = Buffer.alloc(100 + key.length + value.length)
  return bytes.subarray(0, encodeFrameRequest(request, key, value, 0, value.length, bytes, 0))
}

const BEHIND = {
  set: (key: Buffer) => frame(FRAME_OPCODE.set, key, Buffer.from('second'), true),
  touch: (key: Buffer) => frame(FRAME_OPCODE.touch, key, NOTHING, true),
  delete: (key: Buffer) => frame(FRAME_OPCODE.delete, key, NOTHING, true),
  batch: (key: Buffer) => frame(FRAME_OPCODE.batch, NOTHING, encodeBatch([{ key, value: null }]), true),
}

t.test('the last of several writes in one millisecond stays', async (t) => {
  const server = await startServer(t, ['-durability', 'memory'])
  const reader = new BinaryClient(server.port)
  for (const [name, behind] of Object.entries(BEHIND)) {
    const keys = Array.from({ length: KEYS }, (_, index) => Buffer.from(`${name} ${index}`))
    const parts = [frame(FRAME_OPCODE.hello, NOTHING, encodeHello(Buffer.alloc(16)))]
    for (const key of keys) {
      const written = (text: string) => frame(FRAME_OPCODE.set, key, Buffer.from(text))
      parts.push(written('first'), behind(key), written('third'))
    }
    const socket = net.connect({ port: server.port, host: '127.0.0.1', allowHalfOpen: true })
    socket.resume().end(Buffer.concat(parts))
    await new Promise((resolve) => socket.on('end', resolve))
    socket.destroy()
    const replies = await reader.send(...keys.map((key) => get(key)))
    const lost = replies.filter(({ data }) => String(data) !== 'third')
    t.equal(lost.length, 0, `behind a ${name}: nothing lost`)
  }
  reader.close()
})
