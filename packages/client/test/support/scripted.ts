/** A scripted server: it answers HELLO by itself, and does with everything else what a test wants. */
import net from 'node:net'
import {
  CAPABILITIES_OF_ALL,
  decodeFrameRequest,
  encodeHelloReply,
  FRAME_OPCODE,
  FrameReply,
  FrameRequest,
  frameReplyHeader,
} from '@minivault/protocol'
import type { Test } from 'tap'

export interface Seen {
  opcode: number
  id: string
  attempt: number
  connection: number
  /** as it came */
  request: FrameRequest
  /** of several servers, which of them */
  node: number
  key: string
  value: Buffer
  reply: (fill?: (reply: FrameReply) => void, value?: string) => Buffer
}

export type Script = (seen: Seen, socket: net.Socket) => void

export async function listen(t: Test, onSocket: (socket: net.Socket) => void): Promise<number> {
  const sockets = new Set<net.Socket>()
  const server = net.createServer((socket) => {
    sockets.add(socket.on('error', () => {}))
    onSocket(socket)
  })
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve))
  t.teardown(() => {
    for (const socket of sockets) socket.destroy()
    server.close()
  })
  return (server.address() as net.AddressInfo).port
}

/** Answers HELLO; everything else is the script's. */
export async function scripted(
  t: Test,
  script: Script,
  capabilities: number = CAPABILITIES_OF_ALL,
): Promise<{ port: number; packets: number[] }> {
  let connections = 0
  const packets: number[] = []
  const port = await listen(t, (socket) => {
    const connection = ++connections
    let bytes = Buffer.alloc(0)
    socket.on('data', (piece) => {
      bytes = Buffer.concat([bytes, piece])
      const request = new FrameRequest()
      let count = 0
      for (;;) {
        const consumed = decodeFrameRequest(bytes, 0, bytes.length, request)
        if (consumed <= 0) break
        const { opcode, frameId, attempt } = request
        const reply: Seen['reply'] = (fill, value = '') => {
          const frame = new FrameReply().begin(opcode, frameId)
          fill?.(frame)
          const head = Buffer.alloc(40)
          frameReplyHeader(frame, Buffer.byteLength(value, 'latin1'), head, 0)
          return Buffer.concat([head, Buffer.from(value, 'latin1')])
        }
        const shown = Object.assign(new FrameRequest(), request)
        const key = bytes.subarray(request.keyStart, request.keyEnd).toString()
        const value = bytes.subarray(request.valueStart, request.valueEnd)
        bytes = bytes.subarray(consumed)
        count++
        if (opcode === FRAME_OPCODE.hello) {
          const nonce = new Uint8Array(16)
          const timeMs = Date.now()
          const body = encodeHelloReply({ durability: 2, capabilities, nodeId: nonce, nonce, timeMs })
          socket.write(reply(undefined, Buffer.from(body).toString('latin1')))
        } else {
          const id = request.requestId.toString()
          script({ opcode, id, attempt, connection, request: shown, node: 0, key, value, reply }, socket)
        }
      }
      packets.push(count)
    })
  })
  return { port, packets }
}

/** Several of them; `script` is told who sees what, and what all have seen so far, but for HEALTH. */
export async function scriptedNodes(
  t: Test,
  count: number,
  script: (seen: Seen, socket: net.Socket, all: Seen[]) => void,
  capabilities?: number,
): Promise<{ url: string; ports: number[]; all: Seen[] }> {
  const all: Seen[] = []
  const ports: number[] = []
  for (let node = 0; node < count; node++) {
    const { port } = await scripted(
      t,
      (seen, socket) => {
        if (seen.opcode === FRAME_OPCODE.health) return void socket.write(seen.reply(undefined, '{}'))
        const shown = { ...seen, node }
        all.push(shown)
        script(shown, socket, all)
      },
      capabilities,
    )
    ports.push(port)
  }
  return { url: `minivault://${ports.map((port) => `127.0.0.1:${port}`).join(',')}`, ports, all }
}
