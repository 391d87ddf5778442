import net, { type Socket } from 'node:net'
import { encodeFrameRequest, encodeHello, FRAME_OPCODE, FrameRequest } from '@minivault/protocol'
import t, { type Test } from 'tap'
import { between, Network, RESET, SILENT, slow, UNANSWERED } from '../src/nodes/network.ts'
import { drawSpells } from '../src/nodes/network-plan.ts'

/** Long enough for bytes that are not held to have come. */
const WHILE_MS = 80

/** A network of three, of whom number 1 sends back what it gets. */
async function echoBehindOne(t: Test): Promise<Network> {
  const network = await Network.of(3)
  const sockets = new Set<Socket>()
  const server = net.createServer((socket) => {
    sockets.add(socket)
    socket.on('error', () => {})
    socket.pipe(socket)
  })
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve))
  network.moved(1, (server.address() as net.AddressInfo).port)
  t.teardown(async () => {
    await network.close()
    for (const socket of sockets) socket.destroy()
    server.close()
  })
  return network
}

function helloOf(name: string): Buffer {
  const bytes = Buffer.alloc(200)
  const body = encodeHello(new Uint8Array(16))
  const request = new FrameRequest().begin(FRAME_OPCODE.hello, 0)
  return bytes.subarray(0, encodeFrameRequest(request, Buffer.from(name), body, 0, body.length, bytes, 0))
}

class Dialer {
  readonly socket: Socket
  readonly #hello: Buffer
  #text = ''
  #onText = () => {}
  readonly closed: Promise<unknown>

  constructor(port: number, hello: Buffer) {
    this.#hello = hello
    this.socket = net.connect({ port, host: '127.0.0.1', noDelay: true })
    this.socket.on('error', () => {})
    this.closed = new Promise((resolve) => this.socket.on('close', resolve))
    this.socket.on('data', (bytes) => {
      this.#text += bytes.toString('latin1')
      this.#onText()
    })
    this.socket.write(hello)
  }

  /** What came back behind the greeting. */
  get text(): string {
    return this.#text.slice(this.#hello.length)
  }

  async comes(text: string): Promise<void> {
    while (this.text !== text) await new Promise<void>((resolve) => (this.#onText = resolve))
  }
}

const aWhile = () => new Promise((resolve) => setTimeout(resolve, WHILE_MS))

t.test('bytes pass unaltered, and it is known who dials', async (t) => {
  const network = await echoBehindOne(t)
  const member = new Dialer(network.portOf(1), helloOf(network.nameOf(2)))
  const client = new Dialer(network.portOf(1), Buffer.from('P'))
  member.socket.write('from 2')
  client.socket.write('ING')
  await Promise.all([member.comes('from 2'), client.comes('ING')])
  t.equal(network.connectionsBetween(2, 1), 1)
  t.equal(network.connectionsBetween(0, 1), 0)
  member.socket.end()
  await member.closed
  await new Promise(setImmediate)
  t.equal(network.connectionsBetween(2, 1), 0, 'an end is passed on')
})

t.test('a greeting in pieces', async (t) => {
  const network = await echoBehindOne(t)
  const hello = helloOf(network.nameOf(0))
  const member = new Dialer(network.portOf(1), hello.subarray(0, 30))
  await new Promise((resolve) => member.socket.write(hello.subarray(30, 61), resolve))
  member.socket.write(hello.subarray(61))
  await member.comes(hello.subarray(30).toString('latin1'))
  t.equal(network.connectionsBetween(0, 1), 1)
})

t.test('what is held comes in order when it is over, and only between those two', async (t) => {
  const network = await echoBehindOne(t)
  const cutOff = new Dialer(network.portOf(1), helloOf(network.nameOf(0)))
  const other = new Dialer(network.portOf(1), helloOf(network.nameOf(2)))
  cutOff.socket.write('1')
  await cutOff.comes('1')
  network.trouble(between([0], [1], SILENT))
  cutOff.socket.write('2')
  other.socket.write('x')
  await other.comes('x')
  await aWhile()
  t.equal(cutOff.text, '1')
  const late = new Dialer(network.portOf(1), helloOf(network.nameOf(0)))
  late.socket.write('late')
  await aWhile()
  t.equal(late.text, '', 'new connections, too')
  network.heal()
  cutOff.socket.write('3')
  await Promise.all([cutOff.comes('123'), late.comes('late')])
})

t.test('answers alone are held', async (t) => {
  const network = await echoBehindOne(t)
  const member = new Dialer(network.portOf(1), helloOf(network.nameOf(0)))
  member.socket.write('1')
  await member.comes('1')
  network.trouble([{ from: 0, to: 1, ways: UNANSWERED }])
  member.socket.write('2')
  await aWhile()
  t.equal(member.text, '1')
  network.heal()
  await member.comes('12')
})

t.test('connections are reset, and let through again', async (t) => {
  const network = await echoBehindOne(t)
  const member = new Dialer(network.portOf(1), helloOf(network.nameOf(0)))
  await member.comes('')
  network.trouble([{ from: 0, to: 1, ways: RESET }])
  await member.closed
  await new Dialer(network.portOf(1), helloOf(network.nameOf(0))).closed
  network.heal()
  const again = new Dialer(network.portOf(1), helloOf(network.nameOf(0)))
  again.socket.write('1')
  await again.comes('1')
})

t.test('nobody is behind a gate whose member is gone', async (t) => {
  const network = await echoBehindOne(t)
  const client = new Dialer(network.portOf(1), Buffer.from('P'))
  client.socket.write('ING')
  await client.comes('ING')
  network.left(1)
  await client.closed
  await new Dialer(network.portOf(1), Buffer.from('P')).closed
})

t.test('a slow way takes at least its time', async (t) => {
  const network = await echoBehindOne(t)
  network.trouble([{ from: null, to: 1, ways: slow(40) }])
  const late = new Dialer(network.portOf(1), Buffer.from('P'))
  const startedMs = performance.now()
  late.socket.write('1')
  await late.comes('1')
  t.ok(performance.now() - startedMs >= 79, 'there and back')
  const bytes = 30_000
  network.trouble([{ from: null, to: 1, ways: slow(0, 100_000) }])
  const throttledMs = performance.now()
  late.socket.write('2'.repeat(bytes))
  await late.comes(`1${'2'.repeat(bytes)}`)
  t.ok(performance.now() - throttledMs >= 299, 'a rate')
})

t.test('a plan is drawn by its seed, leaves a majority together, and ends', async (t) => {
  t.same(drawSpells(7, 3, 5000), drawSpells(7, 3, 5000))
  t.notSame(drawSpells(7, 3, 5000), drawSpells(8, 3, 5000))
  const kinds = new Set<string>()
  for (let seed = 1; seed <= 200; seed++) {
    for (const { atMs, forMs, troubles, what } of drawSpells(seed, 3, 3000)) {
      kinds.add(what.replaceAll(/\d+/g, 'N'))
      if (atMs + forMs > 3000.001) t.fail('it goes on behind the end')
      const apart = new Set(troubles.map(({ from, to }) => [from, to].sort().join()))
      if (apart.size > 2) t.fail(`${what}: nobody reaches anybody`)
    }
  }
  t.equal(kinds.size, 25, 'five kinds of sides, five of ways')
})
