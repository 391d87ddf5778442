/** A client that ends its side while the node, which has ended its own, still sends. */
import { once } from 'node:events'
import net from 'node:net'
import { setTimeout as sleep } from 'node:timers/promises'
import t from 'tap'
import { startNode } from '../src/node.ts'
import { BinaryClient, get, set } from './support/binary-client.ts'
import { temporaryFolder } from './support/server.ts'

const VALUE = Buffer.alloc(400_000, 'v')
const REPLY_BYTES = 5 + VALUE.length
/** More than the kernel's buffers take. */
const REQUESTS = 30

for (const plainStreams of [false, true]) {
  t.test(`replies on their way out arrive whole (plain streams: ${plainStreams})`, async (t) => {
    const directory = temporaryFolder(t)
    const node = await startNode({ port: 0, host: '127.0.0.1', directory, durability: 0, plainStreams })
    const writer = new BinaryClient(node.port)
    await writer.one(set('k', VALUE))
    writer.close()
    const socket = net.connect({ port: node.port, host: '127.0.0.1', allowHalfOpen: true })
    await once(socket, 'connect')
    socket.pause()
    socket.write(Buffer.concat(Array.from({ length: REQUESTS }, () => get('k'))))
    await sleep(300)
    const closed = node.close()
    await sleep(100)
    socket.end()
    await sleep(100)
    let bytes = 0
    for await (const piece of socket) bytes += (piece as Buffer).length
    t.ok(bytes > 1024 * 1024, `${bytes} bytes`)
    t.equal(bytes % REPLY_BYTES, 0, 'no reply is cut off')
    await closed
  })
}
