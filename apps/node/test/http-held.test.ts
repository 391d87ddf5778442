/** Bodies on their way in are held within a total over all connections. */
import { setTimeout as sleep } from 'node:timers/promises'
import t from 'tap'
import { connect, push, Taker } from './support/large-client.ts'
import { growthOf, serverWith } from './support/large-transfers.ts'

const MIB = 1024 * 1024
const CLIENTS = 5
const BODY_BYTES = 90 * MIB

const head = (bytes: number) => `PUT /k HTTP/1.1\r\nHost: x\r\nContent-Length: ${bytes}\r\n\r\n`

t.test('bodies beyond the total are refused, and what they held is free again', async (t) => {
  const { port, pid } = await serverWith(t)
  const piece = Buffer.alloc(MIB, 'a')
  const growth = await growthOf(pid, async () => {
    const sockets = await Promise.all(Array.from({ length: CLIENTS }, () => connect(port)))
    const last = new Taker(sockets.at(-1)!)
    for (const socket of sockets) {
      socket.write(head(BODY_BYTES))
      for (let sent = 0; sent < BODY_BYTES - MIB && (await push(socket, piece)); sent += MIB) {}
    }
    t.equal((await last.exactly(12)).toString(), 'HTTP/1.1 503')
    for (const socket of sockets) socket.destroy()
  })
  t.ok(growth < 420e6, `${(growth / 1e6).toFixed()} MB`)
  await sleep(100)
  const socket = await connect(port)
  const body = `{"value":"${'a'.repeat(BODY_BYTES)}"}`
  socket.write(head(body.length) + body)
  t.equal((await new Taker(socket).exactly(12)).toString(), 'HTTP/1.1 200')
  socket.destroy()
})
