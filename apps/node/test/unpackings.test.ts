/** Compressed values that become large: what they become, in which order, and what is wrong with them. */
import { Compressor } from '@minivault/codec'
import { ERROR, FRAME_FLAG } from '@minivault/protocol'
import t, { type Test } from 'tap'
import { startNode } from '../src/node.ts'
import { BinaryClient, get, set } from './support/binary-client.ts'
import { FrameClient } from './support/frame-client.ts'
import { temporaryFolder } from './support/server.ts'

const MEBIBYTE = 1024 * 1024
const LARGE = Buffer.alloc(3 * MEBIBYTE + 7, 'what repeats itself is short, ')
const SIZES = { zstd: 1, lz4: 2 } as const

function packed(codec: 'zstd' | 'lz4', value: Uint8Array): Uint8Array {
  return new Compressor({ codec }).compress(value, 0, value.length)!
}

/** Frames of `bytes` run-length bytes that do not say how many. */
function unannounced(bytes: number): Buffer {
  const head = Buffer.from([0x28, 0xb5, 0x2f, 0xfd, 0, 0x68])
  const blocks = Array.from({ length: Math.ceil(bytes / 131_072) }, (_, index, all = bytes) => {
    const left = all - index * 131_072
    const block = Buffer.alloc(4, 'r')
    block.writeUIntLE((Math.min(left, 131_072) << 3) | 2 | (left <= 131_072 ? 1 : 0), 0, 3)
    return block
  })
  return Buffer.concat([head, ...blocks])
}

async function openNode(t: Test) {
  const node = await startNode({ port: 0, host: '127.0.0.1', directory: temporaryFolder(t), durability: 0 })
  t.teardown(() => node.close())
  return node
}

t.test('they are what was packed, and requests behind them see it', async (t) => {
  const { port } = await openNode(t)
  const frames = await FrameClient.open(port)
  for (const codec of ['zstd', 'lz4'] as const) {
    const answers = await Promise.all([
      frames.set(codec, packed(codec, LARGE), { codec: SIZES[codec] }),
      frames.get(codec),
    ])
    t.equal(answers[0].error, ERROR.NONE)
    t.ok(answers[1].value.equals(LARGE), `${codec}: the next request of the connection reads it`)
  }
  const client = new BinaryClient(port)
  const [done, read] = await client.send(set('d', Buffer.from(unannounced(MEBIBYTE + 1)), 1), get('d'))
  t.equal(done!.status, 0)
  t.ok(read!.data.equals(Buffer.alloc(MEBIBYTE + 1, 'r')), 'of a length that was not announced')
  const many = Array.from({ length: 20 }, (_, index) =>
    set(`m${index}`, Buffer.from(unannounced(MEBIBYTE)), 1),
  )
  t.ok((await client.send(...many)).every(({ status }) => status === 0))
  client.close()
  frames.socket.destroy()
})

t.test('JSON, conditions and ids hold for them', async (t) => {
  const { port } = await openNode(t)
  const client = await FrameClient.open(port)
  const json = Buffer.from(JSON.stringify({ text: 'j'.repeat(MEBIBYTE) }))
  const flags = FRAME_FLAG.json
  t.equal((await client.set('json', packed('zstd', json), { codec: 1, flags })).error, ERROR.NONE)
  const read = await client.get('json')
  t.ok(read.value.equals(json) && (read.flags & FRAME_FLAG.json) !== 0)
  t.equal((await client.set('bad', packed('zstd', LARGE), { codec: 1, flags })).error, ERROR.BAD_JSON)
  t.equal(await client.text('bad'), null)
  const again = { codec: 1, flags: FRAME_FLAG.ifAbsent }
  t.equal((await client.set('json', packed('zstd', LARGE), again)).error, ERROR.KEY_EXISTS)
  t.ok((await client.get('json')).value.equals(json))
  client.socket.destroy()
})

t.test('what is damaged or too much is refused, and nothing is left of it', async (t) => {
  const node = await openNode(t)
  const client = await FrameClient.open(node.port)
  const wrongInside = unannounced(2 * MEBIBYTE)
  // Its last block is said to be compressed, and is not.
  const block = Buffer.from([(20 << 3) | 4 | 1, 0, 0, ...Array(20).fill(0xee)])
  wrongInside[wrongInside.length - 4]! &= 0xfe
  const damaged = Buffer.concat([wrongInside, block])
  for (const bytes of [damaged, unannounced(101 * MEBIBYTE), packed('lz4', LARGE).subarray(0, 9000)]) {
    const codec = bytes[0] === 0x28 ? 1 : 2
    t.equal((await client.set('k', bytes, { codec })).error, ERROR.BAD_COMPRESSION)
    t.equal(await client.text('k'), null)
  }
  client.socket.destroy()
})

t.test('those who have gone are not worked for', async (t) => {
  const { port } = await openNode(t)
  const gone = await Promise.all(Array.from({ length: 8 }, () => FrameClient.open(port)))
  const bytes = Buffer.from(unannounced(100 * MEBIBYTE))
  for (const [index, { socket }] of gone.entries()) {
    const sent = set(`gone${index}`, bytes, 1)
    const client = new BinaryClient(port)
    client.socket.write(sent)
    client.socket.on('connect', () => setTimeout(() => client.close(), 20))
    socket.destroy()
  }
  const client = new BinaryClient(port)
  const began = performance.now()
  t.equal((await client.one(set('small', Buffer.from(unannounced(MEBIBYTE)), 1))).status, 0)
  t.ok(performance.now() - began < 5000, 'not eight times a hundred MiB later')
  client.close()
})
