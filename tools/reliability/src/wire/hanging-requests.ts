/**
 * Connections that begin a request with a large length and then say no more. The oldest makes room for the
 * next, so that there are always as many.
 */
import net from 'node:net'
import { FRAME_FLAG, FRAME_OPCODE, VALUE_BYTES_MAX } from '@minivault/protocol'
import { DOCUMENTED, documentedRequest, frameRequest, helloRequest } from './requests.ts'

const HANGING_MAX = 120
const PIECE = Buffer.alloc(2048, 0x61)
const KEY = Buffer.from('never there')

export class HangingRequests {
  readonly #port: number
  readonly #sockets: net.Socket[] = []

  constructor(port: number) {
    this.#port = port
  }

  add(random: () => number): void {
    const socket = net.connect({ port: this.#port, host: '127.0.0.1' })
    socket.on('error', () => {}).resume()
    socket.write(beginning(random))
    this.#sockets.push(socket)
    if (this.#sockets.length > HANGING_MAX) this.#sockets.shift()!.destroy()
  }

  end(): void {
    for (const socket of this.#sockets.splice(0)) socket.destroy()
  }
}

function beginning(random: () => number): Buffer {
  const announced = Math.floor((0.5 + random() / 2) * VALUE_BYTES_MAX)
  const choice = random()
  const said = { key: KEY, value: PIECE }
  if (choice < 0.5) return documentedRequest({ ...said, opcode: DOCUMENTED.set, announced })
  const words = { ...said, opcode: FRAME_OPCODE.set }
  if (choice < 0.7) return Buffer.concat([helloRequest(), frameRequest({ ...words, announced: 262_144 })])
  const fill = (request: { flags: number; totalBytes: number }) => {
    request.flags = FRAME_FLAG.chunk | FRAME_FLAG.more
    request.totalBytes = announced
  }
  return Buffer.concat([helloRequest(), frameRequest({ ...words, fill })])
}
