/**
 * `node:http` at its least: answers every request with the same status and the same short text; with `body`
 * as its last word only when all of the request's body has come. It looks at nothing and stores nothing.
 */
import { createServer, type ServerResponse } from 'node:http'

const [host, statusText, contentType, bodyBytes, mode] = process.argv.slice(2) as string[]
const status = Number(statusText)
const body = 'x'.repeat(Number(bodyBytes))
const headers = body === '' ? {} : { 'Content-Type': contentType!, 'Content-Length': Buffer.byteLength(body) }

const answer = (response: ServerResponse) => response.writeHead(status, headers).end(body)

const server = createServer((request, response) => {
  if (mode !== 'body') {
    answer(response)
    return
  }
  const pieces: Buffer[] = []
  request.on('data', (piece: Buffer) => pieces.push(piece))
  request.on('end', () => {
    Buffer.concat(pieces)
    answer(response)
  })
})
server.listen(0, host, () => {
  process.stdout.write(`ready on port ${(server.address() as { port: number }).port}\n`)
})
