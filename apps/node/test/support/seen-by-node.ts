/** What the parser of `node:http` makes of bytes, without a socket. */
import http from 'node:http'
import { Duplex } from 'node:stream'

export interface Seen {
  method: string
  url: string
  headers: http.IncomingHttpHeaders
  body: string
}

/** All requests that it finds in the bytes, and whether it stopped at something malformed. */
export async function seenByNode(bytes: Uint8Array): Promise<{ requests: Seen[]; isMalformed: boolean }> {
  const requests: Seen[] = []
  let isMalformed = false
  const server = http.createServer((request) => {
    const seen: Seen = { method: request.method!, url: request.url!, headers: request.headers, body: '' }
    requests.push(seen)
    request.setEncoding('latin1').on('data', (text) => (seen.body += text))
  })
  server.on('clientError', () => {
    isMalformed = true
  })
  const socket = new Duplex({ read() {}, write: (_bytes, _encoding, done) => done() })
  server.emit('connection', socket)
  socket.push(bytes)
  await new Promise(setImmediate)
  await new Promise(setImmediate)
  socket.destroy()
  return { requests, isMalformed }
}
