/** Clients that do not take their replies: what is kept of them, for each and for all. */
import { setImmediate as turn } from 'node:timers/promises'
import t, { type Test } from 'tap'
import { UnsentBytes } from '../src/door/unsent-bytes.ts'
import { type NodeOptions, startNode } from '../src/node.ts'
import { BinaryClient, get, set } from './support/binary-client.ts'
import { temporaryFolder } from './support/server.ts'

const MEBIBYTE = 1024 * 1024
/** More than the kernel's buffers take, which is up to 37 MB of them. */
const REPLIES = 24_000
const VALUE = Buffer.alloc(2000, 'v')

async function openNode(t: Test, options: Partial<NodeOptions> = {}) {
  const directory = temporaryFolder(t)
  const node = await startNode({ port: 0, host: '127.0.0.1', directory, durability: 0, ...options })
  t.teardown(() => node.close())
  return node
}

for (const plainStreams of [false, true]) {
  t.test(`small replies, one a turn, pile up by their bytes (plain streams: ${plainStreams})`, async (t) => {
    const { port } = await openNode(t, { plainStreams })
    const deaf = new BinaryClient(port)
    await deaf.one(set('k', VALUE))
    deaf.socket.pause()
    const before = process.memoryUsage().arrayBuffers
    for (let sent = 0; sent < REPLIES; sent++) {
      deaf.socket.write(get('k'))
      await turn()
    }
    const grown = (process.memoryUsage().arrayBuffers - before) / MEBIBYTE
    t.ok(grown < 8, `${grown.toFixed(1)} MiB`)
    // None is lost: the client reads on.
    const replies = deaf.expect(REPLIES)
    deaf.socket.resume()
    t.ok((await replies).every(({ data }) => data.equals(VALUE)))
    deaf.close()
  })
}

t.test('what all leave unread together is bounded', async (t) => {
  const unsent = new UnsentBytes(1000)
  t.notOk(unsent.count(0, 500))
  t.notOk(unsent.isScarce)
  t.notOk(unsent.count(0, 400))
  t.ok(unsent.isScarce, 'from half of it on')
  t.ok(unsent.count(400, 600), 'more than all of it')
  t.notOk(unsent.count(600, 550), 'less than before is never too much')
  unsent.count(550, 0)
  unsent.count(500, 0)
  t.notOk(unsent.isScarce)
})

t.test('replies to slow and half-open clients arrive whole', async (t) => {
  const { port } = await openNode(t)
  const value = Buffer.alloc(50_000, 'v')
  const client = new BinaryClient(port)
  await client.one(set('k', value))
  client.socket.pause()
  const replies = client.expect(400)
  client.socket.end(Buffer.concat(Array.from({ length: 400 }, () => get('k'))))
  await new Promise((resolve) => setTimeout(resolve, 300))
  client.socket.resume()
  t.ok((await replies).every(({ data }) => data.equals(value)))
})
