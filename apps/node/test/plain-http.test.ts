/**
 * The fast lane beside the reference: the same bytes to a node with it and to one without, however they are
 * cut, have the same replies and leave the same values behind.
 *
 * The reference gets one request after the other and is waited for: what it answers when a malformed request
 * arrives together with the one before it, is an accident of its timing.
 */
import { once } from 'node:events'
import net from 'node:net'
import { ERROR, findValueText, JsonSpan } from '@minivault/protocol'
import { DURABILITY } from '@minivault/storage'
import fc from 'fast-check'
import t, { type Test } from 'tap'
import { PlainRequest } from '../src/http/plain-request.ts'
import { KIND } from '../src/key-value.ts'
import { type Node, type NodeOptions, startNode } from '../src/node.ts'
import { KEYS_WRITTEN, stream } from './support/http-streams.ts'
import { LateKeyValue } from './support/late-key-value.ts'
import { seenByNode } from './support/seen-by-node.ts'
import { temporaryFolder } from './support/server.ts'

const SECRET = 'secret'
/** Turns of the event loop without a byte after which nothing more will come: node and client share it. */
const QUIET_TURNS = 12

async function start(t: Test, options: Partial<NodeOptions>): Promise<Node> {
  const directory = temporaryFolder(t)
  const node = await startNode({
    port: 0,
    host: '127.0.0.1',
    directory,
    durability: DURABILITY.memory,
    ...options,
  })
  t.teardown(() => node.close())
  return node
}

/** Half a request, and then the end. */
const HALF = Buffer.from(
  `POST /a HTTP/1.1\r\nHost: h\r\nAuthorization: Bearer ${SECRET}\r\nContent-Length: 24\r\n\r\n{"value":1}`,
)

class Client {
  received = ''
  isEnded = false
  readonly #socket: net.Socket

  constructor(socket: net.Socket) {
    this.#socket = socket
    socket.setNoDelay(true)
    socket.setEncoding('latin1').on('data', (text) => (this.received += text))
    socket.on('end', () => (this.isEnded = true))
    socket.on('error', () => (this.isEnded = true))
    socket.on('close', () => (this.isEnded = true))
  }

  static async connect(port: number): Promise<Client> {
    const socket = net.connect({ port, host: '127.0.0.1', allowHalfOpen: true })
    await once(socket, 'connect')
    return new Client(socket)
  }

  send(bytes: Uint8Array): void {
    if (!this.isEnded) this.#socket.write(bytes)
  }

  end(): void {
    if (!this.isEnded) this.#socket.end()
  }

  close(): void {
    this.#socket.destroy()
  }

  async quiet(): Promise<void> {
    let seen = -1
    for (let still = 0; still < QUIET_TURNS; still++) {
      await new Promise(setImmediate)
      if (this.received.length !== seen) still = 0
      seen = this.received.length
    }
  }
}

const span = new JsonSpan()

/** Where the plain requests at the beginning end; a client that has shown no key has none. */
function plainEnds(bytes: Uint8Array, isLocked: boolean): number[] {
  const request = new PlainRequest()
  const ends: number[] = []
  for (let at = 0; ; ) {
    const length = request.read(bytes, at, bytes.length)
    if (length <= 0) return ends
    const shown = Buffer.from(bytes.subarray(request.credentialsStart, request.credentialsEnd)).toString()
    if (isLocked && shown !== SECRET) return ends
    const isJson = (request.kind === KIND.set || request.kind === KIND.create) && !request.sendsRaw
    const { bodyStart, bodyEnd } = request
    if (isJson && findValueText(bytes, bodyStart, bodyEnd, span) !== ERROR.NONE) return ends
    if (isJson && span.hasRawControls) return ends
    at += length
    ends.push(at)
  }
}

/** What no two nodes say alike. */
function withoutOwn(replies: string): string {
  return replies
    .replace(/\r\nDate: \w{3}, \d\d \w{3} \d{4} \d\d:\d\d:\d\d GMT\r\n/g, '\r\nDate: D\r\n')
    .replace(/[0-9a-f]{24}/g, 'V')
    .replace(/Minivault-TTL: \d+/g, 'Minivault-TTL: T')
    .replace(
      /Content-Length: \d+((?:\r\n(?!\r\n).*)*\r\n\r\n)\{"status".*?\}/g,
      'Content-Length: N$1{health}',
    )
}

async function tell(port: number, bytes: Buffer, cuts: Iterable<number>): Promise<string> {
  const client = await Client.connect(port)
  let at = 0
  for (const cut of [...new Set([...cuts, bytes.length])].sort((a, b) => a - b)) {
    client.send(bytes.subarray(at, cut))
    await client.quiet()
    at = cut
  }
  const isEndedFirst = client.isEnded
  client.end()
  await client.quiet()
  client.close()
  return `${withoutOwn(client.received)}${isEndedFirst ? '<end>' : ''}`
}

async function values(port: number): Promise<string> {
  const gets = [...KEYS_WRITTEN, 'a%20b', '%00'].map(
    (key) => `GET /${key} HTTP/1.1\r\nHost: h\r\nAuthorization: Bearer ${SECRET}\r\nX: not plain\r\n\r\n`,
  )
  return tell(port, Buffer.from(gets.join('')), [])
}

function suite(name: string, options: Partial<NodeOptions>, isLocked: boolean, numRuns: number): void {
  t.test(name, async (t) => {
    const lane = await start(t, options)
    const reference = await start(t, { ...options, plainHttp: false })
    let replies = 0
    await fc.assert(
      fc.asyncProperty(stream, fc.array(fc.nat(), { maxLength: 6 }), async (pieces, places) => {
        const bytes = Buffer.concat(pieces)
        const ends = plainEnds(bytes, isLocked)
        const plainBytes = ends.at(-1) ?? 0
        // Of these, the reference may lose the reply to what stands in front of the malformed one.
        const { requests, isMalformed } = await seenByNode(bytes.subarray(plainBytes))
        fc.pre(!isMalformed || requests.length === 0)
        const cuts = places.map((place) => place % (bytes.length + 1))
        let end = 0
        const pieceEnds = pieces.map((piece) => (end += piece.length))
        const laneCuts = [...cuts, ...pieceEnds.filter((place) => place > plainBytes)]
        const said = await tell(lane.port, bytes, laneCuts)
        const meant = await tell(reference.port, bytes, [...cuts, ...ends, ...pieceEnds])
        if (said !== meant) throw new Error(`lane:\n${said}\nreference:\n${meant}`)
        replies += meant.split('HTTP/1.1 ').length - 1
        const [left, wanted] = [await values(lane.port), await values(reference.port)]
        if (left !== wanted) throw new Error(`lane holds:\n${left}\nreference:\n${wanted}`)
      }),
      { numRuns, examples: [[[HALF], []]] },
    )
    t.ok(replies > numRuns, `${replies} replies`)
  })
}

suite('without a key', {}, false, 400)
suite('with a key', { authKey: SECRET, authMode: 'all' }, true, 150)
suite('a key for writes', { authKey: SECRET, authMode: 'writes', plainStreams: true }, true, 100)
suite('answered late', { wrapKeyValue: LateKeyValue.around }, false, 100)
