/** HELLO of a client that speaks another version of the frame form. */
import net from 'node:net'
import { ERROR, encodeHello, FRAME_OPCODE } from '@minivault/protocol'
import t from 'tap'
import { frameOf, startFrames } from './support/frame-client.ts'
import { Taker } from './support/large-client.ts'

t.test('a client of another version is told both, and let go', async (t) => {
  const { node, client } = await startFrames(t)
  for (const [offered, theirs] of [
    [[2, 3], '2 to 3'],
    [[0, 0], '0'],
  ] as const) {
    const body = Buffer.from(encodeHello(Buffer.alloc(16)))
    for (const [at, version] of offered.entries()) body.writeUInt16LE(version, at * 2)
    const socket = net.connect(node.port, '127.0.0.1')
    const taker = new Taker(socket)
    socket.write(frameOf(FRAME_OPCODE.hello, { value: body }, 7))
    const { reply, value } = await taker.frame()
    t.match(reply, { error: ERROR.PROTOCOL_VERSION, frameId: 7 })
    t.equal(value.toString(), `this server speaks version 1, the client ${theirs}: update the older of both`)
    t.equal((await taker.some(1)).length, 0, 'and the end')
    socket.destroy()
  }
  t.equal((await client.set('k', 'one')).error, 0, 'others are unharmed')
})

t.test('a HELLO that says more than ours, and one that speaks later versions too', async (t) => {
  const { node } = await startFrames(t)
  const body = Buffer.concat([encodeHello(Buffer.alloc(16)), Buffer.alloc(40, 9)])
  body.writeUInt16LE(7, 2)
  const socket = net.connect(node.port, '127.0.0.1')
  socket.write(frameOf(FRAME_OPCODE.hello, { value: body }, 7))
  const { reply, value } = await new Taker(socket).frame()
  t.equal(reply.error, 0)
  t.equal(value.readUInt16LE(0), 1, 'the version that both speak')
  socket.destroy()
})
