/**
 * What a large value is compared with: a server that pipes. `S` and bytes to the end: the socket is piped
 * into a file. `G`: the file is piped into the socket. Streams as they come with Node, at their defaults.
 */
import { createReadStream, createWriteStream } from 'node:fs'
import { createServer, type Socket } from 'node:net'
import { pipeline } from 'node:stream/promises'
import { PIPE_OPERATION } from '../load/large-load.ts'

const [host, file] = process.argv.slice(2) as [string, string]

async function serve(socket: Socket): Promise<void> {
  const kind = String(await firstByte(socket))
  if (kind === PIPE_OPERATION.get) return await pipeline(createReadStream(file), socket)
  // The socket's other half stays open for the word that the file is written.
  await pipeline(socket, createWriteStream(file))
  socket.end(PIPE_OPERATION.done)
}

function firstByte(socket: Socket): Promise<Buffer> {
  return new Promise((resolve, reject) => {
    socket.once('error', reject)
    socket.once('readable', () => resolve(socket.read(1)))
  })
}

const server = createServer({ allowHalfOpen: true }, (socket) => {
  serve(socket).catch(() => socket.destroy())
})
server.listen(0, host, () => {
  process.stdout.write(`ready on port ${(server.address() as { port: number }).port}\n`)
})
